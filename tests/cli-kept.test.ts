import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeImage } from '#src/platform/node/codec.js';
import { decodeStyleNetwork } from '#src/style-network/file.js';
import { main, type Outcome, openWorkplace, picture, tinyRun, type Workplace } from './support/cli.js';
import { tinyFile } from './support/tiny-style-network.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  await writeFile(place.at('tiny.onnx'), tinyFile(3));
  await mkdir(place.at('data'));
  for (const seed of [1, 2, 3]) {
    await writeFile(place.at(`data/${seed}.png`), await encodeImage(picture(90, 70, seed), 'png'));
  }
});
afterAll(() => place.remove());

beforeEach(async () => {
  rmSync(place.at('tmp'), { recursive: true, force: true });
  await mkdir(place.at('tmp'));
  await mkdir(place.at('out'), { recursive: true });
});

const env = () => ({ TMPDIR: place.at('tmp') });

/** What was kept among the temporary files: names and paths. */
async function kept(): Promise<Record<string, string>> {
  const files = await readdir(place.at('tmp'), { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((file) => file.isFile() && file.parentPath.includes('fauve-kept-'))
      .map(({ name, parentPath }) => [name, join(parentPath, name)]),
  );
}

/** Runs a command and takes its output folder away at a step. */
const losingFolder = (args: readonly string[], step: number): Promise<Outcome> =>
  place.fauve(args, {
    env: env(),
    onLine: (line) => {
      if (JSON.parse(line).step === step) rmSync(place.at('out'), { recursive: true });
    },
  });

describe('a folder that is gone at the end', () => {
  const stylize = (output: string) => [
    ...['stylize', 'photo.png', '-s', 'style.png', '-o', output, ...tinyRun],
    ...['--size', '96x96', '--scales', '1', '--steps', '12', '--json'],
  ];

  it('costs no picture: it is kept, with a checkpoint that writes the same one without a step', async () => {
    const lost = await losingFolder([...stylize('out/a.png'), '--save-every', '5'], 3);
    const files = await kept();
    expect(Object.keys(files).sort()).toEqual(['a.png', 'a.png.checkpoint']);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/^fauve: The folder .*out does not exist\. .* --resume\.\n$/);
    for (const path of Object.values(files)) expect(lost.stderr).toContain(path);
    // What is saved on the way is told of, and the work goes on.
    expect(lost.stdout).toMatch(/"type":"notice","message":"The folder .* does not exist/);

    await mkdir(place.at('out'));
    await copyFile(files['a.png.checkpoint']!, place.at('out/a.png.checkpoint'));
    const resumed = await place.fauve([...stylize('out/a.png'), '--resume']);
    expect(resumed).toMatchObject({ code: 0 });
    expect(resumed.stdout).not.toContain('"type":"step"');
    expect(await readFile(place.at('out/a.png'))).toEqual(await readFile(files['a.png']!));
    expect(await readdir(place.at('out'))).toEqual(['a.png']);
  });

  it('costs no picture of an interrupted run either', async () => {
    const outcome = await place.fauve(stylize('out/b.png'), {
      env: env(),
      onLine: (line, child) => {
        if (JSON.parse(line).step !== 2) return;
        rmSync(place.at('out'), { recursive: true });
        child.kill('SIGTERM');
      },
    });
    expect(outcome.stderr).toMatch(
      /Stopped after step \d+ of 12\. The folder .* The picture so far is kept as .*b\.png\./,
    );
    expect(Object.keys(await kept()).sort()).toEqual(['b.png', 'b.png.checkpoint']);
  });

  it('costs no network', async () => {
    const args = [
      ...['train', '--style', 'style.png', '--data', 'data', '-o', 'out/n.onnx', '--json', '--test-every', '0'],
      ...['--network', 'vgg19', '--threads', '1', '--device', 'cpu', '--iterations', '8', '--batch', '1'],
      ...['--content-layers', 'relu2_1', '--style-layers', 'relu1_1', '--crop-size', '64', '--save-every', '4'],
      ...['--channels', '0,4,4', '--blocks', '1', '--kernels', '3,3'],
    ];
    const { code, stderr } = await losingFolder(args, 2);
    expect(code).toBe(1);
    const path = (await kept())['n.onnx']!;
    expect(stderr).toContain(`The network is kept as ${path}.`);
    expect(decodeStyleNetwork(await readFile(path), path).training).toMatchObject({ iterations: 8 });
  });
});

// Where there is no /dev/full, there is nothing that is always full.
describe.skipIf(process.platform !== 'linux')('standard output that takes nothing', () => {
  const full = async (...args: string[]) => place.fauve(args, { env: env(), stdout: '/dev/full' });
  const line = /^fauve: The disk is full: standard output was not written\. [^\n]+\n$/;

  it('costs no picture', async () => {
    const style = ['-s', 'wave', '-q', '--threads', '1', '--device', 'cpu'];
    const { code, stderr } = await full('apply', 'tiny.onnx', 'photo.png', '-o', '-', ...style);
    expect(code).toBe(1);
    expect(stderr).toMatch(line);
    expect(stderr).toContain(`The picture is kept as ${(await kept())['picture.png']}.`);
  });

  it('is one line and exit code 1', async () => {
    for (const args of [['styles'], ['--help']]) {
      expect(await full(...args)).toMatchObject({ code: 1, stderr: expect.stringMatching(line) });
    }
  });

  it('does not stop the work that it only told of', async () => {
    const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'told.png', ...tinyRun, '--json'];
    expect(await full(...args)).toMatchObject({ code: 1, stderr: expect.stringMatching(line) });
    expect(await readdir(place.at('.'))).toContain('told.png');
  });
});

/** A command line of a shell that may mount disks of its own. */
const mounting = [['-m'], ['-rm']].find(
  (flags) => spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0,
);

// Where nobody may mount, there is no disk to fill.
describe.skipIf(!mounting)('a disk that is full', () => {
  /** Runs a command with a disk at `out` that has room for so many KB. */
  function fauve(room: number, ...args: string[]) {
    const disk = `mount -t tmpfs -o size=64k none out && head -c ${64 - room}K /dev/zero > out/fill && exec "$@"`;
    return spawnSync('unshare', [...mounting!, 'sh', '-c', disk, 'sh', process.execPath, main, ...args], {
      ...{ cwd: place.at('.'), env: { ...place.env, ...env() }, encoding: 'utf8' },
    });
  }

  it('costs no picture', async () => {
    const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'out/a.png', ...tinyRun, '-q'];
    const { status, stderr } = fauve(4, ...args);
    expect(stderr).toMatch(/^fauve: The disk is full: out\/a\.png was not written\. [^\n]+\n$/);
    expect(status).toBe(1);
    expect(Object.keys(await kept()).sort()).toEqual(['a.png', 'a.png.checkpoint']);
  });

  it('ends a folder of photos after the first picture that it does not take', async () => {
    const style = ['-s', 'wave', '-q', '--threads', '1', '--device', 'cpu'];
    const { stderr } = fauve(24, 'apply', 'tiny.onnx', 'data', '-o', 'out/', ...style);
    expect(stderr).toMatch(/2\.png was not written\. .*1 of 3 pictures are written; the others are not made\.\n$/);
    expect(Object.keys(await kept())).toEqual(['2.png']);
  });
});
