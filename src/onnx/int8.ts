import type { Tensor } from '../graph/tensor.js';
import { convAttributes } from './emitters.js';
import type { ModelWriter } from './writer.js';

/** What goes through a convolution, as it was seen in pictures. */
export interface ConvRange {
  /** Least and greatest value that goes in. */
  readonly input: readonly [number, number];
  /** Of each channel that is normalised after it. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** How many deviations from its mean a channel reaches. */
  readonly reach: number;
}

/** A convolution in 8-bit integers, as ONNX's QLinearConv takes it: `value = scale · (integer − zero)`. */
export interface Int8Conv {
  readonly inputScale: number;
  readonly inputZero: number;
  /** As the kernel, [O,I,kh,kw]. */
  readonly kernel: Int8Array;
  /** Of each channel that comes out. */
  readonly kernelScales: Float32Array;
  readonly bias: Int32Array;
  readonly outputScale: number;
  readonly outputZero: number;
}

/**
 * Seven bits and a sign. With eight, processors without the instructions for neural networks (AVX2, AVX-512 before VNNI) would add two
 * products beyond 16 bits, and saturate. It costs half a decibel.
 */
const LARGEST = 63;

/**
 * A convolution whose result is normalised by channel afterwards, in 8-bit integers: two to four times as fast. Each channel comes out
 * as `(y − mean) / deviation`, which makes the most of the 256 levels that all of them share; the normalisation takes both away again.
 * @param kernel [O,I,kh,kw]
 * @param channels O; it may be four times the range's, with kernels of 2 × 2: the four pixels that one becomes when it is enlarged
 */
export function int8Conv(
  kernel: Float32Array,
  channels: number,
  { input, mean, deviation, reach }: ConvRange,
): Int8Conv {
  const [least, greatest] = [Math.min(0, input[0]), Math.max(0, input[1])];
  const inputScale = (greatest - least) / 255 || 1;
  const each = kernel.length / channels;
  const integers = new Int8Array(kernel.length);
  const kernelScales = new Float32Array(channels);
  const bias = new Int32Array(channels);
  for (let c = 0; c < mean.length; c++) {
    let largest = 0;
    for (let o = c; o < channels; o += mean.length) largest = Math.max(largest, largestOf(kernel, o * each, each));
    const scale = largest / LARGEST || 1;
    for (let o = c; o < channels; o += mean.length) {
      for (let i = o * each; i < (o + 1) * each; i++) integers[i] = Math.round(kernel[i]! / scale);
      kernelScales[o] = scale / deviation[c]!;
      bias[o] = Math.round(-mean[c]! / (inputScale * scale));
    }
    if (channels === 4 * mean.length) roundAlike(kernel, integers, scale, c * each, mean.length * each, each);
  }
  return {
    inputScale,
    inputZero: Math.round(-least / inputScale),
    kernel: integers,
    kernelScales,
    bias,
    outputScale: (2 * reach) / 255,
    outputZero: 128,
  };
}

/**
 * Rounds the kernels [2,2] of four pixels anew. Those side by side have the same sum of each row, those above one another of each
 * column, all four the same total, and so have the whole numbers: in an even area, or a gradient along an axis, the pixels come out alike.
 * Rounded each by itself they differ, and a lattice lies over the picture. No number is further than 1.4 from its exact value.
 * @param start of the first pixel's kernels, one for each of the inputs; those of the next are `step` further, and `length` long
 */
function roundAlike(
  kernel: Float32Array,
  integers: Int8Array,
  scale: number,
  start: number,
  step: number,
  length: number,
): void {
  for (let at = start; at < start + length; at += 4) {
    const total = rounded(kernel[at]! + kernel[at + 1]! + kernel[at + 2]! + kernel[at + 3]!, scale);
    for (let pixel = 0; pixel < 4; pixel++) {
      const [i, below, right] = [at + pixel * step, at + (pixel & 2) * step, at + (pixel & 1) * step];
      const upperRow = rounded(kernel[below]! + kernel[below + 1]!, scale);
      const leftColumn = rounded(kernel[right]! + kernel[right + 2]!, scale);
      const saddle = (kernel[i]! - kernel[i + 1]! - kernel[i + 2]! + kernel[i + 3]!) / scale;
      // One number decides the other three. This is the one for which the squares of the errors are least.
      const first = Math.round((saddle + 2 * upperRow + 2 * leftColumn - total) / 4);
      integers[i] = first;
      integers[i + 1] = upperRow - first;
      integers[i + 2] = leftColumn - first;
      integers[i + 3] = total - upperRow - leftColumn + first;
    }
  }
}

const rounded = (value: number, scale: number): number => Math.round(value / scale);

/** Writes a convolution in 8-bit integers: rounds what goes in, and makes floats of what comes out. The name is that of the floats. */
export function emitInt8Conv(node: Tensor<'Conv'>, conv: Int8Conv, name: string, writer: ModelWriter): void {
  const [x, kernel] = node.inputs as [Tensor, Tensor];
  const channels = kernel.shape[0]!;
  const scaleAndZero = (scale: number, zero: number) => [
    writer.constant('FLOAT', [], Float32Array.of(scale)),
    writer.constant('UINT8', [], Uint8Array.of(zero)),
  ];
  const input = scaleAndZero(conv.inputScale, conv.inputZero);
  const output = scaleAndZero(conv.outputScale, conv.outputZero);
  const weights = [
    writer.constant('INT8', kernel.shape, conv.kernel),
    writer.constant('FLOAT', [channels], conv.kernelScales),
    writer.constant('INT8', [channels], new Int8Array(channels)),
  ];
  const bias = writer.constant('INT32', [channels], conv.bias);
  const before = writer.step('QuantizeLinear', [writer.nameOf(x), ...input], `${name} in`);
  const factors = [before, ...input, ...weights, ...output, bias];
  const after = writer.step('QLinearConv', factors, `${name} out`, convAttributes(node));
  writer.node('DequantizeLinear', [after, ...output], name);
}

function largestOf(values: Float32Array, start: number, count: number): number {
  let largest = 0;
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
