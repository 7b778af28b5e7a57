import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** (S·A·Aᵀ·S + λ·I) and its Cholesky factor, where S scales each row of A to norm 1. */
export interface RidgeSystem {
  readonly left: Matrix;
  readonly factor: CholeskyDecomposition;
  readonly scale: readonly number[];
}

/**
 * Of argmin ‖Aᵀ·W − T‖² + λ·‖D·W‖², from A·Aᵀ, where D holds each row's own norm: the pictures' large values and the 1 of the
 * bias are held back alike.
 */
export function ridgeSystem(normal: Float64Array, lambda: number): RidgeSystem {
  const size = Math.round(Math.sqrt(normal.length));
  const norms = Array.from({ length: size }, (_, i) => Math.sqrt(normal[i * size + i]!));
  const least = 1e-6 * Math.max(...norms);
  const scale = norms.map((norm) => 1 / Math.max(norm, least));
  const left = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    // The engine's product is symmetric up to its rounding.
    for (let j = 0; j <= i; j++) {
      const value = normal[i * size + j]! * scale[i]! * scale[j]! + (i === j ? lambda : 0);
      left.set(i, j, value);
      left.set(j, i, value);
    }
  }
  return { left, factor: new CholeskyDecomposition(left), scale };
}

/** W for the kept of the `channels` columns of A·Tᵀ. */
export function solveRidge(
  { factor, scale }: RidgeSystem,
  right: Float64Array,
  channels: number,
  kept: readonly number[],
): Matrix {
  const target = Matrix.zeros(scale.length, kept.length);
  for (let i = 0; i < scale.length; i++) {
    for (const [j, c] of kept.entries()) target.set(i, j, right[i * channels + c]! * scale[i]!);
  }
  return factor.solve(target).mulColumnVector([...scale]);
}
