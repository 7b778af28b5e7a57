import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { input } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { decodeStyleNetwork, encodeStyleNetwork, isStyleNetworkFile } from '#src/style-network/file.js';
import { styleNetwork } from '#src/style-network/graph.js';
import { initialStyleNetwork } from '#src/style-network/initial.js';
import {
  isInner,
  isStyleParameter,
  type StyleNetworkShape,
  styleNetworkMargins,
  styleNetworkMinimumSize,
  styleNetworkParameters,
  styleNetworkShapeOf,
} from '#src/style-network/shape.js';
import { ort } from './support/ort.js';
import { scene } from './support/restyling.js';
import { normal, tinyFile, tinyModel } from './support/tiny-style-network.js';

const { onnx } = onnxProto;

function failure(job: () => unknown): string {
  try {
    job();
  } catch (error) {
    if (error instanceof FauveError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('expected a FauveError');
}

/** The graph for pictures of a size, with the weights as inputs. */
function graphOf(shape: StyleNetworkShape, height: number, width: number, count = 1) {
  const parameters = new Map([...styleNetworkParameters(shape)].map(([name, dims]) => [name, input(name, dims)]));
  const style = shape.styles > 1 ? input('style', [count, shape.styles]) : undefined;
  return styleNetwork(input('image', [count, 3, height, width]), style, (name) => parameters.get(name)!, shape);
}

const shapes: StyleNetworkShape[] = [
  { channels: [0, 4, 8], blocks: 1, kernels: [3, 3], styles: 3 },
  { channels: [3, 4, 5], blocks: 2, kernels: [5, 1], styles: 1 },
  { channels: [2, 3, 4], blocks: 0, kernels: [9, 9], styles: 2 },
  { channels: [0, 3, 4, 6], blocks: 2, kernels: [5, 3], styles: 2 },
  { channels: [2, 3, 4, 5], blocks: 1, kernels: [3, 5], styles: 1 },
];

describe('the architecture', () => {
  it.each(shapes)('%j gives a picture of the size of any picture', (shape) => {
    const side = fc.integer({ min: styleNetworkMinimumSize(shape), max: 300 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 3 }), (height, width, count) => {
        expect(graphOf(shape, height, width, count).shape).toEqual([count, 3, height, width]);
      }),
      { seed: 1905 },
    );
  });

  it('at an eighth of the size puts the picture where the photo is, and shows all of it', () => {
    for (const shape of shapes.filter(({ channels }) => channels[3])) {
      const { before, after } = styleNetworkMargins(shape);
      const [first, last] = shape.kernels.map((side) => (side - 1) / 2) as [number, number];
      // Twice how far left of a pixel of the result the middle of what it was made from lies, layer by layer.
      const sub = shape.channels[0] === 0;
      const down = sub ? 2 * first + 4 + 8 : 2 * first + 2 + 4 + 8;
      const up = sub ? 4 + 2 + 4 * last - 1 + 2 : 4 + 2 + 1 + 2 * last;
      expect(Math.abs(before - (down + 32 * shape.blocks + up) / 2)).toBeLessThan(2);
      // One row less below, and there would be pictures that lack one.
      const rows = (height: number, padding: number) => {
        let n = height + padding - 2 * first - 1;
        for (let i = 0; i < (sub ? 1 : 0); i++) n = Math.floor(n / 2);
        n += 1;
        for (let i = 0; i < (sub ? 2 : 3); i++) n = Math.floor((n - 3) / 2) + 1;
        n -= 4 * shape.blocks;
        for (let i = 0; i < (sub ? 2 : 3); i++) n = 2 * n - 2;
        n -= 2 * last;
        return sub ? 2 * n - 2 : n;
      };
      const heights = Array.from({ length: 16 }, (_, i) => styleNetworkMinimumSize(shape) + i);
      expect(heights.every((height) => rows(height, before + after) >= height)).toBe(true);
      expect(heights.every((height) => rows(height, before + after - 1) >= height)).toBe(false);
    }
  });

  it.each(shapes)('%j is what its weights say', (shape) => {
    const weights = initialStyleNetwork(shape, normal(1));
    expect(styleNetworkShapeOf(weights)).toEqual(shape);
    expect([...weights].map(([name, { shape: dims }]) => [name, dims])).toEqual([...styleNetworkParameters(shape)]);
    // The first convolution takes RGB; the last gives it, for four pixels each at half size.
    expect(weights.get('first.weight')!.shape[1]).toBe(3);
    expect(weights.get('last.weight')!.shape[0]).toBe(shape.channels[0] === 0 ? 12 : 3);
  });

  it('of Johnson et al. has 1.67 million weights in its kernels; a style more needs scales and shifts only', () => {
    const johnson: StyleNetworkShape = { channels: [32, 64, 128], blocks: 5, kernels: [9, 9], styles: 1 };
    const count = (shape: StyleNetworkShape, which: (name: string) => boolean) =>
      [...styleNetworkParameters(shape)]
        .filter(([name]) => which(name))
        .reduce((sum, [, dims]) => sum + dims.reduce((a, b) => a * b), 0);
    // 9·9·3·32·2 + 9·(32·64·2 + 64·128·2 + 10·128·128)
    expect(count(johnson, (name) => name.endsWith('.weight'))).toBe(1_674_432);
    const many = { ...johnson, styles: 10 };
    expect(count(many, isStyleParameter)).toBe(10 * count(johnson, isStyleParameter));
    expect(count(many, (name) => !isStyleParameter(name))).toBe(count(johnson, (name) => !isStyleParameter(name)));
  });

  it('needs to know the style when there are several', () => {
    const [shape] = shapes as [StyleNetworkShape];
    const parameter = (name: string) => input(name, styleNetworkParameters(shape).get(name)!);
    expect(failure(() => styleNetwork(input('image', [1, 3, 20, 20]), undefined, parameter, shape))).toBe(
      'usage: The network has 3 styles. Say which: [N,3].',
    );
  });

  it('says which weight is missing or of another shape', () => {
    const weights = new Map(initialStyleNetwork(shapes[0]!, normal(1)));
    const { data } = weights.get('up1.scale')!;
    weights.set('up1.scale', { shape: [4, 3], data });
    expect(failure(() => styleNetworkShapeOf(weights, 'a.onnx'))).toMatch(
      /^input: a\.onnx is no style network.*up1\.scale is \[4,3\]/,
    );
    weights.delete('up1.scale');
    expect(failure(() => styleNetworkShapeOf(weights))).toContain('up1.scale is missing');
    expect(failure(() => styleNetworkShapeOf(new Map()))).toMatch(/^input: /);
  });
});

