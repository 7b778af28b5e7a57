import { toHalfPrecision } from './floats.js';
import type { WeightTensor } from './tensor.js';

/** The largest whole number that a kernel is made of, unless it is said otherwise: 8 bits. */
export const MOST_LEVELS = 127;

/** Which channel a value belongs to. */
export type ChannelOf = (index: number) => number;

/** Of a kernel [O,…]. */
export function channelOfKernel([, ...rest]: readonly number[]): ChannelOf {
  const size = rest.reduce((product, n) => product * n, 1);
  return (i) => Math.floor(i / size);
}

/** What a 1 is worth in each channel, as 16 bits keep it. */
export function channelScales(
  channels: number,
  data: Float32Array,
  channelOf: ChannelOf,
  levels = MOST_LEVELS,
): Float32Array {
  const largest = new Float32Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i);
    largest[channel] = Math.max(largest[channel]!, Math.abs(data[i]!));
  }
  return toHalfPrecision(largest.map((most) => Math.max(most / levels, 2 ** -24)));
}

/** {@link channelScales} of each output channel of a kernel [O,…]. */
export const kernelScales = ({ shape, data }: WeightTensor, levels?: number): Float32Array =>
  channelScales(shape[0]!, data, channelOfKernel(shape), levels);

/** Values as whole numbers of their channels' scales. */
export function inWholeNumbers(data: Float32Array, scales: Float32Array, channelOf: ChannelOf): Int8Array<ArrayBuffer> {
  const numbers = new Int8Array(data.length);
  // By index: `from` takes ten times as long over millions of values.
  for (let i = 0; i < data.length; i++) numbers[i] = Math.round(data[i]! / scales[channelOf(i)]!);
  return numbers;
}

/** And back. */
export function fromWholeNumbers(
  numbers: Int8Array | Float32Array,
  scales: Float32Array,
  channelOf: ChannelOf,
): Float32Array {
  const data = new Float32Array(numbers.length);
  for (let i = 0; i < data.length; i++) data[i] = numbers[i]! * scales[channelOf(i)]!;
  return data;
}
