import type { WeightTensor } from '../../formats/tensor.js';
import type { StyleNetworkModel } from '../../style-network/file.js';
import { initialStyleNetwork } from '../../style-network/initial.js';
import { isStyleParameter, type StyleNetworkShape, styleNetworkParameters } from '../../style-network/shape.js';
import { type Random, randomFor } from '../crops.js';

/**
 * What training starts from: random weights, or those of a network with the styles that are trained in place of its own. One that
 * it knows by name starts as it is there, a new one as the mean of those that it has.
 * @param styles names of the styles that are trained
 */
export function startWeights(
  shape: StyleNetworkShape,
  seed: number,
  styles: readonly string[],
  from?: StyleNetworkModel,
): Map<string, WeightTensor> {
  const random = randomFor(seed, 20);
  const fresh = initialStyleNetwork(shape, () => normal(random));
  if (!from) return fresh;
  const rowOf = styles.map((style) => from.styles.findIndex(({ name }) => name === style));
  return new Map(
    [...styleNetworkParameters(shape)].map(([name, dims]) => {
      const known = from.weights.get(name)!;
      if (!isStyleParameter(name)) return [name, { shape: known.shape, data: Float32Array.from(known.data) }];
      const [rows, width] = known.shape as [number, number];
      const mean = Array.from({ length: width }, (_, c) => {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += known.data[row * width + c]!;
        return sum / rows;
      });
      const data = rowOf.flatMap((row) => (row < 0 ? mean : [...known.data.subarray(row * width, (row + 1) * width)]));
      return [name, { shape: dims, data: Float32Array.from(data) }];
    }),
  );
}

/** Box & Muller 1958. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
