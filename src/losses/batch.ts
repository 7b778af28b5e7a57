import { add, div, gemm, matMul, mul, reduceMean, reshape, square, sub, transpose } from '../graph/ops.js';
import type { Tensor } from '../graph/tensor.js';
import type { Head } from '../networks/heads.js';
import { project } from './content.js';

/** Keeps a relative error finite when its target is zero. */
const TINY = 1e-12;

/**
 * Gram matrices of a batch, each picture's own: `gramMatrix` for N pictures.
 * @param features [N,k,H,W]
 * @param head of a distilled network: Rᵀ·G·R, which has the distances of the teacher's Gram matrices
 * @returns [N,k,k]
 */
export function gramMatrices(features: Tensor, head?: Head): Tensor {
  const [n, k, height, width] = features.shape as [number, number, number, number];
  const rows = reshape(features, [n, k, height * width]);
  const gram = mul(matMul(rows, transpose(rows, [0, 2, 1])), 1 / ((head?.channels ?? k) * height * width));
  if (!head) return gram;
  const timesRoot = (matrices: Tensor) => reshape(gemm(reshape(matrices, [n * k, k]), head.root), [n, k, k]);
  // G is symmetric: (Rᵀ·G·R) = ((G·R)ᵀ·R)ᵀ, and that is symmetric again.
  return timesRoot(transpose(timesRoot(gram), [0, 2, 1]));
}

/** Mean square of each picture of a batch: [N,1,…]. */
export function power(t: Tensor): Tensor {
  return reduceMean(
    square(t),
    t.shape.slice(1).map((_, axis) => axis + 1),
  );
}

/** Of each picture: the mean squared error over the target's mean square, [N,1,…]. 0 is the target, about 1 is unrelated. */
export function relativeErrors(current: Tensor, target: Tensor): Tensor {
  return div(power(sub(current, target)), add(power(target), TINY));
}

/** The content loss of each picture of a batch: relative errors of the features as in `contentLoss`, [N,1,1,1]. */
export function contentErrors(features: Tensor, target: Tensor, head?: Head): Tensor {
  const seen = (f: Tensor) => (head ? project(f, head.root) : f);
  return div(power(seen(sub(features, target))), add(power(seen(target)), TINY));
}
