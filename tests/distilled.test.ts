import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { readSafetensors, writeSafetensors } from '#src/formats/safetensors.js';
import { sha256Hex } from '#src/formats/sha256.js';
import type { WeightTensor } from '#src/formats/tensor.js';
import { evaluate } from '#src/graph/evaluate.js';
import { constant } from '#src/graph/tensor.js';
import { decodeDistilled, encodeDistilled } from '#src/networks/distilled.js';
import { caffePreprocessing } from '#src/networks/registry.js';
import { vgg } from '#src/networks/vgg.js';
import { random } from './support/random.js';
import { distilledFile, tinyDistilled } from './support/tiny-distilled.js';

const network = tinyDistilled({ name: 'tiny', channels: 4, teacherChannels: 6 });
const bytes = distilledFile(network);
const { tensors, metadata } = readSafetensors(bytes, 'it', { integers: true });

/** The file with other tensors: `undefined` takes one away. */
const changed = (changes: Record<string, WeightTensor | undefined>) => {
  const map = new Map<string, WeightTensor | undefined>([...tensors, ...Object.entries(changes)]);
  const kept = [...map].flatMap(([name, tensor]) => (tensor ? [[name, tensor] as const] : []));
  return writeSafetensors(new Map(kept), metadata, 'F16');
};
const zeros = (...shape: number[]): WeightTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)),
});

async function failure(file: Uint8Array): Promise<string> {
  const error = await decodeDistilled(file, undefined, 'file').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FauveError);
  expect((error as FauveError).code).toBe('input');
  return (error as FauveError).message;
}

describe('the file of a distilled network', () => {
  it('gives back the network, its origin and its checksum', async () => {
    const read = await decodeDistilled(bytes);
    expect(read).toMatchObject({
      name: 'tiny',
      preprocessing: caffePreprocessing,
      sha256: await sha256Hex(bytes),
      origin: { name: 'tiny', teacher: 'vgg19', teacherSha256: '0'.repeat(64), made: 'by the tests' },
    });
    expect([...read.tensors.keys()].sort()).toEqual([...network.tensors.keys()].sort());
    for (const [name, { shape, data }] of network.tensors) {
      const { shape: readShape, data: readData } = read.tensors.get(name)!;
      expect(readShape).toEqual(shape);
      // Half a step of 8 bits, of the largest value that such a step may have to serve.
      const largest = Math.max(...data.map(Math.abs));
      for (const [i, value] of data.entries()) expect(Math.abs(readData[i]! - value)).toBeLessThan(largest / 250);
    }
    expect((await decodeDistilled(encodeDistilled(read.tensors, read.origin))).tensors).toEqual(read.tensors);
    const kernels = [...network.tensors].flatMap(([name, { data }]) => (name.endsWith('.weight') ? [data.length] : []));
    expect(kernels.reduce((a, b) => a + b)).toBeLessThan(bytes.byteLength);
    expect(vgg(read).layers).toEqual(vgg(network).layers);
  });

  it('believes the checksum that it is given', async () => {
    expect(await decodeDistilled(bytes, 'abc')).toMatchObject({ sha256: 'abc' });
  });

  it('holds kernels of few levels in fewer bytes, and gives back exactly what lies on that grid', async () => {
    const origin = { name: 'tiny', teacher: 'vgg19', teacherSha256: '0'.repeat(64), made: 'by the tests' };
    const coarse = encodeDistilled(network.tensors, origin, 7);
    expect(coarse.byteLength).toBeLessThan(bytes.byteLength);
    const read = await decodeDistilled(coarse);
    for (const [name, { data }] of read.tensors) {
      if (!name.endsWith('.weight')) continue;
      const size = data.length / 4;
      for (let channel = 0; channel < 4; channel++) {
        const values = data.subarray(channel * size, (channel + 1) * size);
        expect(new Set(values).size).toBeLessThanOrEqual(15);
      }
    }
    expect((await decodeDistilled(encodeDistilled(read.tensors, origin, 7))).tensors).toEqual(read.tensors);
  });

  it('may have fewer layers, and channels of its own in each', async () => {
    const shallow = new Map<string, WeightTensor>([
      ['conv1_1.weight', zeros(5, 3, 3, 3)],
      ['conv1_1.scale', zeros(5)],
      ['conv1_1.bias', zeros(5)],
      ['conv2_1.weight', zeros(2, 5, 3, 3)],
      ['conv2_1.scale', zeros(2)],
      ['conv2_1.bias', zeros(2)],
      ['relu2_1.head', zeros(2, 128)],
    ]);
    const read = await decodeDistilled(writeSafetensors(shallow, metadata, 'F16'));
    expect(vgg(read).layers).toEqual(['relu2_1']);
  });
});

