import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { conv } from '#src/graph/ops.js';
import { input } from '#src/graph/tensor.js';
import { createImage, type Image } from '#src/image/image.js';
import { psnr } from '#src/image/metrics.js';
import { quantise } from '#src/image/quantise.js';
import { fitLongerSide, resizeImage } from '#src/image/resize.js';
import { int8Conv } from '#src/onnx/int8.js';
import { emitModel } from '#src/onnx/model.js';
import { readImage } from '#src/platform/node/images.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { apply } from '#src/style-network/apply.js';
import type { StyleNetworkFile } from '#src/style-network/check.js';
import {
  decodeStyleNetwork,
  encodeInt8StyleNetwork,
  encodeStyleNetwork,
  type StyleNetworkModel,
} from '#src/style-network/file.js';
import { openStyleNetwork, type Precision } from '#src/style-network/open.js';
import { measureRanges } from '#src/training/style-network/ranges.js';
import { random } from './support/random.js';
import { openEngine, scene } from './support/restyling.js';
import { tinyModel } from './support/tiny-style-network.js';

const { onnx } = onnxProto;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const opsOf = (bytes: Uint8Array): string[] => onnx.ModelProto.decode(bytes).graph!.node!.map(({ opType }) => opType!);

describe('a convolution in 8-bit integers', () => {
  // What the spec says of QLinearConv, in whole numbers: https://onnx.ai/onnx/operators/onnx__QLinearConv.html
  it.each([
    ['of what a ReLU gave', 0, 3],
    ['of positive and negative values', -2, 1.5],
  ])('gives whole levels of (y − mean) / deviation: %s', async (_, least, greatest) => {
    const draw = random(7);
    const [channels, width, height] = [5, 9, 8];
    const kernel = draw.uniform([channels, 3, 3, 3]);
    const x = draw.uniform([1, 3, height, width], least, greatest);
    const shape = [channels, 3, 3, 3] as const;
    const range = {
      input: [least, greatest] as const,
      mean: [...draw.uniform([channels], -2, 2)],
      deviation: [...draw.uniform([channels], 0.5, 3)],
      reach: 6,
    };
    const int8 = int8Conv(kernel, channels, range);
    const graph = { y: conv(input('x', [1, 3, height, width]), input('kernel', shape)) };
    const model = emitModel(graph, { int8: new Map([['kernel', int8]]) });
    expect(Object.keys(model.inputs)).toEqual(['x']);
    const session = await runtime.open(model);
    const { y } = await session.run({ x }, ['y']);
    await session.close();

    const q = x.map((value) => Math.min(255, Math.max(0, Math.round(value / int8.inputScale) + int8.inputZero)));
    const places = (height - 2) * (width - 2);
    for (let o = 0; o < channels; o++) {
      for (let p = 0; p < places; p++) {
        const [row, column] = [Math.floor(p / (width - 2)), p % (width - 2)];
        let sum = int8.bias[o]!;
        for (let i = 0; i < 27; i++) {
          const [c, dy, dx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
          const at = (c * height + row + dy) * width + column + dx;
          sum += (q[at]! - int8.inputZero) * int8.kernel[o * 27 + i]!;
        }
        const level = (sum * int8.inputScale * int8.kernelScales[o]!) / int8.outputScale;
        const expected = Math.min(127, Math.max(-128, Math.round(level)));
        const received = y![o * places + p]! / int8.outputScale;
        expect(Math.abs(received - Math.round(received))).toBeLessThan(1e-3);
        // Halves may be rounded either way.
        expect(Math.abs(received - expected)).toBeLessThan(Math.abs((level % 1) - 0.5) < 0.01 ? 1.01 : 0.01);
      }
    }

    const kernels = new Map([
      ['x', x],
      ['kernel', kernel],
    ]);
    const exact = evaluate([graph.y], Object.fromEntries(kernels))[0]!;
    const errors = Array.from(exact, (value, i) => {
      const o = Math.floor(i / places);
      const wanted = Math.min(6, Math.max(-6, (value - range.mean[o]!) / range.deviation[o]!));
      return y![i]! - wanted;
    });
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(rms).toBeLessThan(0.04);
    expect(rms).toBeGreaterThan(0.001);
  });

  it('leaves room for two products in 16 bits: older processors add them so', () => {
    const range = { input: [0, 1] as const, mean: [0, 0], deviation: [1, 1], reach: 5 };
    const { kernel } = int8Conv(random(3).uniform([2, 4, 3, 3], -9, 9), 2, range);
    const largest = Math.max(...kernel.map(Math.abs));
    expect(largest * 255 * 2).toBeLessThan(2 ** 15);
    expect(largest).toBe(63);
  });

  it('answers alike with the four pixels of an enlargement where the picture is even along an axis', () => {
    const [channels, inputs] = [3, 5];
    const kernel = random(4).uniform([channels, inputs, 3, 3], -1, 1);
    // As the style network makes them of a kernel of 3 × 3: neighbours that are equal add up.
    const four = new Float32Array(4 * channels * inputs * 4);
    for (let i = 0; i < 4 * channels * inputs * 9; i++) {
      const [pixel, own, row, column] = [
        Math.floor(i / 9 / channels / inputs),
        Math.floor(i / 9),
        Math.floor(i / 3) % 3,
        i % 3,
      ];
      const tap = 2 * ((row + (pixel >> 1)) >> 1) + ((column + (pixel & 1)) >> 1);
      four[4 * own + tap]! += kernel[i % kernel.length]!;
    }
    const range = { input: [0, 1] as const, mean: [0.1, 2, -1], deviation: [1, 2, 3], reach: 5 };
    const int8 = int8Conv(four, 4 * channels, range);
    const block = channels * inputs;
    const sums = (pixel: number, first: number, second: number) =>
      Array.from({ length: block }, (_, k) => {
        const at = 4 * (pixel * block + k);
        return int8.kernel[at + first]! + int8.kernel[at + second]!;
      });
    // Rows of the upper two and of the lower two, columns of the left two and of the right two; the rest follows.
    for (const [one, other] of [
      [0, 1],
      [2, 3],
    ] as const) {
      expect(sums(one, 0, 1)).toEqual(sums(other, 0, 1));
      expect(sums(one, 2, 3)).toEqual(sums(other, 2, 3));
    }
    for (const [one, other] of [
      [0, 2],
      [1, 3],
    ] as const) {
      expect(sums(one, 0, 2)).toEqual(sums(other, 0, 2));
      expect(sums(one, 1, 3)).toEqual(sums(other, 1, 3));
    }
    for (let o = channels; o < 4 * channels; o++) {
      expect([int8.bias[o], int8.kernelScales[o]]).toEqual([int8.bias[o % channels], int8.kernelScales[o % channels]]);
    }
    for (const [i, value] of int8.kernel.entries()) {
      const scale =
        int8.kernelScales[Math.floor(i / inputs / 4)]! * range.deviation[Math.floor(i / inputs / 4) % channels]!;
      expect(Math.abs(value - four[i]! / scale)).toBeLessThan(1.4);
    }
  });
});

/** A tiny network that has seen a few pictures. */
async function rangedModel(): Promise<StyleNetworkModel> {
  const model = tinyModel(5, { channels: [0, 4, 8, 10], blocks: 2 });
  const photos = [1, 2, 3].map((seed) => scene(64, 64, seed).data);
  return { ...model, ranges: (await measureRanges(runtime, model.weights, photos))! };
}

const restyled = async (
  file: StyleNetworkFile,
  precision: Precision | undefined,
  image = scene(80, 72, 9),
  style = 'wave',
) => {
  const network = await openStyleNetwork(runtime, file, { precision });
  try {
    return (await apply({ image, network, styles: [{ name: style }] })).image;
  } finally {
    await network.close();
  }
};

describe('a network that knows its ranges', () => {
  it('keeps them in its file', async () => {
    const model = await rangedModel();
    const blocks = [1, 2].flatMap((b) => [`residual${b}a.weight`, `residual${b}b.weight`]);
    expect(Object.keys(model.ranges!)).toEqual(['down3.weight', ...blocks, 'up0.weight', 'up1.weight']);
    expect(decodeStyleNetwork(encodeStyleNetwork(model)).ranges).toEqual(model.ranges);
    expect(opsOf(encodeStyleNetwork(model))).not.toContain('QLinearConv');
    const { ranges: _, ...without } = model;
    expect(decodeStyleNetwork(encodeStyleNetwork(without)).ranges).toBeUndefined();
  });

  it('notes what goes in and comes out', async () => {
    const { ranges } = await rangedModel();
    for (const [name, { input, mean, deviation, reach }] of Object.entries(ranges!)) {
      // After a ReLU nothing is below zero; what blocks add up may be.
      if (!['residual2a.weight', 'up0.weight'].includes(name)) expect(input[0]).toBe(0);
      expect(input[1]).toBeGreaterThan(1);
      // Of the enlargements, too, as many as are normalised, not four times as many.
      const channels = { 'up0.weight': 8, 'up1.weight': 4 }[name] ?? 10;
      expect([mean.length, deviation.length]).toEqual([channels, channels]);
      expect(reach).toBeGreaterThan(2);
      expect(reach).toBeLessThan(15);
    }
    expect(ranges!['residual2a.weight']!.input[0]).toBeLessThan(0);
  });

  it('is computed in integers by default, and in floats on request', async () => {
    const model = await rangedModel();
    const file = { fileName: 'tiny.onnx', bytes: encodeStyleNetwork(model) };
    const [float, byDefault, int8] = [
      await restyled(file, 'float32'),
      await restyled(file, undefined),
      await restyled(file, 'int8'),
    ];
    expect(int8.data).toEqual(byDefault.data);
    expect(int8.data).not.toEqual(float.data);
    expect(psnr(int8, float)).toBeGreaterThan(29);
    expect(
      opsOf(encodeInt8StyleNetwork(model.weights, model.ranges!)).filter((op) => op === 'QLinearConv'),
    ).toHaveLength(7);
  });

  it('stays in floats on a graphics card', async () => {
    const file = { fileName: 'tiny.onnx', bytes: encodeStyleNetwork(await rangedModel()) };
    const given: Uint8Array[] = [];
    const card: Runtime = {
      ...runtime,
      device: 'webgpu',
      openFile: (bytes) => {
        given.push(bytes);
        return runtime.openFile(bytes);
      },
    };
    await (await openStyleNetwork(card, file)).close();
    expect(given).toEqual([file.bytes]);
  });

  it.each([
    ['no JSON', '{'],
    ['another kernel', JSON.stringify({ 'residual9a.weight': { input: [0, 1], mean: [0], deviation: [1], reach: 5 } })],
    [
      'too few channels',
      JSON.stringify({ 'residual1a.weight': { input: [0, 1], mean: [0], deviation: [1], reach: 5 } }),
    ],
    [
      'a deviation of nothing',
      JSON.stringify({
        'residual1a.weight': { input: [0, 1], mean: Array(8).fill(0), deviation: Array(8).fill(0), reach: 5 },
      }),
    ],
  ])('is refused when they are damaged: %s', async (_, ranges) => {
    const file = onnx.ModelProto.decode(encodeStyleNetwork(tinyModel(5)));
    file.metadataProps!.push(new onnx.StringStringEntryProto({ key: 'ranges', value: ranges }));
    const bytes = onnx.ModelProto.encode(file).finish();
    expect(() => decodeStyleNetwork(bytes, 'it.onnx')).toThrow(FauveError);
    expect(() => decodeStyleNetwork(bytes, 'it.onnx')).toThrow(/^it.onnx is damaged/);
  });

  it('is what training makes nothing of where it gives no numbers', async () => {
    const { weights } = tinyModel(5);
    weights.get('down2.weight')!.data.fill(Number.NaN);
    expect(await measureRanges(runtime, weights, [scene(64, 64, 1).data])).toBeUndefined();
  });
});

/** The largest difference between neighbours, in 8-bit levels: in a row with `apart` 1, in a column with the width. */
function largestStep(image: Image, apart: number): number {
  const { data, width, height } = quantise(image);
  let largest = 0;
  for (let i = apart; i < data.length; i++) {
    const isFirst = apart === 1 ? i % width === 0 : i % (width * height) < width;
    if (!isFirst) largest = Math.max(largest, Math.abs(data[i]! - data[i - apart]!));
  }
  return 255 * largest;
}

describe('the networks that come with Fauve', () => {
  it.each([
    ['fast', ['starry-night', 'great-wave', 'the-scream', 'composition-vii']],
    ['starry-night', ['starry-night']],
  ])('%s: the eye does not tell the integers from the floats', async (name, styles) => {
    const file = await loadStyleNetwork(name);
    expect(decodeStyleNetwork(file.bytes, name).ranges).toBeDefined();
    const photo = await readImage('examples/photos/chelsea.jpg');
    const { width, height } = fitLongerSide(photo.width, photo.height, 320);
    const image = resizeImage(photo, width, height);
    for (const style of styles) {
      const [float, int8] = [await restyled(file, 'float32', image, style), await restyled(file, 'int8', image, style)];
      expect(psnr(int8, float)).toBeGreaterThan(35);
    }
  });

  it.each([
    ['fast', ['great-wave', 'gray-tree']],
    ['starry-night', ['starry-night']],
  ])('%s: no lattice lies over even areas and gradients', async (name, styles) => {
    const file = await loadStyleNetwork(name);
    const [width, height] = [112, 96];
    const card = (value: (x: number, y: number) => number) =>
      createImage(
        width,
        height,
        Float32Array.from({ length: 3 * width * height }, (_, i) => value(i % width, Math.floor(i / width) % height)),
      );
    const network = await openStyleNetwork(runtime, file);
    for (const style of styles) {
      const painted = async (value: (x: number, y: number) => number) =>
        (await apply({ image: card(value), network, styles: [{ name: style }] })).image;
      for (const colour of [0, 0.5, 1]) {
        const even = await painted(() => colour);
        expect([largestStep(even, 1), largestStep(even, width)]).toEqual([0, 0]);
      }
      expect(largestStep(await painted((x) => x / width), width)).toBe(0);
      expect(largestStep(await painted((_, y) => y / height), 1)).toBe(0);
    }
    await network.close();
  });
});
