import { add, div, mean, square, sub } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';

/**
 * `relative`: a term is divided by its target's own power, so that every layer and every picture is on one scale and one
 * default weight fits them all; 0 is the target, about 1 is unrelated. `classic`: as in the papers, in the network's units.
 */
export type Normalisation = 'relative' | 'classic';

/** Keeps a relative term finite when its target is zero (a black picture without bias). Far below any real power. */
const TINY = 1e-12;

/**
 * Content loss of one layer: the mean squared error of the features over C·H·W.
 * Gatys et al. 2016, eq. 1, with the mean in place of ½·sum; relative: over the mean square of the target.
 * @param features F of the generated image, [1,C,H,W]
 * @param target F of the content image, the same shape
 * @returns a scalar
 */
export function contentLoss(features: Tensor, target: Tensor, normalisation: Normalisation): Tensor {
  const error = mean(square(sub(features, target)));
  return normalisation === 'classic' ? error : relativeTo(error, mean(square(target)));
}

/** A term over the power of its target. */
export function relativeTo(error: Tensor, power: Tensor): Tensor {
  return div(error, add(power, TINY));
}
