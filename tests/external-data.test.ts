import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { externalTensors, withTensors } from '#src/onnx/external.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { checkStyleNetwork } from '#src/style-network/check.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import { floats, foreignModel } from './support/foreign-model.js';
import { wasmEngine } from './support/ort.js';
import { openEngine, scene } from './support/restyling.js';

const { onnx } = onnxProto;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fauve-external-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bias = Float32Array.of(255, 255, 255);
const kernel = new Float32Array(9).map((_, i) => (i % 4 === 0 ? -1 : 0));
/** Both, 64 bytes apart, as exporters align them. */
const data = new Uint8Array(64 + bias.byteLength);
data.set(new Uint8Array(kernel.buffer));
data.set(new Uint8Array(bias.buffer), 64);

type Entries = Readonly<Record<string, string>>;
const elsewhere = (name: string, dims: number[], entries: Entries) => ({
  ...{ name, dims, dataType: 1, dataLocation: 1 },
  externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
});

/** The negative of a picture, whose weights lie in another file. */
function split(location: string, change: Entries = {}): Uint8Array {
  return foreignModel({
    node: [{ opType: 'Conv', input: ['x', 'kernel', 'bias'], output: ['y'] }],
    initializer: [
      elsewhere('kernel', [3, 3, 1, 1], { location }),
      elsewhere('bias', [3], { location, offset: '64', length: '12', ...change }),
    ],
    ...{ from: ['?', 3, '?', '?'], to: ['?', 3, '?', '?'] },
  });
}

const place = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, bytes);
  return path;
};

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  expect(error.message).toMatch(/^[^\n\p{Cc}]+\.$/u);
  return `${error.code}: ${error.message}`;
}

describe('a network whose weights lie beside it', () => {
  it.each([
    ['onnxruntime-node', openEngine],
    ['onnxruntime-web', async () => wasmEngine()],
  ] as const)('runs in %s, from any folder', async (_, start) => {
    const path = await place('both/net.onnx', split('net.onnx.data'));
    await place('both/net.onnx.data', data);
    const runtime = await start();
    const network = await openStyleNetwork(runtime, await loadStyleNetwork(path));
    const image = scene(20, 30, 1);
    const negative = await network.run(image, Float32Array.of(1));
    await runtime.close();
    for (const [i, value] of negative.entries()) expect(value).toBeCloseTo(1 - image.data[i]!, 4);
  });

  it('may lie with them in a folder below, and behind links within the folder', async () => {
    const path = await place('deep/net.onnx', split('data/link.bin'));
    await place('deep/data/real.bin', data);
    await symlink('real.bin', join(folder, 'deep/data/link.bin'));
    expect(externalTensors((await loadStyleNetwork(path)).bytes)).toEqual([]);
  });

  it('may be a link itself, as in caches of downloads: the files lie beside the link or beside the model', async () => {
    await place('blobs/1', split('net.onnx.data'));
    await place('blobs/2', data);
    await mkdir(join(folder, 'snapshots'));
    await symlink('../blobs/1', join(folder, 'snapshots/net.onnx'));
    await symlink('../blobs/2', join(folder, 'snapshots/net.onnx.data'));
    await mkdir(join(folder, 'desk'));
    await symlink('../plain/net.onnx', join(folder, 'desk/net.onnx'));
    await place('plain/net.onnx', split('net.onnx.data'));
    await place('plain/net.onnx.data', data);
    for (const name of ['snapshots/net.onnx', 'desk/net.onnx']) {
      expect(externalTensors((await loadStyleNetwork(join(folder, name))).bytes)).toEqual([]);
    }
  });

  it('is refused where they did not come with it', () => {
    expect(() => checkStyleNetwork({ fileName: 'net.onnx', bytes: split('net.onnx.data') })).toThrow(
      /^net\.onnx keeps its weights in another file, 'net\.onnx\.data', which did not come with it\. Save both as one, in Python: onnx\.save/,
    );
  });
});

