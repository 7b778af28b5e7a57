import { add, gemm, mean, mul, reduceMean, reshape, sqrt, square, sub } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';
import { type Normalisation, relativeTo } from './content.js';

/** What of a layer's features is the style: their Gram matrix, or each channel's mean and standard deviation. */
export type StyleStatistics = 'gram' | 'mean-variance';

/**
 * The Gram matrix G = F·Fᵀ / (C·H·W) of features F seen as C rows of H·W values.
 * Gatys et al. 2016, eq. 3; divided by the size as in Johnson et al. 2016, so that pictures of any size compare.
 * @param features [1,C,H,W]
 * @returns [C,C], symmetric
 */
export function gramMatrix(features: Tensor): Tensor {
  const [, channels, height, width] = features.shape as [number, number, number, number];
  const rows = reshape(features, [channels, height * width]);
  return mul(gemm(rows, rows, { transB: true }), 1 / (channels * height * width));
}

/** Under the root of a variance: a flat channel has a finite derivative. */
const VARIANCE_EPSILON = 1e-8;

/**
 * Mean and standard deviation of each channel, which carry much of a style (Li et al. 2017, "Demystifying Neural Style
 * Transfer"; Huang & Belongie 2017).
 * @param features [1,C,H,W]
 * @returns two tensors of shape [C]
 */
export function channelStatistics(features: Tensor): readonly [mean: Tensor, deviation: Tensor] {
  const channels = features.shape[1]!;
  const average = reduceMean(features, [2, 3]);
  const variance = reduceMean(square(sub(features, average)), [2, 3]);
  return [reshape(average, [channels]), reshape(sqrt(add(variance, VARIANCE_EPSILON)), [channels])];
}

/** The statistics of one layer, in one or two tensors: what a target holds and what a loss compares. */
export function styleStatistics(features: Tensor, statistics: StyleStatistics): readonly Tensor[] {
  return statistics === 'gram' ? [gramMatrix(features)] : channelStatistics(features);
}

/**
 * Style loss of one layer: the squared Frobenius distance of the Gram matrices as a mean over C² (Johnson et al. 2016,
 * eq. 4), or of the channel means and deviations as a mean over C; relative: over the same power of the target.
 * @param current statistics of the generated image
 * @param target statistics of the style, the same shapes
 * @returns a scalar
 */
export function styleLoss(current: readonly Tensor[], target: readonly Tensor[], normalisation: Normalisation): Tensor {
  const error = sumOf(current.map((t, i) => mean(square(sub(t, target[i]!)))));
  return normalisation === 'classic' ? error : relativeTo(error, sumOf(target.map((t) => mean(square(t)))));
}

function sumOf(terms: readonly Tensor[]): Tensor {
  return terms.reduce((sum, term) => add(sum, term));
}
