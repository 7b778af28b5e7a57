import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { FauveError } from '#src/errors.js';
import { readSafetensors, writeSafetensors } from '#src/formats/safetensors.js';
import { sha256Hex } from '#src/formats/sha256.js';
import type { WeightTensor } from '#src/formats/tensor.js';
import { readKerasH5 } from '#src/networks/import/keras.js';
import { readTorchPth } from '#src/networks/import/torch.js';
import { caffePreprocessing, type NetworkSpec, torchvisionPreprocessing } from '#src/networks/registry.js';
import { decodeWeights, encodeWeights, importWeights } from '#src/networks/weights.js';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
const conv = (name: string, inChannels: number, outChannels: number) => ({ name, inChannels, outChannels });

/** The network that fixtures/make-weights.py writes. */
const tiny: NetworkSpec = {
  name: 'tiny',
  blocks: [[conv('conv1_1', 3, 2), conv('conv1_2', 2, 2)], [conv('conv2_1', 2, 3)]],
  source: { path: 'tiny.h5', bytes: 1, md5: '' },
};
const tinyLayers = tiny.blocks.flat();
const seed = { seed: 20_250_501 };

/** A safetensors file of any header, over so many bytes of data. */
function rawSafetensors(header: unknown, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

/** What the reader threw; fails when it threw anything but a one-line FauveError about the file. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    expect(error.code).toBe('input');
    expect([...error.message].every((character) => character >= ' ')).toBe(true);
    return error.message;
  }
  throw new Error('the file was accepted');
}

/** Reads, or refuses as it should: nothing else may happen. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FauveError) || error.code !== 'input') throw error;
  }
}

/** weight[o, i, y, x] = 1000 n + 100 o + 10 i + 3 y + x and bias[o] = -n - o / 2, as make-weights.py says. */
function expectTinyValues(tensors: ReadonlyMap<string, WeightTensor>): void {
  expect([...tensors.keys()]).toEqual(tinyLayers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]));
  for (const [index, { name, inChannels, outChannels }] of tinyLayers.entries()) {
    const weight = tensors.get(`${name}.weight`)!;
    const bias = tensors.get(`${name}.bias`)!;
    expect(weight.shape).toEqual([outChannels, inChannels, 3, 3]);
    expect(bias.shape).toEqual([outChannels]);
    let at = 0;
    for (let o = 0; o < outChannels; o++) {
      expect(bias.data[o]).toBe(-(index + 1) - o / 2);
      for (let i = 0; i < inChannels; i++) {
        for (let y = 0; y < 3; y++) {
          for (let x = 0; x < 3; x++) {
            expect(weight.data[at++]).toBe(1000 * (index + 1) + 100 * o + 10 * i + 3 * y + x);
          }
        }
      }
    }
  }
}

const imported = () => importWeights(fixture('tiny.pth'), tiny);
/** The tiny network with some tensors replaced. */
const changed = (changes: Record<string, WeightTensor>) =>
  writeSafetensors(new Map([...imported().tensors, ...Object.entries(changes)]));