describe('nothing outside of the folder is read', () => {
  it.each(['../secret', 'data/../../secret', '/etc/passwd', '\\\\host\\x', '..\\secret', 'C:\\secret', '..', 'c:x'])(
    'by a path: %s',
    async (location) => {
      await place('secret', data);
      const path = await place('inner/net.onnx', split(location));
      expect(await failure(loadStyleNetwork(path))).toMatch(
        /^input: .*net\.onnx takes its weights from '.*', which is outside of its folder, and nothing there is read\. Save/,
      );
    },
  );

  it('by a link, of a file or of a folder', async () => {
    await place('outside/secret', data);
    for (const [name, target, location] of [
      ['file', '../outside/secret', 'file'],
      ['folder', '../outside', 'folder/secret'],
    ] as const) {
      const path = await place('linked/net.onnx', split(location));
      await symlink(target, join(folder, 'linked', name));
      expect(await failure(loadStyleNetwork(path))).toMatch(/which is outside of its folder/);
    }
  });

  it('by a folder whose name only begins as its own', async () => {
    await place('ab/secret', data);
    await mkdir(join(folder, 'a'));
    await symlink('../ab/secret', join(folder, 'a/link'));
    const path = await place('a/net.onnx', split('link'));
    expect(await failure(loadStyleNetwork(path))).toMatch(/which is outside of its folder/);
  });
});

describe('weights that are not as they should be', () => {
  it('are told: missing, a folder, truncated', async () => {
    const path = await place('bad/net.onnx', split('net.data'));
    expect(await failure(loadStyleNetwork(path))).toMatch(
      /^input: .*net\.onnx takes its weights from 'net\.data', which is not in its folder\. Put that file beside it, under that name/,
    );
    const file = await place('bad/net.data', data);
    await truncate(file, 70);
    expect(await failure(loadStyleNetwork(path))).toMatch(
      /^input: 'net\.data' has 70 bytes, and .*net\.onnx takes its weights from it up to byte 76\. It is truncated/,
    );
    await rm(file);
    await mkdir(file);
    expect(await failure(loadStyleNetwork(path))).toMatch(/'net\.data', which is no regular file/);
  });

  it.skipIf(process.platform === 'win32')('are not waited for: a pipe', async () => {
    const path = await place('pipe/net.onnx', split('net.data'));
    expect(spawnSync('mkfifo', [join(folder, 'pipe/net.data')]).status).toBe(0);
    expect(await failure(loadStyleNetwork(path))).toMatch(/'net\.data', which is no regular file/);
  });

  it.each<[string, Entries, RegExp]>([
    ['a negative offset', { offset: '-4' }, /is damaged: the offset of its tensor 'bias' is '-4', expected a whole/],
    ['a negative length', { length: '-12' }, /the length of its tensor 'bias' is '-12'/],
    ['a huge offset', { offset: '9'.repeat(40) }, /the offset of its tensor 'bias' is '9{40}'/],
    ['no number', { length: '\u001b[31m1e3' }, /the length of its tensor 'bias' is '\?\[31m1e3'/],
    ['an offset beyond the end', { offset: '999999999999999' }, /has 76 bytes, and .* up to byte 1000000000000011/],
    ['a length beyond the end', { length: '4000000000' }, /has 76 bytes, and .* up to byte 4000000064/],
    ['no place', { location: '' }, /is damaged: it does not say in which file its weights are/],
    ['a place with a zero', { location: 'net.data\0x' }, /does not say in which file/],
    ['a long place', { location: 'x'.repeat(5000) }, /The name The weight file 'x{80}' is too long/],
    ['another length than its shape', { length: '8' }, /cannot run this model: .*8 bytes.*12 bytes/],
  ])('are told: %s', async (_, change, message) => {
    const path = await place('hostile/net.onnx', split('net.data', change));
    await place('hostile/net.data', data);
    const runtime = await openEngine();
    const opening = loadStyleNetwork(path).then((file) => openStyleNetwork(runtime, file));
    expect(await failure(opening)).toMatch(message);
    await runtime.close();
  });

  it('are told when there are too many, before they are read', async () => {
    const much = 2 ** 29;
    const one = (name: string) => elsewhere(name, [much / 4], { location: 'net.data' });
    const names = ['a', 'b', 'c', 'd'];
    const node = [{ opType: 'Sum', input: names, output: ['y'] }];
    const path = await place('large/net.onnx', foreignModel({ node, initializer: names.map(one) }));
    await truncate(await place('large/net.data', new Uint8Array(1)), much);
    expect(await failure(loadStyleNetwork(path))).toMatch(/has 2147483\d{3} bytes of weights, and at most 2 GiB/);
  });
});

