import { constant, type Tensor } from '../graph/tensor.js';
import type { WeightTensor } from './network.js';

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

/** The head that a file holds for a layer. */
export function headOf(weight: WeightTensor | undefined): Head | undefined {
  if (!weight) return undefined;
  const [k, channels] = weight.shape as [number, number];
  return {
    channels,
    matrix: constant(weight.data, [k, channels]),
    root: constant(Float32Array.from(rootOf(weight.data, k, channels)), [k, k]),
  };
}

/** Cholesky's factor of k/C · H·Hᵀ, with a trace of the diagonal added so that it exists for a head of lower rank. */
function rootOf(h: Float32Array, k: number, channels: number): Float64Array {
  const m = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += h[i * channels + c]! * h[j * channels + c]!;
      m[i * k + j] = (sum * k) / channels;
    }
  }
  let trace = 0;
  for (let i = 0; i < k; i++) trace += m[i * k + i]!;
  const ridge = (1e-7 * trace) / k;
  for (let j = 0; j < k; j++) {
    let diagonal = m[j * k + j]! + ridge;
    for (let p = 0; p < j; p++) diagonal -= m[j * k + p]! ** 2;
    m[j * k + j] = Math.sqrt(Math.max(diagonal, ridge));
    for (let i = j + 1; i < k; i++) {
      let value = m[i * k + j]!;
      for (let p = 0; p < j; p++) value -= m[i * k + p]! * m[j * k + p]!;
      m[i * k + j] = value / m[j * k + j]!;
    }
  }
  return m;
}
