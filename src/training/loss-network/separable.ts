import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { kernelScales } from '../../formats/rounding.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { gemm } from '../../graph/ops.js';
import { input } from '../../graph/tensor.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';

/** What 3×3 patches, 9·C values and a 1, look like in sums over many of them; their order is (3·u + v)·C + i. */
export interface PatchSums {
  /** A·Aᵀ, [9·C + 1, 9·C + 1]. */
  readonly normal: Float64Array;
  /** A·Tᵀ, [9·C + 1, O], for the targets T. */
  readonly right: Matrix;
}

/** Trace of the diagonal that is added to the covariance of columns, which may be singular. */
const COVARIANCE_RIDGE = 1e-5;

/**
 * The filters of 3×1 pixels that serve a 3×3 kernel best: a convolution with them, and one with rows of 1×3 over what they find,
 * come as near to the kernel's responses as two such convolutions can when neighbouring columns are seen alike (Jaderberg et al.
 * 2014; on responses instead of weights: Zhang et al. 2016). They are the leading singular vectors of the kernel, [3·C, 3·O], where a
 * distance is what it makes of the patches.
 * @param kernel [9·C + 1, O], the least-squares solution without this limit
 * @param rank R, how many filters
 * @returns [R,C,3,1], on the grid of so many levels that the file will hold
 */
export async function verticalFilters(
  runtime: Runtime,
  kernel: Matrix,
  { normal }: PatchSums,
  rank: number,
  levels: number,
): Promise<WeightTensor> {
  const [size, outputs] = [kernel.rows, kernel.columns];
  const channels = (size - 1) / 9;
  const rows = columnsOfPatch(channels);
  const covariance = columnCovariance(normal, size, rows);
  const factor = new CholeskyDecomposition(covariance);
  const lower = factor.lowerTriangularMatrix;
  const unfolded = Matrix.zeros(3 * channels, 3 * outputs);
  for (const [v, members] of rows.entries()) {
    for (const [g, row] of members.entries()) {
      for (let o = 0; o < outputs; o++) unfolded.set(g, v * outputs + o, kernel.get(row, o));
    }
  }
  const kernelGram = await product(runtime, unfolded, unfolded, true);
  const seen = await product(runtime, lower.transpose(), await product(runtime, kernelGram, lower));
  const { eigenvectorMatrix } = new EigenvalueDecomposition(seen.add(seen.transpose()), { assumeSymmetric: true });
  // In ascending order.
  const leading = eigenvectorMatrix.subMatrix(0, 3 * channels - 1, 3 * channels - rank, 3 * channels - 1);
  // L⁻ᵀ·U = (L·Lᵀ)⁻¹·L·U
  const filters = factor.solve(await product(runtime, lower, leading));
  const data = new Float32Array(rank * channels * 3);
  for (let r = 0; r < rank; r++) {
    const column = filters.getColumn(r);
    const largest = column.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [g, value] of column.entries()) {
      const [u, i] = [Math.floor(g / channels), g % channels];
      data[(r * channels + i) * 3 + u] = value / largest;
    }
  }
  const shape = [rank, channels, 3, 1];
  const scales = kernelScales({ shape, data }, levels);
  const each = channels * 3;
  return {
    shape,
    data: data.map((value, i) => {
      const scale = scales[Math.floor(i / each)]!;
      return scale * Math.round(value / scale);
    }),
  };
}

/**
 * The same sums for the rows of 1×3 over what the filters find: 3·R values and a 1, in the order v·R + r.
 * @param filters [R,C,3,1]
 */
export async function sumsOfRows(
  runtime: Runtime,
  { normal, right }: PatchSums,
  { shape: [rank = 0, channels = 0], data }: WeightTensor,
): Promise<PatchSums> {
  const size = 9 * channels + 1;
  const rows = columnsOfPatch(channels);
  const filters = Matrix.zeros(3 * channels, rank);
  for (const [i, value] of data.entries()) {
    const [r, c, u] = [Math.floor(i / (3 * channels)), Math.floor(i / 3) % channels, i % 3];
    filters.set(u * channels + c, r, value);
  }
  const transposed = filters.transpose();
  const last = size - 1;
  // Fᵀ·A: first for the rows of A·Aᵀ, then for its columns.
  const half = Matrix.zeros(3 * rank + 1, size);
  for (const [v, members] of rows.entries()) {
    const part = Matrix.zeros(members.length, size);
    for (const [g, row] of members.entries()) part.setRow(g, [...normal.subarray(row * size, (row + 1) * size)]);
    half.setSubMatrix(await product(runtime, transposed, part), v * rank, 0);
  }
  half.setRow(3 * rank, [...normal.subarray(last * size)]);
  const whole = Matrix.zeros(3 * rank + 1, 3 * rank + 1);
  for (const [v, members] of rows.entries()) {
    const part = half.subMatrixColumn([...members]);
    whole.setSubMatrix(await product(runtime, part, filters), 0, v * rank);
  }
  whole.setColumn(3 * rank, half.getColumn(last));
  const targets = Matrix.zeros(3 * rank + 1, right.columns);
  for (const [v, members] of rows.entries()) {
    targets.setSubMatrix(await product(runtime, transposed, right.subMatrixRow([...members])), v * rank, 0);
  }
  targets.setRow(3 * rank, right.getRow(last));
  return { normal: Float64Array.from(whole.to1DArray()), right: targets };
}

/** Where the three columns of a patch are among its values: for each v, in the order u·C + i. */
function columnsOfPatch(channels: number): number[][] {
  return [0, 1, 2].map((v) =>
    Array.from({ length: 3 * channels }, (_, g) => (3 * Math.floor(g / channels) + v) * channels + (g % channels)),
  );
}

/** Mean covariance of the three columns of a patch, [3·C, 3·C]. */
function columnCovariance(normal: Float64Array, size: number, rows: readonly (readonly number[])[]): Matrix {
  const count = normal[size * size - 1]!;
  const mean = normal.subarray((size - 1) * size).map((sum) => sum / count);
  const side = rows[0]!.length;
  const covariance = Matrix.zeros(side, side);
  for (const members of rows) {
    for (const [g, row] of members.entries()) {
      for (const [h, column] of members.entries()) {
        const value = normal[row * size + column]! / count - mean[row]! * mean[column]!;
        covariance.set(g, h, covariance.get(g, h) + value / rows.length);
      }
    }
  }
  const least = (1e-9 * covariance.trace()) / side || 1;
  for (let g = 0; g < side; g++) covariance.set(g, g, (1 + COVARIANCE_RIDGE) * covariance.get(g, g) + least);
  return covariance.add(covariance.transpose()).mul(0.5);
}

/** a·b, or a·bᵀ, in 32 bits: the engine is a hundred times faster than a loop. */
async function product(runtime: Runtime, a: Matrix, b: Matrix, transB = false): Promise<Matrix> {
  const [left, right] = [input('a', [a.rows, a.columns]), input('b', [b.rows, b.columns])];
  const session = await runtime.open(emitModel({ product: gemm(left, right, { transB }) }));
  try {
    const feeds = { a: Float32Array.from(a.to1DArray()), b: Float32Array.from(b.to1DArray()) };
    const values = await session.run(feeds, ['product']);
    return Matrix.from1DArray(a.rows, transB ? b.rows : b.columns, values.product!);
  } finally {
    await session.close();
  }
}
