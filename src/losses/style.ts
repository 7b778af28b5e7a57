import { add, gemm, mean, mul, reduceMean, reduceSum, reshape, sqrt, square, sub, transpose } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';
import type { Head } from '../networks/heads.js';
import { type Normalisation, relativeTo } from './content.js';
import type { Term } from './term.js';

/** What of a layer's features is the style: their Gram matrix, or each channel's mean and standard deviation. */
export type StyleStatistics = 'gram' | 'mean-variance';

/**
 * The Gram matrix G = F·Fᵀ / (C·H·W) of features F seen as C rows of H·W values.
 * Gatys et al. 2016, eq. 3; divided by the size as in Johnson et al. 2016, so that pictures of any size compare.
 * @param features [1,C,H,W]
 * @param head of a distilled network: Rᵀ·G·R, which has the distances of the teacher's Gram matrix
 * @returns [C,C], symmetric
 */
export function gramMatrix(features: Tensor, head?: Head): Tensor {
  const [, channels, height, width] = features.shape as [number, number, number, number];
  const rows = reshape(features, [channels, height * width]);
  const gram = mul(gemm(rows, rows, { transB: true }), 1 / ((head?.channels ?? channels) * height * width));
  return head ? gemm(head.root, gemm(gram, head.root), { transA: true }) : gram;
}

/** Under the root of a variance: a flat channel has a finite derivative. */
const VARIANCE_EPSILON = 1e-8;

/**
 * Mean and standard deviation of each channel, which carry much of a style (Li et al. 2017, "Demystifying Neural Style
 * Transfer"; Huang & Belongie 2017).
 * @param features [1,C,H,W]
 * @param head of a distilled network: the statistics are then those of the teacher's channels
 * @returns two tensors of shape [C]
 */
export function channelStatistics(features: Tensor, head?: Head): readonly [mean: Tensor, deviation: Tensor] {
  const [, k, height, width] = features.shape as [number, number, number, number];
  const average = reduceMean(features, [2, 3]);
  const centred = sub(features, average);
  const deviation = (variance: Tensor, channels: number) => reshape(sqrt(add(variance, VARIANCE_EPSILON)), [channels]);
  if (!head) return [reshape(average, [k]), deviation(reduceMean(square(centred), [2, 3]), k)];
  const rows = reshape(centred, [k, height * width]);
  const covariance = mul(gemm(rows, rows, { transB: true }), 1 / (height * width));
  // The diagonal of Hᵀ·covariance·H, without the rest.
  const variance = reduceSum(mul(head.matrix, gemm(covariance, head.matrix)), [0]);
  const projected = gemm(transpose(reshape(average, [k, 1]), [1, 0]), head.matrix);
  return [reshape(projected, [head.channels]), deviation(variance, head.channels)];
}

/** The statistics of one layer, in one or two tensors: what a target holds and what a loss compares. */
export function styleStatistics(features: Tensor, statistics: StyleStatistics, head?: Head): readonly Tensor[] {
  return statistics === 'gram' ? [gramMatrix(features, head)] : channelStatistics(features, head);
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

/** The target of a style term: part 0 is the Gram matrix or the means, part 1 the deviations. */
export const styleTarget = (layer: string, part: number, level = 0) =>
  `target style ${layer}${atSize(level)}${part === 0 ? '' : ' deviation'}`;

/** How names say that the picture is looked at smaller. */
const atSize = (level: number) => (level === 0 ? '' : ` at 1/${2 ** level}`);

/** The style loss of a layer as a term: its targets are the style's statistics. @param level halvings of the picture and the style */
export function styleTerm(
  layer: string,
  weight: number,
  statistics: StyleStatistics,
  normalisation: Normalisation,
  level = 0,
): Term {
  return {
    name: `style ${layer}${atSize(level)}`,
    kind: 'style',
    layer,
    ...(level > 0 ? { level } : {}),
    weight,
    targets: ({ layers, head }) =>
      Object.fromEntries(
        styleStatistics(layers[layer]!, statistics, head(layer)).map((t, part) => [styleTarget(layer, part, level), t]),
      ),
    value({ layers, head }, targets) {
      const current = styleStatistics(layers[layer]!, statistics, head(layer));
      return styleLoss(
        current,
        current.map((_, part) => targets[styleTarget(layer, part, level)]!),
        normalisation,
      );
    },
  };
}
