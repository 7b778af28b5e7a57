import { abs, add, mean, slice, square, sub } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';
import type { Term } from './term.js';

/** `l1`: mean absolute difference of neighbours, keeps edges; `squared`: mean squared difference, smooths evenly. */
export type TotalVariationNorm = 'l1' | 'squared';

/**
 * Total variation: the mean over horizontal neighbours plus the mean over vertical neighbours, anisotropic
 * (Mahendran & Vedaldi 2015). A picture that is one pixel wide or high has no neighbours in that direction.
 * @param image [1,3,H,W], values in [0,1]
 * @returns a scalar
 */
export function totalVariationLoss(image: Tensor, norm: TotalVariationNorm): Tensor {
  const measure = norm === 'l1' ? abs : square;
  const along = (axis: 2 | 3): Tensor[] => {
    const length = image.shape[axis]! - 1;
    if (length === 0) return [];
    const shape = image.shape.with(axis, length);
    const start = [0, 0, 0, 0];
    return [mean(measure(sub(slice(image, start.with(axis, 1), shape), slice(image, start, shape))))];
  };
  const [first, second] = [...along(3), ...along(2)];
  if (!first) return mean(sub(image, image));
  return second ? add(first, second) : first;
}

/** Total variation as a term: it compares with nothing. */
export function totalVariationTerm(weight: number, norm: TotalVariationNorm): Term {
  const kind = 'total variation';
  return { name: kind, kind, weight, targets: () => ({}), value: ({ image }) => totalVariationLoss(image, norm) };
}