describe('a separable convolution', () => {
  /** The network with conv2_1 in two: 5 vertical filters, and rows over what they find. */
  const values = random(3);
  const [vertical, horizontal] = [values.uniform([5, 4, 3, 1]), values.uniform([4, 5, 1, 3])];
  const separable = {
    ...network,
    tensors: new Map([
      ...network.tensors,
      ['conv2_1.vertical.weight', { shape: [5, 4, 3, 1], data: vertical }],
      ['conv2_1.weight', { shape: [4, 5, 1, 3], data: horizontal }],
    ] as const),
  };

  it('computes what the 3×3 kernel does that is the product of the two', () => {
    const product = new Float32Array(4 * 4 * 9);
    for (let o = 0; o < 4; o++) {
      for (let i = 0; i < 4; i++) {
        for (let p = 0; p < 9; p++) {
          const [u, v] = [Math.floor(p / 3), p % 3];
          for (let r = 0; r < 5; r++) {
            product[(o * 4 + i) * 9 + p]! += horizontal[(o * 5 + r) * 3 + v]! * vertical[(r * 4 + i) * 3 + u]!;
          }
        }
      }
    }
    const dense = {
      ...network,
      tensors: new Map([...network.tensors, ['conv2_1.weight', { shape: [4, 4, 3, 3], data: product }]] as const),
    };
    const image = constant(values.uniform([1, 3, 12, 9], 0, 1), [1, 3, 12, 9]);
    const [received, expected] = [separable, dense].map(
      (weights) => evaluate([vgg(weights).features(image, ['relu2_1']).relu2_1!], {})[0]!,
    );
    const largest = Math.max(...expected!);
    expect(largest).toBeGreaterThan(0);
    for (const [i, value] of expected!.entries()) {
      expect(Math.abs(received![i]! - value)).toBeLessThan(1e-5 * largest);
    }
  });

  it('is in the file as it is in the network', async () => {
    const read = await decodeDistilled(distilledFile(separable));
    expect([...read.tensors.keys()].sort()).toEqual([...separable.tensors.keys()].sort());
    for (const name of ['conv2_1.vertical.weight', 'conv2_1.weight']) {
      const { shape, data } = separable.tensors.get(name)!;
      expect(read.tensors.get(name)!.shape).toEqual(shape);
      for (const [i, value] of data.entries()) {
        expect(Math.abs(read.tensors.get(name)!.data[i]! - value)).toBeLessThan(1 / 250);
      }
    }
    const { tensors, metadata } = readSafetensors(distilledFile(separable), 'it', { integers: true });
    const broken = new Map([...tensors].filter(([name]) => name !== 'conv2_1.vertical.scale'));
    expect(await failure(writeSafetensors(broken, metadata, 'F16'))).toMatch(/it has no conv2_1\.vertical\.scale/);
  });
});