describe('the first weights', () => {
  it('are those of He et al., with scales 1 and shifts 0, and the same for the same seed', () => {
    const shape: StyleNetworkShape = { channels: [0, 32, 64], blocks: 1, kernels: [9, 3], styles: 2 };
    const weights = initialStyleNetwork(shape, normal(3));
    const { data } = weights.get('residual1a.weight')!;
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // 36,864 draws: a standard deviation of 0.7 %.
    expect(Math.abs((variance * 64 * 9) / 2 - 1)).toBeLessThan(0.03);
    expect(new Set(weights.get('up1.scale')!.data)).toEqual(new Set([1]));
    expect(new Set(weights.get('up1.shift')!.data)).toEqual(new Set([0]));
    expect(initialStyleNetwork(shape, normal(3))).toEqual(weights);
    expect(initialStyleNetwork(shape, normal(4)).get('first.weight')).not.toEqual(weights.get('first.weight'));
  });
});

describe('what the network does', () => {
  const shape = shapes[0]!;
  const { weights } = tinyModel(2);
  const feeds = Object.fromEntries([...weights].map(([name, { data }]) => [name, data]));
  const [height, width] = [18, 21];
  const run = (images: Float32Array, style: Float32Array, count: number) =>
    evaluate([graphOf(shape, height, width, count)], { ...feeds, image: images, style })[0]!;
  const one = scene(width, height, 1).data;
  const two = scene(width, height, 2).data;

  it('does to each picture of a batch what it does to it alone, each in its own style', () => {
    const [a, b] = [Float32Array.of(0, 1, 0), Float32Array.of(0.5, 0, 0.5)];
    const both = run(Float32Array.of(...one, ...two), Float32Array.of(...a, ...b), 2);
    const alone = [...run(one, a, 1), ...run(two, b, 1)];
    expect(both.every((value, i) => Math.abs(value - alone[i]!) < 1e-9)).toBe(true);
  });

  it('gives values between black and white that depend on the picture and on the style', () => {
    const first = run(one, Float32Array.of(1, 0, 0), 1);
    expect(first.every((value) => value > 0 && value < 1)).toBe(true);
    for (const other of [run(two, Float32Array.of(1, 0, 0), 1), run(one, Float32Array.of(0, 1, 0), 1)]) {
      expect(Math.max(...other.map((value, i) => Math.abs(value - first[i]!)))).toBeGreaterThan(0.02);
    }
  });
});