describe('importWeights', () => {
  it.each([
    ['tiny.pth', torchvisionPreprocessing, 'torchvision .pth'],
    ['tiny-legacy.pth', torchvisionPreprocessing, 'torchvision .pth'],
    ['tiny-keras1.h5', caffePreprocessing, 'Keras .h5'],
    ['tiny-keras2.h5', caffePreprocessing, 'Keras .h5'],
  ])('reads every value of %s, with the preprocessing of its source', (name, preprocessing, source) => {
    const weights = importWeights(fixture(name), tiny, name);
    expectTinyValues(weights.tensors);
    expect(weights).toMatchObject({ name: 'tiny', preprocessing, source, deepestLayer: 'conv2_1' });
  });

  it.each(['tiny.pth', 'tiny-legacy.pth', 'tiny-keras1.h5'])(
    'reads %s from the middle of a Buffer at an odd address',
    (name) => {
      const whole = Buffer.concat([Buffer.alloc(3), fixture(name), Buffer.alloc(5)]);
      expectTinyValues(importWeights(whole.subarray(3, whole.byteLength - 5), tiny).tensors);
    },
  );

  it("takes Johnson's checkpoints for Caffe's: BGR, by the name of the file", () => {
    const usual = imported().tensors.get('conv1_1.weight')!;
    const weights = importWeights(fixture('tiny.pth'), tiny, 'vgg19-d01eb7cb.pth');
    expect(weights).toMatchObject({ preprocessing: caffePreprocessing, source: 'Caffe .pth' });
    const { shape, data } = weights.tensors.get('conv1_1.weight')!;
    expect(shape).toEqual([2, 3, 3, 3]);
    for (let at = 0; at < data.length; at++) {
      const [o, i, rest] = [Math.floor(at / 27), Math.floor(at / 9) % 3, at % 9];
      expect(data[at]).toBe(usual.data[o * 27 + (2 - i) * 9 + rest]);
    }
    expect(weights.tensors.get('conv1_2.weight')).toEqual(imported().tensors.get('conv1_2.weight'));
  });

  it('reads safetensors with names of torchvision and with canonical names', () => {
    const { tensors } = imported();
    const names = ['features.0', 'features.2', 'features.5'];
    const renamed = new Map(
      tinyLayers.flatMap(({ name }, i) =>
        ['weight', 'bias'].map((role) => [`${names[i]}.${role}`, tensors.get(`${name}.${role}`)!]),
      ),
    );
    const torchvision = importWeights(writeSafetensors(renamed), tiny);
    expectTinyValues(torchvision.tensors);
    expect(torchvision).toMatchObject({
      preprocessing: torchvisionPreprocessing,
      source: 'torchvision .safetensors',
    });
    const plain = importWeights(writeSafetensors(tensors), tiny);
    expectTinyValues(plain.tensors);
    expect(plain).toMatchObject({ preprocessing: caffePreprocessing, source: 'plain .safetensors' });
  });

  it('is usable as deep as the file goes', () => {
    const tensors = new Map([...imported().tensors].slice(0, 4));
    expect(importWeights(writeSafetensors(tensors), tiny).deepestLayer).toBe('conv1_2');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s among the weights', (value) => {
    const file = changed({ 'conv1_2.bias': { shape: [2], data: Float32Array.of(0, value) } });
    expect(refusal(() => importWeights(file, tiny, 'a.safetensors'))).toBe(
      `a.safetensors has ${value} in conv1_2.bias; weights are finite. Get the file again.`,
    );
  });

  it.each([
    ['another number of channels', 'conv2_1.bias', [4], /has conv2_1\.bias \[4\], tiny needs \[3\]/],
    ['another rank', 'conv2_1.bias', [3, 1], /has conv2_1\.bias \[3,1\], tiny needs \[3\]/],
    ['kernels of 1×1', 'conv1_2.weight', [2, 2, 1, 1], /has conv1_2\.weight \[2,2,1,1\], tiny needs \[2,2,3,3\]/],
    ['a layer too many', 'conv2_2.weight', [1], /has "conv2_2\.weight", which tiny does not have/],
    ['an unprintable name', 'conv9_9.\n\u001b[2J', [1], /has "conv9_9\.\\n\\u001b\[2J", which tiny does not have/],
  ])('refuses %s', (_, key, shape, message) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    expect(refusal(() => importWeights(changed({ [key]: { shape, data } }), tiny))).toMatch(message);
  });

  it.each([
    ['conv1_1.bias', /has no conv1_1\.bias, which tiny needs; it has layers as deep as conv2_1/],
    ['conv1_2.weight', /has no conv1_2\.weight/],
    ['conv2_1.bias', /has no conv2_1\.bias/],
  ])('refuses a file without %s', (missing, message) => {
    const tensors = new Map([...imported().tensors].filter(([name]) => name !== missing));
    expect(refusal(() => importWeights(writeSafetensors(tensors), tiny))).toMatch(message);
  });

  it.each([
    ['an empty file', '', /received an empty file/],
    ['a web page', '<!DOCTYPE html>', /received a web page/],
    ['something else', 'GIF89a.....', /starts with the bytes 47 49 46 38/],
  ])('says what it received: %s', (_, content, message) => {
    expect(refusal(() => importWeights(new TextEncoder().encode(content), tiny))).toMatch(message);
  });
});

