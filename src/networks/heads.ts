import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import type { WeightTensor } from '../formats/tensor.js';
import { constant, type Tensor } from '../graph/tensor.js';

/**
 * A linear map from a distilled network's k channels at one layer to its teacher's C: F̂ = Hᵀ·F. Losses are then in the
 * teacher's units.
 */
export interface Head {
  /** C: how many channels the teacher has at this layer. */
  readonly channels: number;
  /** H, [k,C]. */
  readonly matrix: Tensor;
  /**
   * R, [k,k], lower triangular with R·Rᵀ = k/C · H·Hᵀ. Distances are the same as with H: the mean square over k of Rᵀ·F is that
   * over C of Hᵀ·F, and with G the Gram matrices of the features, the mean over k² of (Rᵀ·G·R)² is that over C² of (Hᵀ·G·H)². So
   * the losses never compute the teacher's C channels.
   */
  readonly root: Tensor;
}

/** The head that a file holds for a layer; none where it is the identity, because the features are the teacher's already. */
export function headOf(weight: WeightTensor | undefined): Head | undefined {
  if (!weight || isIdentity(weight)) return undefined;
  const [k, channels] = weight.shape as [number, number];
  return {
    channels,
    matrix: constant(weight.data, [k, channels]),
    root: constant(rootOf(weight.data, k, channels), [k, k]),
  };
}

/** Whether a head is the identity: its layer has all of the teacher's channels. */
export function isIdentity({ shape: [k = 0, channels], data }: WeightTensor): boolean {
  // 8 bits of a file hold a 1 to within what 16 bits of its scale hold.
  return k === channels && data.every((value, i) => Math.abs(value - (i % (k + 1) === 0 ? 1 : 0)) < 1e-3);
}

/** Cholesky's factor of k/C · H·Hᵀ, with a trace of the diagonal added so that it exists for a head of lower rank. */
function rootOf(h: Float32Array, k: number, channels: number): Float32Array {
  const matrix = Matrix.from1DArray(k, channels, h);
  const product = matrix.mmul(matrix.transpose()).mul(k / channels);
  const ridge = (1e-7 * product.trace()) / k || 1e-30;
  const root = new CholeskyDecomposition(Matrix.add(product, Matrix.eye(k, k, ridge))).lowerTriangularMatrix;
  return Float32Array.from(root.to1DArray());
}
