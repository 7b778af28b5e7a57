import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FauveError } from '#src/errors.js';
import { encodeImage } from '#src/platform/node/codec.js';
import {
  importNetwork,
  listNetworks,
  loadNetworkWeights,
  pullNetwork,
  verifyNetwork,
} from '#src/platform/node/model-store.js';
import { writeShippedManifest } from '#src/platform/node/shipped.js';
import { picture } from './support/cli.js';
import { distilledFile, tinyDistilled } from './support/tiny-distilled.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const root = fileURLToPath(new URL('../', import.meta.url));
let folder: string;
let models: string;
/** A store with nothing in it. */
let cache: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fauve-shipped-'));
  cache = join(folder, 'cache');
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  models = join(folder, 'models');
  await rm(models, { recursive: true, force: true });
  await mkdir(models);
  for (const name of ['distilled', 'distilled-small']) {
    await writeFile(join(models, `${name}.safetensors`), distilledFile(tinyDistilled({ name, teacherChannels: 5 })));
  }
  await writeFile(join(models, 'manifest.json'), '{"styles": {"kept": true}}');
  await writeShippedManifest(models, () => ({ styles: ['a', 'b'], licence: 'CC BY 4.0', made: 'by the tests' }));
});

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FauveError);
  const { code, message } = error as FauveError;
  return `${code}: ${message}`;
}

const manifest = async () => JSON.parse(await readFile(join(models, 'manifest.json'), 'utf8'));

describe('the manifest', () => {
  it('describes the files and keeps what else it holds', async () => {
    const { styles, networks } = await manifest();
    expect(styles).toEqual({ kept: true });
    expect(Object.keys(networks)).toEqual(['distilled', 'distilled-small']);
    const { bytes, ...rest } = networks.distilled;
    expect(bytes).toBe((await readFile(join(models, 'distilled.safetensors'))).byteLength);
    expect(rest).toMatchObject({ file: 'distilled.safetensors', teacher: 'vgg19', licence: 'CC BY 4.0' });
    expect(rest).toMatchObject({ made: 'by the tests', attribution: expect.stringContaining('Simonyan') });
  });
});

describe('a network that comes with Fauve', () => {
  it('is listed, verified and loaded without a store', async () => {
    const { networks } = await manifest();
    const expected = { ...networks['distilled-small'], name: 'distilled-small' };
    const listed = await listNetworks({ cache, models });
    expect(listed.map(({ name }) => name)).toEqual(['distilled', 'distilled-small', 'vgg19', 'vgg16']);
    expect(listed[1]).toEqual({ name: 'distilled-small', shipped: expected });
    expect(await verifyNetwork('distilled-small', { models })).toEqual(expected);
    const weights = await loadNetworkWeights('distilled-small', { models });
    expect(weights).toMatchObject({ name: 'distilled-small', sha256: expected.sha256 });
    expect(weights.tensors.get('relu4_2.head')?.shape).toEqual([3, 5]);
  });

  it('is neither pulled nor imported', async () => {
    const message =
      /^usage: distilled comes with Fauve: there is nothing to pull or to import\. Use it by its name, as the network\.$/;
    expect(await failure(pullNetwork('distilled', { cache }))).toMatch(message);
    expect(await failure(importNetwork('file.h5', 'distilled', { cache }))).toMatch(message);
  });

  it('is told from one that there is not', async () => {
    expect(await failure(loadNetworkWeights('resnet', { cache, models }))).toBe(
      "usage: There is no network 'resnet'. Use one of distilled, distilled-small, vgg19, vgg16.",
    );
  });
});