describe('PyTorch files', () => {
  it('reads windows on shared data, and every type of float', () => {
    const tensors = readTorchPth(fixture('windows.pth'));
    const values = (name: string) => [...tensors.get(name)!.data];
    expect(tensors.get('transposed')!.shape).toEqual([4, 3]);
    expect(values('transposed')).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(tensors.get('window')!.shape).toEqual([2, 2]);
    expect(values('window')).toEqual([5, 6, 9, 10]);
    // The nearest binary16 to 6e-8 is its smallest number, 2^-24.
    expect(values('half')).toEqual([1.5, -0.25, 65504, 2 ** -24]);
    expect(values('bfloat16')).toEqual([1, -3.5]);
    expect(values('double')).toEqual([Math.fround(0.1), Math.fround(-1e-3)]);
    expect(values('parameter')).toEqual([2, 4]);
    expect(tensors.get('scalar')).toEqual({ shape: [], data: Float32Array.of(7) });
    expect(tensors.has('count')).toBe(false);
  });

  it('refuses a pickle that would run a command, and names it', () => {
    const message = refusal(() => importWeights(fixture('malicious.pth'), tiny, 'malicious.pth'));
    expect(message).toMatch(/^malicious\.pth cannot be read as PyTorch weights: it asks for "(posix|nt)\.system"/);
    expect(message).toContain('refused');
  });

  it('is not held up by an archive that lists two thousand million files', () => {
    const bytes = fixture('tiny.pth');
    // PyTorch writes zip64: 56 bytes of record and 20 of locator before the last 22.
    const record = bytes.byteLength - 22 - 20 - 56;
    expect([...bytes.subarray(record, record + 4)]).toEqual([0x50, 0x4b, 6, 6]);
    bytes[record + 32 + 3] = 0x79;
    expect(refusal(() => importWeights(bytes, tiny))).toMatch(/its archive lists more files than fit into it/);
  });
});

describe('Keras files', () => {
  it('that were cut say how much is there', () => {
    const bytes = fixture('tiny-keras1.h5');
    expect(refusal(() => importWeights(bytes.subarray(0, 5000), tiny, 'a.h5'))).toMatch(
      /^a\.h5 is not a readable HDF5 file \(it has 5000 of 7904 bytes\): truncated/,
    );
  });

  it('leave out what is not wanted', () => {
    const wanted = readKerasH5(fixture('tiny-keras2.h5'), 'a.h5', (path) => path.endsWith('bias:0'));
    expect([...wanted.keys()]).toEqual(
      ['block1_conv1', 'block1_conv2', 'block2_conv1'].map((layer) => `model_weights/${layer}/${layer}/bias:0`),
    );
  });
});

