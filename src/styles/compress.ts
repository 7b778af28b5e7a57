import { toHalfPrecision } from '../formats/floats.js';
import type { WeightTensor } from '../formats/tensor.js';
import { eigenFactor, type Factor, gramOfFactor, ranksWithin, spectrumOf } from './low-rank.js';
import type { LayerStyle, SizeStyle } from './style-file.js';

/** What was measured of a layer at one size, in full. */
export interface MeasuredLayer {
  /** The Gram matrix that the style loss compares, [k,k]. */
  readonly gram: Float32Array;
  /** Mean of each of the C channels, then the standard deviation of each, [2,C]. */
  readonly statistics: Float32Array;
}

/** What was measured at one size, by layer. */
export interface MeasuredSize {
  readonly size: number;
  readonly layers: Readonly<Record<string, MeasuredLayer>>;
}

/** Bytes of a tensor's entry in the header of the file, at most. */
const ENTRY = 110;
const TENSORS = 3;
const HALF = 2;

/** The largest whole number of a step. */
const TOP = 127;

/**
 * Brings the statistics of a network within a number of bytes. The leading eigenvectors of all layers and sizes compete for the
 * room; each of their values takes one byte.
 * @param bytes at most this many in the file; the statistics of the channels need some of them
 */
export function compressSizes(sizes: readonly MeasuredSize[], bytes: number): SizeStyle[] {
  const all = sizes.flatMap(({ layers }) => Object.values(layers));
  const spectra = all.map(({ gram }) => spectrumOf({ size: Math.sqrt(gram.length), data: gram }));
  const fixed = all.reduce((sum, { gram, statistics }) => {
    const k = Math.sqrt(gram.length);
    return sum + TENSORS * ENTRY + HALF * statistics.length + k;
  }, 0);
  // A column costs its values and its step.
  const ranks = ranksWithin(
    spectra.map(({ size, values }) => ({ size: size + HALF, values })),
    bytes - fixed,
  );
  let index = 0;
  return sizes.map(({ size, layers }) => ({
    size,
    layers: Object.fromEntries(
      Object.entries(layers).map(([name, { gram, statistics }]) => {
        const spectrum = spectra[index]!;
        const factor = eigenFactor(spectrum, ranks[index++]!);
        return [name, { ...compressGram(gram, factor), statistics: pair(toHalfPrecision(statistics)) }];
      }),
    ),
  }));
}

/**
 * A Gram matrix as its factor in whole steps, one step a column. One more column holds the root of what the factor leaves of the
 * diagonal, so that the power of each channel is right whatever the rank.
 */
export function compressGram(gram: ArrayLike<number>, factor: Factor): Omit<LayerStyle, 'statistics'> {
  const { size, rank, data } = factor;
  const columns = Array.from({ length: rank }, (_, p) =>
    Float64Array.from({ length: size }, (_, i) => data[i * rank + p]!),
  );
  const coded = columns.map(inSteps);
  const rough = { size, rank, data: new Float64Array(size * rank) };
  coded.forEach(({ whole, step }, p) => {
    for (let i = 0; i < size; i++) rough.data[i * rank + p] = whole[i]! * step;
  });
  const known = gramOfFactor(rough);
  coded.push(
    inSteps(
      Float64Array.from({ length: size }, (_, i) => Math.sqrt(Math.max(0, gram[i * size + i]! - known[i * size + i]!))),
    ),
  );
  const shape = [size, rank + 1];
  const whole = new Float32Array(size * (rank + 1));
  coded.forEach((column, p) => {
    for (let i = 0; i < size; i++) whole[i * (rank + 1) + p] = column.whole[i]!;
  });
  return {
    factor: { shape, data: whole },
    steps: { shape: [rank + 1], data: Float32Array.from(coded, ({ step }) => step) },
  };
}

/** The Gram matrix that a layer of a style stands for, [k,k]. */
export function gramOfLayer({ factor, steps }: Pick<LayerStyle, 'factor' | 'steps'>): Float32Array {
  const [size, columns] = factor.shape as [number, number];
  const rank = columns - 1;
  const data = new Float64Array(size * rank);
  const rest = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    for (let p = 0; p < rank; p++) data[i * rank + p] = factor.data[i * columns + p]! * steps.data[p]!;
    rest[i] = (factor.data[i * columns + rank]! * steps.data[rank]!) ** 2;
  }
  return gramOfFactor({ size, rank, data }, rest);
}

/** Values as whole numbers −127 … 127 of a step that 16 bits hold. */
function inSteps(values: Float64Array): { whole: number[]; step: number } {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const [step] = toHalfPrecision(Float32Array.of(largest / TOP)) as unknown as [number];
  const whole = Array.from(values, (value) =>
    step > 0 ? Math.max(-TOP, Math.min(TOP, Math.round(value / step))) + 0 : 0,
  );
  return { whole, step };
}

function pair(data: Float32Array): WeightTensor {
  return { shape: [2, data.length / 2], data };
}
