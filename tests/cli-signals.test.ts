import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeImage } from '#src/platform/node/codec.js';
import { decodeCheckpoint } from '#src/stylize/checkpoint.js';
import { decodeTrainCheckpoint } from '#src/training/style-network/checkpoint.js';
import { main, type Outcome, openWorkplace, picture, tinyRun, type Workplace } from './support/cli.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  await mkdir(place.at('data'));
  await writeFile(place.at('data/1.jpg'), await encodeImage(picture(90, 70, 1), 'jpeg'));
});
afterAll(() => place.remove());

const long = (output: string) => [
  ...['stylize', 'photo.png', '-s', 'style.png', '-o', output, ...tinyRun],
  ...['--scales', '1', '--init', 'noise', '--steps', '5000', '--json'],
];

/** Sends signals, one right after the other, at the second step. */
function interrupted(args: readonly string[], ...signals: NodeJS.Signals[]): Promise<Outcome> {
  let sent = false;
  return place.fauve(args, {
    onLine: (line, child) => {
      if (sent || JSON.parse(line).step !== 2) return;
      sent = true;
      for (const signal of signals) child.kill(signal);
    },
  });
}

const checkpoint = async (output: string) => decodeCheckpoint(await readFile(place.at(`${output}.checkpoint`)));

// Windows has no signals to send.
describe.skipIf(process.platform === 'win32')('a signal', () => {
  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ])('%s keeps the picture and a checkpoint, and exits with %i', async (signal, code) => {
    const output = `${signal}.png`;
    const outcome = await interrupted(long(output), signal);
    expect(outcome).toMatchObject({ code, signal: null });
    expect(outcome.stderr).toMatch(/^fauve: Stopped after step \d+ of 5000\. .* with --resume\.\n$/);
    expect((await checkpoint(output)).history.length).toBeGreaterThanOrEqual(2);
    expect(await readdir(place.at('.'))).toContain(output);
  });

  it('that comes once more from a shell or from npm is still the same one', async () => {
    // The system may deliver two signals that wait at the same time in either order.
    const { code } = await interrupted(long('echo.png'), 'SIGINT', 'SIGTERM');
    expect([130, 143]).toContain(code);
    expect((await checkpoint('echo.png')).scale).toBe(0);
  });

  it('that comes three times is meant', async () => {
    expect(await interrupted(long('thrice.png'), 'SIGINT', 'SIGTERM', 'SIGQUIT')).toMatchObject({ code: null });
  });

  it('is called by its name', async () => {
    let sent = false;
    const args = long('name.png').filter((arg) => arg !== '--json');
    const outcome = await place.fauve(args, {
      onStderr: (text, child) => {
        if (!sent && text.includes('step 1/')) sent = child.kill('SIGTERM');
      },
    });
    expect(outcome.stderr).toContain('Stopping after this step, because of SIGTERM (a second one: at once).\n');
    expect(outcome.stderr).not.toContain('Ctrl-C');
  });

  it('keeps the checkpoint of a training run, too', async () => {
    const args = [
      ...['train', '--style', 'style.png', '--data', 'data', '-o', 'cut.onnx', '--json', '--test-every', '0'],
      ...['--network', 'vgg19', '--threads', '1', '--device', 'cpu', '--iterations', '5000', '--batch', '1'],
      ...['--content-layers', 'relu2_1', '--style-layers', 'relu1_1', '--crop-size', '64'],
      ...['--channels', '0,4,4', '--blocks', '1', '--kernels', '3,3'],
    ];
    expect(await interrupted(args, 'SIGHUP')).toMatchObject({ code: 129 });
    const { step } = decodeTrainCheckpoint(await readFile(place.at('cut.onnx.checkpoint')));
    expect(step).toBeGreaterThanOrEqual(2);
  });

  it('that is the second one ends a process at once, whose engine is in the middle of a long step', async () => {
    let second = 0;
    const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'none.png', ...tinyRun];
    const outcome = await place.fauve([...args, '--size', '600x600', '--scales', '1', '--json'], {
      onLine: (line, child) => {
        if (JSON.parse(line).type !== 'scale') return;
        child.kill('SIGTERM');
        void sleep(400).then(() => {
          second = performance.now();
          child.kill('SIGTERM');
        });
      },
    });
    expect(outcome).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(outcome.stdout).not.toContain('"type":"step"');
    expect(performance.now() - second).toBeLessThan(2000);
  });
});

// Its own option -e is that of util-linux.
const hasScript = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

// Where there is no `script` of util-linux, nothing makes a terminal that can be closed.
it.skipIf(!hasScript)('a closed terminal: the picture and a checkpoint are kept, and nothing crashes', async () => {
  const args = long('closed.png').filter((arg) => arg !== '--json');
  // As an interactive shell does, it passes the signal on; it lives on to tell the exit code.
  const fauve = [process.execPath, main, ...args].map((arg) => `'${arg}'`).join(' ');
  const command = `trap 'kill -HUP $!' HUP; ${fauve} & wait $!; wait $!; echo $? > rc`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    ...{ cwd: place.at('.'), env: { ...place.env, SHELL: '/bin/sh' }, stdio: ['ignore', 'pipe', 'ignore'] },
  });
  await new Promise<void>((resolve) => {
    terminal.stdout!.on('data', (data) => String(data).includes('loss') && resolve());
  });
  terminal.kill('SIGKILL');
  await vi.waitFor(() => expect(existsSync(place.at('rc'))).toBe(true), { timeout: 15_000, interval: 50 });
  await sleep(50);
  expect(await readFile(place.at('rc'), 'utf8')).toBe('129\n');
  expect((await checkpoint('closed.png')).history.length).toBeGreaterThan(0);
  expect(existsSync(place.at('closed.png'))).toBe(true);
});

it('fauve distil protects an interrupted run as fauve train does', async () => {
  await writeFile(place.at('student.safetensors.checkpoint'), 'mine');
  const args = ['distil', '--photos', 'data', '--paintings', 'data', '-o', 'student.safetensors'];
  expect(await place.fauve(args)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/student\.safetensors was interrupted .*--resume to go on with it, or --overwrite/),
  });
  await rm(place.at('student.safetensors.checkpoint'));
  expect(await place.fauve([...args, '--resume'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is nothing to resume'),
  });
});