describe('safetensors', () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text !== '__metadata__');
  const tensor = fc.array(fc.nat({ max: 4 }), { maxLength: 4 }).chain((shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return fc.record({ shape: fc.constant(shape), data: fc.float32Array({ minLength: length, maxLength: length }) });
  });
  const file = fc.record({
    tensors: fc.array(fc.tuple(name, tensor), { maxLength: 5 }).map((entries) => new Map(entries)),
    metadata: fc.dictionary(name, fc.string()),
  });

  it('come back as they were written, from any address', () => {
    fc.assert(
      fc.property(file, fc.nat({ max: 7 }), ({ tensors, metadata }, offset) => {
        const bytes = writeSafetensors(tensors, metadata);
        const moved = Buffer.alloc(bytes.byteLength + offset)
          .fill(bytes, offset)
          .subarray(offset);
        for (const received of [readSafetensors(bytes), readSafetensors(moved)]) {
          // Values of the integer-like names come first in a JSON object; a file has no order beyond its data.
          expect(new Set(received.tensors.keys())).toEqual(new Set(tensors.keys()));
          for (const [key, { shape, data }] of tensors) {
            expect(received.tensors.get(key)!.shape).toEqual(shape);
            expect(received.tensors.get(key)!.data).toEqual(data);
          }
          expect({ ...received.metadata }).toEqual({ ...metadata });
        }
      }),
      { ...seed, numRuns: 200 },
    );
  });

  it('lie at a multiple of 8 bytes and are not copied', () => {
    fc.assert(
      fc.property(file, ({ tensors, metadata }) => {
        const bytes = writeSafetensors(tensors, metadata);
        for (const { data } of readSafetensors(bytes).tensors.values()) {
          if (data.length > 0) expect(data.buffer).toBe(bytes.buffer);
        }
      }),
      { ...seed, numRuns: 50 },
    );
  });

  it.each([
    ['F16', [0x00, 0x3e, 0x01, 0x00], [1.5, 2 ** -24]],
    ['BF16', [0x80, 0x3f, 0x60, 0xc0], [1, -3.5]],
    ['F64', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0], [1, -2]],
  ])('of type %s become float32', (dtype, data, expected) => {
    const header = { a: { dtype, shape: [2], data_offsets: [0, data.length] } };
    const bytes = rawSafetensors(header, data.length);
    bytes.set(data, bytes.byteLength - data.length);
    expect([...readSafetensors(bytes).tensors.get('a')!.data]).toEqual(expected);
  });

  it('are refused when they were cut at any byte, or when anything follows them', () => {
    const bytes = encodeWeights(imported());
    for (let length = 0; length < bytes.byteLength; length++) {
      refusal(() => readSafetensors(bytes.subarray(0, length)));
    }
    const longer = new Uint8Array(bytes.byteLength + 1);
    longer.set(bytes);
    expect(refusal(() => readSafetensors(longer))).toMatch(/1 bytes at the end belong to no tensor/);
  });

  it.each([0xffff_ffff_ffff_ffffn, 2n ** 63n, 2n ** 53n, 100_000_001n, 1000n, 3n, 0n])(
    'are refused when the header says that it is %s bytes long',
    (length) => {
      const header = { a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } };
      refusal(() => readSafetensors(rawSafetensors(header, 8, length)));
    },
  );

  const entry = (begin: number, end: number, extra = {}) => ({
    dtype: 'F32',
    shape: [(end - begin) / 4],
    data_offsets: [begin, end],
    ...extra,
  });
  it.each<[string, unknown, RegExp]>([
    ['an overlap', { a: entry(0, 8), b: entry(4, 16) }, /tensor "b" starts at byte 4 of the data, expected 8/],
    ['the same data twice', { a: entry(0, 16), b: entry(0, 16) }, /starts at byte 0 of the data, expected 16/],
    ['a gap', { a: entry(0, 4), b: entry(8, 16) }, /tensor "b" starts at byte 8 of the data, expected 4/],
    ['data beyond the end', { a: entry(0, 400) }, /ends at byte 400 of the data, which has 16 bytes/],
    ['an end before the start', { a: entry(16, 0, { shape: [4] }) }, /the entry of tensor "a" is invalid/],
    [
      'a shape that is too large',
      { a: entry(0, 16, { shape: [5] }) },
      /"a" \[5\] of F32 needs 20 bytes, its entry has 16/,
    ],
    ['a shape beyond all memory', { a: entry(0, 16, { shape: Array(32).fill(2 ** 53 - 1) }) }, /needs Infinity bytes/],
    ['too many dimensions', { a: entry(0, 16, { shape: Array(33).fill(1) }) }, /entry of tensor "a" is invalid/],
    ['a negative size', { a: entry(0, 16, { shape: [-4] }) }, /entry of tensor "a" is invalid/],
    ['a broken size', { a: entry(0, 16, { shape: [1.5] }) }, /entry of tensor "a" is invalid/],
    ['an unknown type', { a: entry(0, 16, { dtype: 'Q4' }) }, /has tensor "a" of type "Q4"; weights are one of F16/],
    ['whole numbers', { a: entry(0, 16, { dtype: 'I32' }) }, /of type "I32"/],
    ['the name of a method', { a: entry(0, 16, { dtype: 'constructor' }) }, /of type "constructor"/],
    ['no type', { a: entry(0, 16, { dtype: 4 }) }, /entry of tensor "a" is invalid/],
    ['three offsets', { a: entry(0, 16, { data_offsets: [0, 8, 16] }) }, /entry of tensor "a" is invalid/],
    ['no entry', { a: null }, /entry of tensor "a" is invalid/],
    ['metadata that are no strings', { __metadata__: { a: 1 }, a: entry(0, 16) }, /__metadata__ is not an object/],
    ['a list', [], /header is not a JSON object/],
    ['half a header', '{"a":', /header is not JSON/],
    ['deep nesting', '['.repeat(100_000), /header is not JSON/],
  ])('are refused for %s', (_, header, message) => {
    expect(refusal(() => readSafetensors(rawSafetensors(header, 16)))).toMatch(message);
  });

  it('with any header are read or refused, never more', () => {
    const count = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.constantFrom(2 ** 31, 2 ** 53, 1e308, 0.5));
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom('F32', 'F16', 'BF16', 'F64', 'I64', 'toString', ''));
    const anyEntry = fc.record(
      {
        dtype: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('F32', 'F16', 'F64') }, { weight: 1, arbitrary: junk }),
        shape: fc.oneof({ weight: 3, arbitrary: fc.array(count, { maxLength: 4 }) }, { weight: 1, arbitrary: junk }),
        data_offsets: fc.oneof({ weight: 3, arbitrary: fc.tuple(count, count) }, { weight: 1, arbitrary: junk }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(anyEntry, junk)), fc.nat({ max: 40 }), (header, dataBytes) => {
        readsOrRefuses(() => readSafetensors(rawSafetensors(header, dataBytes)));
      }),
      { ...seed, numRuns: 500 },
    );
  });

  it('refuse to be written when shape and data differ', () => {
    const wrong = new Map([['a', { shape: [3], data: new Float32Array(2) }]]);
    expect(refusal(() => writeSafetensors(wrong))).toMatch(/'a' \[3\] needs 3 values, received 2/);
  });
});