describe('an installation that is not complete', () => {
  const incomplete = (why: string) =>
    new RegExp(
      `^system: The networks that come with Fauve are not complete: .*${why}.*\\. Install Fauve again, or use`,
    );

  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['without its folder', (path) => rm(path, { recursive: true }), 'manifest\\.json cannot be read'],
    ['without the file', (path) => rm(join(path, 'distilled.safetensors')), 'distilled\\.safetensors cannot be read'],
    [
      'with an empty file',
      (path) => writeFile(join(path, 'distilled.safetensors'), ''),
      'distilled\\.safetensors cannot be read',
    ],
    [
      'with another file',
      (path) => cp(join(path, 'distilled-small.safetensors'), join(path, 'distilled.safetensors')),
      'is not the file that was shipped: SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}',
    ],
    ['with a manifest that is not JSON', (path) => writeFile(join(path, 'manifest.json'), '{'), 'is not JSON'],
    ['with a manifest of nothing', (path) => writeFile(join(path, 'manifest.json'), 'null'), 'lists no networks'],
    [
      'with a manifest that leads elsewhere',
      async (path) => {
        const text = (await readFile(join(path, 'manifest.json'), 'utf8')).replace('"distilled.', '"../distilled.');
        await writeFile(join(path, 'manifest.json'), text);
      },
      'does not describe distilled',
    ],
  ])('%s', async (_, damage, why) => {
    await damage(models);
    expect(await failure(loadNetworkWeights('distilled', { models }))).toMatch(incomplete(why));
    expect(await failure(verifyNetwork('distilled', { models }))).toMatch(incomplete(why));
  });

  it('with the network of another name', async () => {
    await writeFile(join(models, 'distilled.safetensors'), distilledFile(tinyDistilled({ name: 'other' })));
    await writeShippedManifest(models, () => ({ styles: ['a', 'b'], licence: 'CC BY 4.0', made: 'by the tests' }));
    expect(await failure(loadNetworkWeights('distilled', { models }))).toMatch(incomplete("holds the network 'other'"));
  });

  it('is listed with what is wrong', async () => {
    await rm(models, { recursive: true });
    const [first] = await listNetworks({ cache, models });
    expect(first).toMatchObject({ name: 'distilled', problem: expect.stringContaining('not complete') });
  });
});

describe('an installed package', () => {
  let place: string;
  const fauve = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const main = join(place, 'dist/bin/fauve.js');
      const env = { PATH: process.env.PATH, HOME: place, FAUVE_CACHE: cache };
      execFile(process.execPath, [main, ...args], { cwd: place, env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  beforeEach(async () => {
    place = await mkdtemp(join(folder, 'package-'));
    await cp(join(root, 'package.json'), join(place, 'package.json'));
    await cp(join(root, 'dist'), join(place, 'dist'), { recursive: true });
    await cp(models, join(place, 'models'), { recursive: true });
    await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
    for (const [name, seed] of Object.entries({ photo: 1, style: 2 })) {
      await writeFile(join(place, `${name}.png`), await encodeImage(picture(64, 48, seed), 'png'));
    }
  });

  it('restyles and measures with the network that it brings along', async () => {
    const { code, stderr } = await fauve(
      ...['stylize', 'photo.png', '--style', 'style.png', '-o', 'out.png', '--size', '64', '--steps', '2'],
    );
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/out\.png {2}64×48, loss/) });
    const measured = await fauve(...['losses', '-c', 'photo.png', '-s', 'style.png', 'out.png', '--json']);
    expect(JSON.parse(measured.stdout)).toMatchObject({ network: { name: 'distilled' } });
    const redone = await fauve('redo', 'out.png', '--quiet');
    expect(redone).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(join(place, 'out.redo.png'))).toEqual(await readFile(join(place, 'out.png')));
  });

  it('lists and verifies them, and has nothing to pull', async () => {
    const listed = await fauve('models', 'list');
    expect(listed.stdout).toMatch(
      /^distilled +0\.0 MB, comes with Fauve, distilled from vgg19\ndistilled-small +0\.0 MB/,
    );
    expect(listed.stdout).toMatch(/\nvgg19 +not here; fauve models pull vgg19 gets 80\.1 MB\n/);
    const verified = await fauve('models', 'verify');
    expect(verified.stdout).toMatch(/^distilled: .*: all right\ndistilled-small: .*: all right\n$/);
    const pulled = await fauve('models', 'pull', 'distilled');
    expect(pulled).toMatchObject({ code: 2, stderr: expect.stringContaining('comes with Fauve') });
  });

  it('says before any work how to get what --polish needs', async () => {
    const { code, stderr } = await fauve('stylize', 'photo.png', '-s', 'style.png', '-o', 'out.png', '--polish', '2');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^fauve: The option polish ends with steps of vgg19\. The weights of vgg19 are not on this machine .*`fauve models pull vgg19`.*\n$/,
    );
  });

  it('says so when they are missing', async () => {
    await rm(join(place, 'models'), { recursive: true });
    const { code, stderr } = await fauve('stylize', 'photo.png', '-s', 'style.png', '-o', 'out.png');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fauve: The networks that come with Fauve are not complete: .*the network vgg19\.\n$/);
  });
});
