import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { gemm } from '../../graph/ops.js';
import { input } from '../../graph/tensor.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';

/** (S·A·Aᵀ·S + λ·I) and its Cholesky factor, where S scales each row of A to norm 1. */
export interface RidgeSystem {
  readonly left: Matrix;
  readonly factor: CholeskyDecomposition;
  readonly scale: readonly number[];
}

/** Of argmin ‖Aᵀ·W − T‖² + λ·‖D·W‖², from A·Aᵀ; see {@link scaledSystem}. */
export function ridgeSystem(normal: Float64Array, lambda: number): RidgeSystem {
  const { left, scale } = scaledSystem(normal, lambda);
  const matrix = Matrix.from1DArray(scale.length, scale.length, left);
  return { left: matrix, factor: new CholeskyDecomposition(matrix), scale };
}

/** W, from A·Tᵀ. */
export function solveRidge({ factor, scale }: RidgeSystem, right: Matrix): Matrix {
  return factor.solve(right.clone().mulColumnVector([...scale])).mulColumnVector([...scale]);
}

/**
 * W of {@link solveRidge} by conjugate gradients (Hestenes & Stiefel 1952), the products in the engine's 32 bits: with thousands of
 * unknowns in a fraction of the time. After these steps 7e-6 of what W explains is missing (2305 unknowns of VGG-19).
 */
export async function approximateRidge(
  runtime: Runtime,
  normal: Float64Array,
  right: Matrix,
  lambda: number,
): Promise<Matrix> {
  const { left, scale } = scaledSystem(normal, lambda);
  const [size, count] = [scale.length, right.columns];
  const product = gemm(input('left', [size, size]), input('direction', [size, count]));
  const session = await runtime.open(emitModel({ product }));
  try {
    await session.write({ left: Float32Array.from(left) });
    const rest = Float64Array.from(
      right
        .clone()
        .mulColumnVector([...scale])
        .to1DArray(),
    );
    const direction = rest.slice();
    const solution = new Float64Array(rest.length);
    let power = columnDots(rest, rest, count);
    for (let step = 0; step < GRADIENT_STEPS; step++) {
      const values = await session.run({ direction: Float32Array.from(direction) }, ['product']);
      const moved = values.product!;
      const lengths = columnDots(direction, moved, count).map((curvature, c) =>
        curvature > 0 ? power[c]! / curvature : 0,
      );
      for (let i = 0; i < rest.length; i++) {
        solution[i]! += lengths[i % count]! * direction[i]!;
        rest[i]! -= lengths[i % count]! * moved[i]!;
      }
      const remaining = columnDots(rest, rest, count);
      const kept = remaining.map((now, c) => (power[c]! > 0 ? now / power[c]! : 0));
      for (let i = 0; i < rest.length; i++) direction[i] = rest[i]! + kept[i % count]! * direction[i]!;
      power = remaining;
    }
    return Matrix.from1DArray(size, count, solution).mulColumnVector([...scale]);
  } finally {
    await session.close();
  }
}

const GRADIENT_STEPS = 100;

function columnDots(a: Float64Array, b: ArrayLike<number>, count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let i = 0; i < a.length; i++) sums[i % count]! += a[i]! * b[i]!;
  return sums;
}

/**
 * S·A·Aᵀ·S + λ·I, row by row, where S = D⁻¹ and D holds each row's own norm: the pictures' large values and the 1 of the bias are held
 * back alike.
 */
function scaledSystem(normal: Float64Array, lambda: number): { readonly left: Float64Array; readonly scale: number[] } {
  const size = Math.round(Math.sqrt(normal.length));
  const norms = Array.from({ length: size }, (_, i) => Math.sqrt(normal[i * size + i]!));
  const least = 1e-6 * Math.max(...norms);
  const scale = norms.map((norm) => 1 / Math.max(norm, least));
  const left = new Float64Array(normal.length);
  for (let i = 0; i < size; i++) {
    // The engine's product is symmetric up to its rounding.
    for (let j = 0; j <= i; j++) {
      const value = normal[i * size + j]! * scale[i]! * scale[j]! + (i === j ? lambda : 0);
      left[i * size + j] = value;
      left[j * size + i] = value;
    }
  }
  return { left, scale };
}