describe('a network as a file', () => {
  it('comes back, with its weights as 16-bit floats or 8-bit integers', () => {
    for (const [i, shape] of shapes.entries()) {
      const model = tinyModel(10 + i, shape);
      const bytes = encodeStyleNetwork(model);
      expect(isStyleNetworkFile(bytes)).toBe(true);
      const { weights, ...about } = decodeStyleNetwork(bytes);
      const { weights: original, ...expected } = model;
      expect(about).toEqual(expected);
      expect(new Set(weights.keys())).toEqual(new Set(original.keys()));
      for (const [name, { shape: dims, data }] of original) {
        const stored = weights.get(name)!;
        expect(stored.shape).toEqual(dims);
        const each = data.length / dims[0]!;
        const most = Array.from({ length: dims[0]! }, (_, o) =>
          Math.max(...data.subarray(o * each, (o + 1) * each).map(Math.abs)),
        );
        const error = (value: number, j: number) =>
          isInner(name) ? (0.51 / 127) * most[Math.floor(j / each)]! : 2 ** -11 * Math.abs(value) + 2 ** -25;
        expect(
          data.every((value, j) => Math.abs(value - stored.data[j]!) <= error(value, j)),
          name,
        ).toBe(true);
      }
      // What was rounded once is not rounded again.
      expect(encodeStyleNetwork({ ...about, weights })).toEqual(bytes);
    }
  });

  it('says in its metadata what it is, to any reader', () => {
    const { metadataProps, graph, producerName } = onnx.ModelProto.decode(tinyFile(1));
    const metadata = Object.fromEntries(metadataProps!.map(({ key, value }) => [key, value!]));
    expect(producerName).toBe('fauve');
    expect(Object.keys(metadata)).toEqual(['format', 'input', 'licence', 'name', 'styles', 'training']);
    expect(metadata).toMatchObject({ name: 'tiny', licence: 'CC0 1.0' });
    expect(JSON.parse(metadata.styles!)[0]).toEqual({ name: 'wave', title: 'The wave', artist: 'Someone', year: 1905 });
    expect(JSON.parse(metadata.training!)).toEqual({ iterations: 3, losses: { total: 0.5 } });
    const dims = graph!.input!.map(({ name, type }) => [
      name,
      type!.tensorType!.shape!.dim!.map(({ dimValue, dimParam }) => dimParam || Number(dimValue)),
    ]);
    expect(dims).toEqual([
      ['image', [1, 3, 'height', 'width']],
      ['style', [1, 3]],
    ]);
  });

  it('runs at any size in one session of ONNX Runtime', async () => {
    const model = tinyModel(6);
    const session = await ort.InferenceSession.create(encodeStyleNetwork(model), { intraOpNumThreads: 1 });
    const halves = decodeStyleNetwork(encodeStyleNetwork(model)).weights;
    const feeds = Object.fromEntries([...halves].map(([name, { data }]) => [name, data]));
    const style = Float32Array.of(0.25, 0.75, 0);
    for (const [width, height] of [
      [17, 17],
      [38, 19],
      [21, 40],
    ] as const) {
      const { data } = scene(width, height, 1);
      const { output } = await session.run({
        image: new ort.Tensor('float32', data, [1, 3, height, width]),
        style: new ort.Tensor('float32', style, [1, 3]),
      });
      expect(output!.dims).toEqual([1, 3, height, width]);
      const [expected] = evaluate([graphOf(shapes[0]!, height, width)], { ...feeds, image: data, style });
      const values = output!.data as Float32Array;
      expect(values.every((value, i) => Math.abs(value - expected![i]!) < 1e-4)).toBe(true);
    }
    await session.release();
  });

  it('that is damaged is refused, in words', () => {
    const bytes = tinyFile(1);
    expect(failure(() => decodeStyleNetwork(bytes.subarray(0, 2000), 'a.onnx'))).toMatch(
      /^input: a\.onnx is no ONNX model/,
    );
    const other = emitModel({ y: input('x', [1]) }, { metadata: { format: 'something' } }).bytes;
    expect(isStyleNetworkFile(other)).toBe(false);
    expect(failure(() => decodeStyleNetwork(other, 'a.onnx'))).toMatch(
      /^input: a\.onnx was not made by this version of Fauve: its format is "something", expected /,
    );
    expect(failure(() => decodeStyleNetwork(emitModel({ y: input('x', [1]) }).bytes))).toMatch(/^input: /);
  });

  it('whose metadata do not fit its weights is refused', () => {
    const change = (key: string, value: string): Uint8Array => {
      const model = onnx.ModelProto.decode(tinyFile(1));
      for (const entry of model.metadataProps!) if (entry.key === key) entry.value = value;
      return onnx.ModelProto.encode(model).finish();
    };
    expect(decodeStyleNetwork(change('name', 'renamed')).name).toBe('renamed');
    for (const value of ['', '[', '{}', '[]', '[{"title":"no name"}]']) {
      expect(
        failure(() => decodeStyleNetwork(change('styles', value), 'a.onnx')),
        value,
      ).toBe('input: a.onnx is damaged: its metadata cannot be read. Get the file again.');
    }
    expect(failure(() => decodeStyleNetwork(change('styles', '[{"name":"wave"}]')))).toContain(
      'names 1 styles and has 3',
    );
    expect(failure(() => decodeStyleNetwork(change('format', 'fauve-transformer-9')))).toContain(
      '"fauve-transformer-9"',
    );
  });

  it('with some damaged bytes gives an error for users or is read', () => {
    const bytes = tinyFile(1);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const damaged = bytes.slice();
        for (const [at, value] of changes) damaged[at] = value;
        try {
          decodeStyleNetwork(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FauveError);
        }
      }),
      { seed: 1905, numRuns: 150 },
    );
  });
});
