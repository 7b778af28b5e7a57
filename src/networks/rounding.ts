import { toHalfPrecision } from './floats.js';
import type { WeightTensor } from './network.js';

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
export const inWholeNumbers = (
  data: Float32Array,
  scales: Float32Array,
  channelOf: ChannelOf,
): Int8Array<ArrayBuffer> => Int8Array.from(data, (value, i) => Math.round(value / scales[channelOf(i)]!));

/** And back. */
export const fromWholeNumbers = (
  numbers: Int8Array | Float32Array,
  scales: Float32Array,
  channelOf: ChannelOf,
): Float32Array => Float32Array.from(numbers, (value, i) => value * scales[channelOf(i)]!);