describe('the tensors that lie elsewhere', () => {
  const tensor = (name: string) => elsewhere(name, [3], { location: `${name}.bin`, offset: '8' });
  const graphOf = (...names: string[]) => ({ name: 'g', initializer: names.map(tensor) });
  const everywhere = () =>
    onnx.ModelProto.create({
      irVersion: 8,
      graph: {
        ...graphOf('a'),
        node: [
          {
            attribute: [
              { name: 'value', t: tensor('b') },
              { name: 'body', g: graphOf('c') },
              { name: 'bodies', graphs: [graphOf('d'), { name: 'g', node: [{ attribute: [{ t: tensor('e') }] }] }] },
              { name: 'values', tensors: [tensor('f'), floats('inside', [3], bias)] },
            ],
          },
        ],
      },
    });

  it('are found wherever they are, and are taken in', () => {
    const bytes = onnx.ModelProto.encode(everywhere()).finish();
    const found = externalTensors(bytes);
    expect(found.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(found[0]).toMatchObject({ offset: 8, length: 12 });
    const whole = withTensors(
      bytes,
      found.map(({ name }) => new TextEncoder().encode(name.repeat(12))),
    );
    expect(externalTensors(whole)).toEqual([]);
    const { graph } = onnx.ModelProto.decode(whole);
    const attributes = graph!.node![0]!.attribute!;
    const said = [
      graph!.initializer![0],
      attributes[0]!.t,
      attributes[1]!.g!.initializer![0],
      attributes[2]!.graphs![0]!.initializer![0],
      attributes[2]!.graphs![1]!.node![0]!.attribute![0]!.t,
      ...attributes[3]!.tensors!,
    ].map((each) => [each!.name, String.fromCharCode(...each!.rawData!.subarray(0, 2)), each!.externalData!.length]);
    const inside = String.fromCharCode(...new Uint8Array(bias.buffer, 0, 2));
    expect(said).toEqual([...[...'abcdef'].map((name) => [name, name.repeat(2), 0]), ['inside', inside, 0]]);
  });

  it('leave a model without them as it is', () => {
    const bytes = foreignModel({ node: [], initializer: [floats('a', [3], bias)] });
    expect(withTensors(bytes, [])).toBe(bytes);
  });

  it('are not hidden by nesting without an end', () => {
    let graph: object = graphOf('a');
    for (let i = 0; i < 60; i++) graph = { name: 'g', node: [{ attribute: [{ name: 'body', g: graph }] }] };
    const bytes = onnx.ModelProto.encode(onnx.ModelProto.create({ irVersion: 8, graph })).finish();
    expect(() => externalTensors(bytes, 'a.onnx')).toThrow(
      /^a\.onnx is no ONNX model: its parts are nested too deeply/,
    );
  });

  it('give an error for users or are read when a few bytes of a model are damaged', () => {
    const model = onnx.ModelProto.encode(everywhere()).finish();
    const change = fc.tuple(fc.nat(model.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(model);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          withTensors(
            bytes,
            externalTensors(bytes).map(() => bytes),
          );
        } catch (error) {
          if (!(error instanceof FauveError)) throw error;
        }
      }),
      { seed: 1905, numRuns: 1000 },
    );
  });
});
