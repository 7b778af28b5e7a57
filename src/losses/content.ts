import { add, conv, div, mean, reshape, square, sub, transpose } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';
import type { Head } from '../networks/heads.js';
import type { Term } from './term.js';

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
 * @param head of a distilled network: the error is then that of the teacher's features
 * @returns a scalar
 */
export function contentLoss(features: Tensor, target: Tensor, normalisation: Normalisation, head?: Head): Tensor {
  const power = (f: Tensor) => mean(square(head ? project(f, head.root) : f));
  const error = power(sub(features, target));
  return normalisation === 'classic' ? error : relativeTo(error, power(target));
}

/** Mᵀ·F at every position. @param features [N,k,H,W] @param matrix M, [k,C] */
export function project(features: Tensor, matrix: Tensor): Tensor {
  const [k, channels] = matrix.shape as [number, number];
  return conv(features, reshape(transpose(matrix, [1, 0]), [channels, k, 1, 1]));
}

/** A term over the power of its target. */
export function relativeTo(error: Tensor, power: Tensor): Tensor {
  return div(error, add(power, TINY));
}

const contentTarget = (layer: string) => `target content ${layer}`;

/** The content loss of a layer as a term: its target is the content's features. */
export function contentTerm(layer: string, weight: number, normalisation: Normalisation): Term {
  const name = contentTarget(layer);
  return {
    name: `content ${layer}`,
    kind: 'content',
    layer,
    weight,
    targets: ({ layers }) => ({ [name]: layers[layer]! }),
    value: ({ layers, head }, targets) => contentLoss(layers[layer]!, targets[name]!, normalisation, head(layer)),
  };
}
