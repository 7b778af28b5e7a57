import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import type { NetworkSpec } from '#src/networks/registry.js';
import {
  cacheFolder,
  importNetwork,
  listNetworks,
  loadNetworkWeights,
  type PullOptions,
  pullNetwork,
  verifyNetwork,
} from '#src/platform/node/model-store.js';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const keras = new Uint8Array(await readFile(fixture('tiny-keras1.h5')));
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

const conv = (name: string, inChannels: number, outChannels: number) => ({ name, inChannels, outChannels });

/** The network of the fixtures, under the name of a network of the registry so that every message is the real one. */
const tiny: NetworkSpec = {
  name: 'vgg19',
  blocks: [[conv('conv1_1', 3, 2), conv('conv1_2', 2, 2)], [conv('conv2_1', 2, 3)]],
  source: { path: 'tiny/weights.h5', bytes: keras.byteLength, md5: md5(keras) },
};

let cache: string;
let server: Server | undefined;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'fauve-store-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(cache, { recursive: true });
});

const part = () => join(cache, 'downloads', 'weights.h5.part');
const stored = () => join(cache, 'networks', 'vgg19.safetensors');
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  expect(error.message).not.toContain('\n');
  return `${error.code}: ${error.message}`;
}

/** Serves on this machine; returns the base URL and the Range header of each request. */
async function serve(listener: RequestListener): Promise<{ baseUrl: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    listener(request, response);
  });
  await new Promise<void>((ready) => server!.listen(0, '127.0.0.1', ready));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/`, ranges };
}

/** A server as it should be: whole files, ranges, 416 beyond the end. */
const wellBehaved: RequestListener = (request, response) => {
  if (request.url !== '/mirror/tiny/weights.h5') return void response.writeHead(404).end();
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start >= keras.byteLength) {
    return void response.writeHead(416, { 'content-range': `bytes */${keras.byteLength}` }).end();
  }
  const body = keras.subarray(start);
  response.writeHead(request.headers.range ? 206 : 200, {
    'content-length': body.byteLength,
    ...(request.headers.range && {
      'content-range': `bytes ${start}-${keras.byteLength - 1}/${keras.byteLength}`,
    }),
  });
  response.end(body);
};

const pull = (baseUrl: string, options: PullOptions = {}) =>
  pullNetwork('vgg19', { cache, spec: tiny, baseUrl, ...options });

async function leavePart(bytes: Uint8Array): Promise<void> {
  await mkdir(join(cache, 'downloads'));
  await writeFile(part(), bytes);
}

/** conv1_1.weight[o, i, y, x] of the fixtures: they were made so that every value tells where it belongs. */
async function expectTinyWeights(): Promise<void> {
  const weights = await loadNetworkWeights('vgg19', { cache, spec: tiny });
  const { data, shape } = weights.tensors.get('conv2_1.weight')!;
  expect(shape).toEqual([3, 2, 3, 3]);
  expect(data[((2 * 2 + 1) * 3 + 2) * 3 + 1]).toBe(3000 + 200 + 10 + 6 + 1);
}

describe('cacheFolder', () => {
  it.each([
    ['linux', {}, '/home/a/.cache/fauve'],
    ['linux', { XDG_CACHE_HOME: '/fast' }, '/fast/fauve'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/a/.cache/fauve'],
    ['linux', { FAUVE_CACHE: '/own', XDG_CACHE_HOME: '/fast' }, '/own'],
    ['darwin', {}, '/home/a/Library/Caches/fauve'],
    ['win32', { LOCALAPPDATA: 'C:\\Local' }, 'C:\\Local\\fauve\\Cache'],
  ] as const)('on %s with %j is %s', (platform, env, expected) => {
    expect(cacheFolder(env, platform, '/home/a')).toBe(expected);
  });

  it('falls back to the profile on Windows', () => {
    expect(cacheFolder({}, 'win32', 'C:\\Users\\a')).toBe('C:\\Users\\a\\AppData\\Local\\fauve\\Cache');
  });
});

describe('importNetwork', () => {
  it.each([
    ['tiny.pth', 'torchvision .pth', 1, 0.485],
    ['tiny-legacy.pth', 'torchvision .pth', 1, 0.485],
    ['tiny-keras1.h5', 'Keras .h5', 255, 123.68],
    ['tiny-keras2.h5', 'Keras .h5', 255, 123.68],
  ])('stores %s with its manifest', async (name, source, scale, mean) => {
    const manifest = await importNetwork(fixture(name), 'vgg19', { cache, spec: tiny });
    const bytes = await readFile(stored());
    expect(manifest).toMatchObject({ name: 'vgg19', source, deepestLayer: 'conv2_1', bytes: bytes.byteLength });
    expect(manifest.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(JSON.parse(await readFile(join(cache, 'networks', 'vgg19.json'), 'utf8'))).toEqual(manifest);
    expect(Math.abs(Date.now() - Date.parse(manifest.imported))).toBeLessThan(60_000);
    expect(await readdir(join(cache, 'networks'))).toEqual(['vgg19.json', 'vgg19.safetensors']);

    const weights = await loadNetworkWeights('vgg19', { cache, spec: tiny });
    expect(weights.sha256).toBe(manifest.sha256);
    expect(weights.preprocessing.scale).toBe(scale);
    expect(weights.preprocessing.mean[0]).toBe(mean);
    await expectTinyWeights();
    expect(await verifyNetwork('vgg19', { cache, spec: tiny })).toEqual(manifest);
  });

  it('takes its own files, to the same bytes', async () => {
    const first = await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    const copy = join(cache, 'copy.safetensors');
    await writeFile(copy, await readFile(stored()));
    const second = await importNetwork(copy, 'vgg19', { cache, spec: tiny });
    expect(second.sha256).toBe(first.sha256);
    expect(second.source).toBe('torchvision .pth');
  });

  it.each([
    ['malicious.pth', /^input: .*malicious\.pth cannot be read as PyTorch weights: it asks for "(posix|nt)\.system"/],
    ['make-weights.py', /^input: .* holds no weights that Fauve knows/],
    ['no-such-file.pth', /^input: Weight file .*no-such-file\.pth does not exist/],
  ])('refuses %s and keeps what it had', async (name, message) => {
    const before = await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    expect(await failure(importNetwork(fixture(name), 'vgg19', { cache, spec: tiny }))).toMatch(message);
    expect(await verifyNetwork('vgg19', { cache, spec: tiny })).toEqual(before);
  });

  it('refuses weights of another network and unknown names', async () => {
    const file = fixture('tiny.pth');
    expect(await failure(importNetwork(file, 'vgg19', { cache }))).toMatch(/^input: .*vgg19 needs/);
    expect(await failure(importNetwork(file, '../../vgg19', { cache }))).toMatch(/^usage: There is no network/);
    expect(await readdir(cache)).toEqual([]);
  });

  it('stops when told', async () => {
    const importing = importNetwork(fixture('tiny.pth'), 'vgg19', {
      cache,
      spec: tiny,
      signal: AbortSignal.abort(),
    });
    expect(await failure(importing)).toMatch(/^aborted: The import of vgg19 was stopped/);
    expect(await readdir(cache)).toEqual([]);
  });

  it('says when the store cannot be made', async () => {
    const file = join(cache, 'file');
    await writeFile(file, '');
    expect(await failure(importNetwork(fixture('tiny.pth'), 'vgg19', { cache: file, spec: tiny }))).toMatch(
      /^input: The folder .* leads through a file/,
    );
  });
});

describe('pullNetwork', () => {
  it('downloads, checks and stores the whole file', async () => {
    const { baseUrl, ranges } = await serve(wellBehaved);
    const seen: number[] = [];
    const manifest = await pull(baseUrl, {
      onProgress: ({ received, total }) => {
        expect(total).toBe(keras.byteLength);
        seen.push(received);
      },
    });
    expect(manifest).toMatchObject({ name: 'vgg19', source: 'Keras .h5', deepestLayer: 'conv2_1' });
    expect(ranges).toEqual([undefined]);
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(keras.byteLength);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await exists(part())).toBe(false);
    await expectTinyWeights();
  });

  it('uses FAUVE_MODELS_URL', async () => {
    const { baseUrl } = await serve(wellBehaved);
    const before = process.env.FAUVE_MODELS_URL;
    process.env.FAUVE_MODELS_URL = baseUrl;
    try {
      await pullNetwork('vgg19', { cache, spec: tiny });
    } finally {
      if (before === undefined) delete process.env.FAUVE_MODELS_URL;
      else process.env.FAUVE_MODELS_URL = before;
    }
    await expectTinyWeights();
  });

  it('resumes after the connection dropped in the middle', async () => {
    const half = 4001;
    let drop = true;
    const { baseUrl, ranges } = await serve((request, response) => {
      if (!drop) return wellBehaved(request, response);
      drop = false;
      response.writeHead(200, { 'content-length': keras.byteLength });
      response.write(keras.subarray(0, half), () => setTimeout(() => response.destroy(), 50));
    });
    expect(await failure(pull(baseUrl))).toMatch(
      /^system: Cannot download http.*the connection broke off at 0\.0 of 0\.0 MB; the next attempt resumes there\. Check the connection\.$/,
    );
    expect(new Uint8Array(await readFile(part()))).toEqual(keras.slice(0, half));

    const seen: number[] = [];
    await pull(baseUrl, { onProgress: ({ received }) => seen.push(received) });
    expect(ranges).toEqual([undefined, `bytes=${half}-`]);
    expect(seen[0]).toBe(half);
    expect(await exists(part())).toBe(false);
    await expectTinyWeights();
  });

  it('resumes when a server of unknown length stops early', async () => {
    let drop = true;
    const { baseUrl, ranges } = await serve((request, response) => {
      if (!drop) return wellBehaved(request, response);
      drop = false;
      response.write(keras.subarray(0, 100)); // no content-length
      response.end();
    });
    expect(await failure(pull(baseUrl))).toMatch(/^system: .*the connection ended early/);
    await pull(baseUrl);
    expect(ranges).toEqual([undefined, 'bytes=100-']);
    await expectTinyWeights();
  });

  it('imports a download that was complete, without asking the server', async () => {
    const { baseUrl, ranges } = await serve(wellBehaved);
    await leavePart(keras);
    await pull(baseUrl);
    expect(ranges).toEqual([]);
    await expectTinyWeights();
  });

  it('starts again when the server ignores Range', async () => {
    const { baseUrl, ranges } = await serve((_, response) => void response.end(keras));
    await leavePart(new Uint8Array(500).fill(7));
    await pull(baseUrl);
    expect(ranges).toEqual(['bytes=500-']);
    await expectTinyWeights();
  });

  it.each([
    ['another position', 206, `bytes 0-${keras.byteLength - 1}/${keras.byteLength}`],
    ['another size', 206, `bytes 500-${keras.byteLength}/${keras.byteLength + 1}`],
    ['no position', 206, undefined],
    ['416', 416, `bytes */${keras.byteLength}`],
  ])('starts again when the answer to Range is %s', async (_, status, range) => {
    const { baseUrl, ranges } = await serve((request, response) => {
      if (!request.headers.range) return void response.end(keras);
      response.writeHead(status, range === undefined ? {} : { 'content-range': range }).end(keras);
    });
    await leavePart(keras.subarray(0, 500));
    await pull(baseUrl);
    expect(ranges).toEqual(['bytes=500-', undefined]);
    await expectTinyWeights();
  });

  it('starts again when what was left is longer than the file', async () => {
    const { baseUrl, ranges } = await serve(wellBehaved);
    await leavePart(new Uint8Array(keras.byteLength + 1));
    await pull(baseUrl);
    expect(ranges).toEqual([undefined]);
    await expectTinyWeights();
  });

  it('removes a download with a wrong checksum and says both', async () => {
    const wrong = keras.slice();
    wrong[4000]! ^= 1;
    const { baseUrl } = await serve((_, response) => void response.end(wrong));
    const message = await failure(pull(baseUrl));
    expect(message).toMatch(/^input: /);
    expect(message).toContain(`expected MD5 ${md5(keras)}, received ${md5(wrong)}`);
    expect(await exists(part())).toBe(false);
    expect(await exists(stored())).toBe(false);
  });

  it('takes the size and the checksum that it is told', async () => {
    const other = new Uint8Array(await readFile(fixture('tiny-keras2.h5')));
    const { baseUrl } = await serve((_, response) => void response.end(other));
    await pull(baseUrl, { source: { path: 'other.h5', bytes: other.byteLength, md5: md5(other) } });
    await expectTinyWeights();
  });

  it('refuses a file of another size before it is downloaded', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 5 }).end('short');
    });
    expect(await failure(pull(baseUrl))).toMatch(/^input: .*expected 7904 bytes, received 5/);
    expect(await exists(part())).toBe(false);
  });

  it('stops at a file that does not end where it should', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.write(keras);
      response.end('more');
    });
    expect(await failure(pull(baseUrl))).toMatch(/^input: .*expected 7904 bytes, received more/);
    expect(await exists(part())).toBe(false);
  });

  it('is not taken in by the sign-in page of a network', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
    });
    await leavePart(keras.subarray(0, 500));
    expect(await failure(pull(baseUrl))).toMatch(/^input: .*received a web page/);
    expect((await readFile(part())).byteLength).toBe(500);
  });

  it.each([
    [404, /^system: .*the server answers 404 Not Found\. Check/],
    [403, /^system: .*the server answers 403 Forbidden/],
    [503, /^system: .*the server answers 503 Service Unavailable, try again later/],
  ])('says what HTTP %i means and keeps what was there', async (status, message) => {
    const { baseUrl } = await serve((_, response) => void response.writeHead(status).end());
    expect(await failure(pull(baseUrl))).toMatch(message);
    await leavePartAgain();
    const resumed = await failure(pull(baseUrl));
    expect(resumed).toContain('the next attempt resumes there');
    expect((await readFile(part())).byteLength).toBe(500);
  });

  async function leavePartAgain(): Promise<void> {
    await writeFile(part(), keras.subarray(0, 500));
  }

  it('says that the server refuses the connection, or is not found', async () => {
    const { baseUrl } = await serve(wellBehaved);
    server!.close();
    server = undefined;
    expect(await failure(pull(baseUrl))).toMatch(
      /^system: Cannot download http:.*refuses the connection\. Check the connection\.$/,
    );
    // RFC 6761: no name below .invalid exists.
    expect(await failure(pull('http://fauve.invalid'))).toMatch(/^system: .*is not found \(is this machine online\?\)/);
  });

  it.each(['models', 'ftp://example.org/models', 'https://user:secret@example.org'])(
    'refuses the base URL %s',
    async (url) => {
      const message = await failure(pull(url));
      expect(message).toMatch(/^usage: The base URL of the models/);
      expect(message).not.toContain('secret');
    },
  );

  it('stops when told and keeps what has arrived', async () => {
    const controller = new AbortController();
    const { baseUrl, ranges } = await serve((request, response) => {
      if (request.headers.range) return wellBehaved(request, response);
      response.writeHead(200, { 'content-length': keras.byteLength });
      response.write(keras.subarray(0, 3000)); // and then nothing more
    });
    const pulling = pull(baseUrl, {
      signal: controller.signal,
      onProgress: ({ received }) => {
        if (received === 3000) controller.abort();
      },
    });
    expect(await failure(pulling)).toMatch(/^aborted: The download of vgg19 was stopped at .* resumes there\.$/);
    expect(new Uint8Array(await readFile(part()))).toEqual(keras.slice(0, 3000));
    await pull(baseUrl);
    expect(ranges).toEqual([undefined, 'bytes=3000-']);
    await expectTinyWeights();
  });

  it('does not start when it was told to stop before', async () => {
    const { baseUrl, ranges } = await serve(wellBehaved);
    expect(await failure(pull(baseUrl, { signal: AbortSignal.abort() }))).toMatch(/^aborted: /);
    expect(ranges).toEqual([]);
  });

  it('can run twice at once', async () => {
    const { baseUrl } = await serve(wellBehaved);
    const results = await Promise.allSettled([pull(baseUrl), pull(baseUrl)]);
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    await expectTinyWeights();
  });
});

describe('what is in the store', () => {
  const missing = /^input: The weights of vgg19 are not on this machine \(.*\)\.$/;

  it('names both commands when weights are missing', async () => {
    expect(await failure(loadNetworkWeights('vgg19', { cache }))).toMatch(missing);
    expect(await failure(verifyNetwork('vgg19', { cache }))).toMatch(missing);
    expect(await failure(loadNetworkWeights('resnet', { cache }))).toMatch(/^usage: There is no network 'resnet'/);
  });

  it('lists every network with the size of its download', async () => {
    const [vgg19, vgg16] = [
      { name: 'vgg19', downloadBytes: 80_134_624 },
      { name: 'vgg16', downloadBytes: 58_889_256 },
    ];
    expect((await listNetworks({ cache })).slice(-2)).toEqual([vgg19, vgg16]);
    const installed = await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    expect((await listNetworks({ cache })).at(-2)).toEqual({ ...vgg19, installed });
  });

  it('notices one changed bit', async () => {
    const { sha256 } = await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    const bytes = await readFile(stored());
    bytes[bytes.byteLength - 1]! ^= 1;
    await writeFile(stored(), bytes);
    const expected = new RegExp(`^input: The weights .* are damaged: expected SHA-256 ${sha256}, received `);
    expect(await failure(verifyNetwork('vgg19', { cache, spec: tiny }))).toMatch(expected);
    expect(await failure(loadNetworkWeights('vgg19', { cache, spec: tiny }))).toMatch(expected);
    const unverified = await loadNetworkWeights('vgg19', { cache, spec: tiny, verify: false });
    expect(unverified.sha256).toBe(sha256);
  });

  it('notices a file that was cut', async () => {
    await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    const bytes = await readFile(stored());
    await writeFile(stored(), bytes.subarray(0, -4));
    const damaged = new RegExp(`it has ${bytes.byteLength - 4} bytes, expected ${bytes.byteLength}\\.`);
    expect(await failure(loadNetworkWeights('vgg19', { cache, spec: tiny, verify: false }))).toMatch(damaged);
    const status = (await listNetworks({ cache })).find(({ name }) => name === 'vgg19');
    expect(status!.installed).toBeUndefined();
    expect(status!.problem).toMatch(damaged);
  });

  it.each([
    ['missing', undefined, /its manifest vgg19\.json is missing\./],
    ['not JSON', '{', /its manifest vgg19\.json is not JSON\./],
    ['of another kind', '{"name":"vgg19"}', /its manifest vgg19\.json is not one of vgg19\./],
    ['null', 'null', /its manifest vgg19\.json is not one of vgg19\./],
  ])('says that the manifest is %s', async (_, content, message) => {
    await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    const manifest = join(cache, 'networks', 'vgg19.json');
    if (content === undefined) await rm(manifest);
    else await writeFile(manifest, content);
    expect(await failure(loadNetworkWeights('vgg19', { cache, spec: tiny }))).toMatch(message);
    expect((await listNetworks({ cache })).at(-2)!.problem).toMatch(message);
  });

  it('checks shapes and values even when the checksum is right', async () => {
    const manifest = await importNetwork(fixture('tiny.pth'), 'vgg19', { cache, spec: tiny });
    const bytes = await readFile(stored());
    bytes.set([0, 0, 0xc0, 0x7f], bytes.byteLength - 4); // NaN
    await writeFile(stored(), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(cache, 'networks', 'vgg19.json'), JSON.stringify({ ...manifest, sha256 }));
    expect(await failure(verifyNetwork('vgg19', { cache, spec: tiny }))).toMatch(/^input: .*has NaN in conv2_1\.bias/);
    expect(await failure(verifyNetwork('vgg19', { cache }))).toMatch(
      /^input: .*damaged: .*conv1_1\.weight \[2,3,3,3\]/,
    );
  });
});