describe('damaged files of every kind', () => {
  const files = ['tiny.pth', 'tiny-legacy.pth', 'tiny-keras1.h5', 'tiny-keras2.h5'];

  it.each(files)('%s is refused when it was cut', (file) => {
    const bytes = fixture(file);
    for (let length = 0; length < bytes.byteLength; length += 3) {
      refusal(() => importWeights(bytes.slice(0, length), tiny));
    }
  });

  it.each([...files, 'canonical'])('%s with changed bytes is read or refused, never more', (file) => {
    const bytes = file === 'canonical' ? encodeWeights(imported()) : fixture(file);
    const change = fc.tuple(fc.nat({ max: bytes.byteLength - 1 }), fc.oneof(fc.nat({ max: 255 }), fc.constant(255)));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = bytes.slice();
        for (const [at, value] of changes) damaged[at] = value;
        readsOrRefuses(() => importWeights(damaged, tiny));
      }),
      { ...seed, numRuns: 300 },
    );
  });
});

describe('encodeWeights and decodeWeights', () => {
  it('keep everything, and give the same bytes again', async () => {
    const weights = importWeights(fixture('tiny-keras1.h5'), tiny);
    const bytes = encodeWeights(weights);
    expect(encodeWeights(importWeights(bytes, tiny))).toEqual(bytes);
    const decoded = await decodeWeights(bytes, tiny);
    expectTinyValues(decoded.tensors);
    expect(decoded.preprocessing).toEqual(weights.preprocessing);
    expect(decoded.sha256).toBe(await sha256Hex(bytes));
    expect((await decodeWeights(bytes, tiny, 'known')).sha256).toBe('known');
  });

  it('give the same bytes for the same weights, wherever their file was', () => {
    const here = encodeWeights(importWeights(fixture('tiny.pth'), tiny, 'here.pth'));
    expect(encodeWeights(importWeights(fixture('tiny-legacy.pth'), tiny, '/elsewhere/there.pth'))).toEqual(here);
  });

  it('keep the networks apart', async () => {
    const bytes = encodeWeights(imported());
    await expect(decodeWeights(bytes, 'vgg19')).rejects.toThrow(/vgg19 needs \[64,3,3,3\]/);
    await expect(decodeWeights(bytes, { ...tiny, name: 'other' })).rejects.toThrow(
      /holds the network "tiny", expected other/,
    );
  });

  it.each([
    ['mean', '[1,2]', /its mean is "\[1,2\]", expected 3 numbers/],
    ['scale', 'null', /its scale is "null", expected 1 numbers/],
    ['std', '[1,"2",3]', /its std is .*, expected 3 numbers/],
    ['std', 'x\n', /its std is "x\\n", expected 3 numbers/],
  ])('refuse %s of %j', async (key, value, message) => {
    const { tensors, metadata } = readSafetensors(encodeWeights(imported()));
    const bytes = writeSafetensors(tensors, { ...metadata, [key]: value });
    expect(refusal(() => importWeights(bytes, tiny))).toMatch(message);
    await expect(decodeWeights(bytes, tiny)).rejects.toThrow(message);
  });

  it('do not pass on a source that cannot be printed', () => {
    const { tensors, metadata } = readSafetensors(encodeWeights(imported()));
    const withSource = (source: string) =>
      importWeights(writeSafetensors(tensors, { ...metadata, source }), tiny).source;
    expect(withSource('Keras .h5')).toBe('Keras .h5');
    expect(withSource('\u001b[2J')).toBe('unknown');
    expect(withSource('long'.repeat(100))).toBe('unknown');
  });

  it.each(['with the platform', 'in a page on plain http'])('computes SHA-256 %s', async (where) => {
    if (where !== 'with the platform') vi.stubGlobal('crypto', {});
    try {
      // FIPS 180-2, appendix B.1
      expect(await sha256Hex(new TextEncoder().encode('abc'))).toBe(
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

const shared = (name: string) => new URL(`../../shared/weights/${name}`, import.meta.url);
const squeezenet = shared('squeezenet11_keras_notop_tf.h5');
const vgg19 = shared('vgg19.safetensors');

/** The title says why a test was skipped. */
const titled = (title: string, file: URL) => (existsSync(file) ? title : `${title} (skipped: ../shared is absent)`);

describe('real files', () => {
  it.skipIf(!existsSync(squeezenet))(titled('reads a Keras file of SqueezeNet 1.1', squeezenet), () => {
    const tensors = readKerasH5(new Uint8Array(readFileSync(squeezenet)));
    // Iandola et al. 2016: conv1, then 8 fire modules of 3 convolutions; each has a kernel and a bias.
    expect(tensors.size).toBe(2 * (1 + 8 * 3));
    expect(tensors.get('conv1/uniform1')!.shape).toEqual([3, 3, 3, 64]);
    for (const { shape, data } of tensors.values()) {
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
      expect(data.every(Number.isFinite)).toBe(true);
      expect(data.some((value) => value !== 0)).toBe(true);
    }
    const values = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    // Squeeze s, then expand to e at 1×1 and to e at 3×3.
    let [expected, inputs] = [27 * 64 + 64, 64];
    for (const s of [16, 16, 32, 32, 48, 48, 64, 64]) {
      const e = 4 * s;
      expected += inputs * s + s + (s * e + e) + (9 * s * e + e);
      inputs = 2 * e;
    }
    expect(values).toBe(expected);
    expect(refusal(() => importWeights(new Uint8Array(readFileSync(squeezenet)), 'vgg19'))).toMatch(
      /has no layer named like block1_conv1/,
    );
  });

  it.skipIf(!existsSync(vgg19))(titled('reads VGG-19 as deep as conv5_1', vgg19), async () => {
    const bytes = new Uint8Array(readFileSync(vgg19));
    const weights = importWeights(bytes, 'vgg19');
    expect(weights).toMatchObject({
      deepestLayer: 'conv5_1',
      preprocessing: caffePreprocessing,
      source: 'plain .safetensors',
    });
    const values = [...weights.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    // Simonyan & Zisserman 2014, configuration E, to conv5_1: 9 · in · out + out for each convolution.
    expect(values).toBe(12_944_960);
    const decoded = await decodeWeights(bytes);
    expect(decoded.name).toBe('vgg19');
    expect(decoded.sha256).toBe(await sha256Hex(bytes));
  });
});