describe('what is no distilled network', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['cut short', bytes.slice(0, -2), /^file is truncated or corrupted/],
    ['empty', new Uint8Array(0), /^file is truncated or corrupted/],
    [
      'of another format',
      writeSafetensors(tensors, { ...metadata, format: 'x\n'.repeat(99) }),
      /its format is "x\\nx.{1,90}, expected/,
    ],
    ['without a format', writeSafetensors(tensors), /its format is undefined, expected fauve-distilled-3/],
    ['without convolutions', writeSafetensors(new Map(), metadata), /it has no convolution/],
    ['without a bias', changed({ 'conv3_2.bias': undefined }), /it has no conv3_2\.bias/],
    [
      'with a gap',
      changed({ 'conv3_2.weight': undefined, 'conv3_2.scale': undefined, 'conv3_2.bias': zeros(4) }),
      /"conv3_2\.bias" belongs to no layer/,
    ],
    [
      'with a kernel of 5×5',
      changed({ 'conv2_1.weight': zeros(4, 4, 5, 5) }),
      /conv2_1\.weight is \[4,4,5,5\], expected \[4,4,3,3\]/,
    ],
    [
      'with layers that do not fit',
      changed({ 'conv2_1.weight': zeros(4, 3, 3, 3) }),
      /is \[4,3,3,3\], expected \[4,4,3,3\]/,
    ],
    ['with a kernel without a scale', changed({ 'conv2_1.scale': undefined }), /it has no conv2_1\.scale/],
    ['with a bias that does not fit', changed({ 'conv2_1.bias': zeros(5) }), /conv2_1\.scale is \[4\], expected \[5\]/],
    [
      'with a head that does not fit',
      changed({ 'relu2_1.head': zeros(3, 6) }),
      /relu2_1\.head is \[3,6\], expected \[4,any\]/,
    ],
    ['with a head of no channels', changed({ 'relu2_1.head': zeros(4, 0) }), /relu2_1\.head is \[4,0\]/],
    [
      'with a layer of no channels',
      writeSafetensors(
        new Map([
          ['conv1_1.weight', zeros(0, 3, 3, 3)],
          ['conv1_1.bias', zeros(0)],
        ]),
        metadata,
      ),
      /conv1_1\.bias is \[0\]/,
    ],
    [
      'with packed numbers that are none',
      changed({ 'conv2_1.weight': zeros(9) }),
      /conv2_1\.weight cannot be unpacked/,
    ],
    [
      'with too few packed numbers',
      changed({ 'conv2_1.weight': tensors.get('conv1_1.weight') }),
      /conv2_1\.weight holds 108 numbers, expected 144/,
    ],
    [
      'with too many packed numbers',
      changed({ 'conv1_1.weight': tensors.get('conv2_1.weight') }),
      /conv1_1\.weight cannot be unpacked/,
    ],
    ['with a head of no layer', changed({ 'relu9_1.head': zeros(4, 6) }), /"relu9_1\.head" belongs to no layer/],
    ['with something else', changed({ ['x'.repeat(500)]: zeros(1) }), /"x{40}" belongs to no layer/],
    [
      'that begins in a later block',
      writeSafetensors(
        new Map([
          ['conv2_1.weight', zeros(4, 3, 3, 3)],
          ['conv2_1.bias', zeros(4)],
        ]),
        metadata,
      ),
      /block 1 has no convolution/,
    ],
    [
      'that leaves out a block',
      changed(
        Object.fromEntries(
          [...tensors.keys()].filter((key) => /^(conv|relu)3/.test(key)).map((key) => [key, undefined]),
        ),
      ),
      /block 3 has no convolution/,
    ],
    [
      'with a value that is no number',
      changed({ 'conv1_2.bias': { shape: [4], data: Float32Array.of(0, 0, Number.NaN, 0) } }),
      /conv1_2\.bias holds NaN/,
    ],
    [
      'with a value beyond 16 bits',
      changed({ 'conv1_2.bias': { shape: [4], data: Float32Array.of(0, 1e6, 0, 0) } }),
      /conv1_2\.bias holds Infinity/,
    ],
  ])('%s', async (_, file, message) => {
    const text = await failure(file);
    expect(text).toMatch(message);
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(300);
  });
});
