import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type Shape, sizeOf } from '#src/graph/tensor.js';

/** Makes the values of test tensors. All are exact in float32, so that a float32 engine sees what the float64 reference sees. */
export interface Random {
  /** Uniform in [low, high). */
  uniform(shape: Shape, low?: number, high?: number): Float32Array;
  /** A random order of values that lie at least 0.05 apart, about half of them negative and none nearer to 0 than 0.02. */
  distinct(shape: Shape): Float32Array;
  /** Whole numbers from low to high, both included: with few of them there are ties. */
  whole(shape: Shape, low: number, high: number): Float32Array;
}

/** A seeded source: the same calls in the same order give the same values. */
export function random(seed: number): Random {
  const rng = xoroshiro128plus(seed);
  const fill = (shape: Shape, value: () => number) => Float32Array.from({ length: sizeOf(shape) }, value);
  return {
    uniform: (shape, low = -1, high = 1) => fill(shape, () => low + (high - low) * uniformFloat64(rng)),
    whole: (shape, low, high) => fill(shape, () => uniformInt(rng, low, high)),
    distinct(shape) {
      const size = sizeOf(shape);
      const values = Float32Array.from({ length: size }, (_, i) => 0.05 * (i - Math.floor(size / 2)) + 0.02);
      for (let i = size - 1; i > 0; i--) {
        const j = uniformInt(rng, 0, i);
        [values[i], values[j]] = [values[j]!, values[i]!];
      }
      return values;
    },
  };
}
