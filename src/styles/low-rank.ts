import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A symmetric positive semi-definite matrix [k,k], row-major: a Gram matrix. */
export interface SquareMatrix {
  readonly size: number;
  readonly data: ArrayLike<number>;
}

/** T, [k,r], row-major: T·Tᵀ stands for a matrix of rank k or less. */
export interface Factor {
  readonly size: number;
  readonly rank: number;
  readonly data: Float64Array;
}

/** Eigenvalues from the largest to the smallest, none negative, and the eigenvectors in the same order. */
export interface Spectrum {
  readonly size: number;
  readonly values: readonly number[];
  /** One eigenvector a column, [k,k]. */
  readonly vectors: Matrix;
}

/** Below this share of the largest, an eigenvalue is rounding. */
const LEAST_EIGENVALUE = 1e-12;

/** The eigenvalues and eigenvectors of a symmetric matrix; what rounding made negative becomes 0. */
export function spectrumOf({ size, data }: SquareMatrix): Spectrum {
  const matrix = new Matrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) matrix.set(i, j, (data[i * size + j]! + data[j * size + i]!) / 2);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    size,
    values: order.map((i) => Math.max(0, realEigenvalues[i]!)),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}

/**
 * The best factor of a rank (Eckart & Young 1936): the leading eigenvectors, each times the root of its eigenvalue.
 * @param rank 0 to k
 */
export function eigenFactor({ size, values, vectors }: Spectrum, rank: number): Factor {
  const data = new Float64Array(size * rank);
  for (let column = 0; column < rank; column++) {
    const scale = Math.sqrt(values[column]!);
    for (let i = 0; i < size; i++) data[i * rank + column] = scale * vectors.get(i, column);
  }
  return { size, rank, data };
}

/**
 * The Nyström approximation C·W⁺·Cᵀ as a factor C·W^(−½): C are columns of the matrix, W the rows of C that belong to the same
 * channels. The columns are drawn with a probability in proportion to the squared diagonal (Drineas & Mahoney 2005, "On the
 * Nyström Method for Approximating a Gram Matrix for Improved Kernel-Based Learning"). Departure: they are drawn without
 * replacement, as a column that is drawn twice says nothing new; the paper's scaling of the columns then cancels.
 * @param rank 1 to k columns
 */
export function nystromFactor(matrix: SquareMatrix, rank: number, seed: number): Factor {
  const { size, data } = matrix;
  const columns = drawColumns(matrix, rank, seed);
  const c = new Matrix(size, rank);
  for (let i = 0; i < size; i++) {
    for (const [j, column] of columns.entries()) c.set(i, j, data[i * size + column]!);
  }
  const w = { size: rank, data: columns.flatMap((row) => columns.map((column) => data[row * size + column]!)) };
  const { values, vectors } = spectrumOf(w);
  const least = LEAST_EIGENVALUE * (values[0] ?? 0);
  const roots = values.map((value) => (value > least ? 1 / Math.sqrt(value) : 0));
  return { size, rank, data: Float64Array.from(c.mmul(vectors).mulRowVector(roots).to1DArray()) };
}

function drawColumns({ size, data }: SquareMatrix, rank: number, seed: number): number[] {
  const random = xoroshiro128plus(seed);
  const left = Array.from({ length: size }, (_, i) => ({ i, weight: data[i * size + i]! ** 2 }));
  return Array.from({ length: rank }, () => {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let position = uniformFloat64(random) * total;
    const found = left.findIndex(({ weight }) => {
      position -= weight;
      return position < 0;
    });
    return left.splice(found < 0 ? 0 : found, 1)[0]!.i;
  });
}

/** T·Tᵀ, [k,k], with `diagonal` added to its diagonal. */
export function gramOfFactor({ size, rank, data }: Factor, diagonal?: ArrayLike<number>): Float32Array {
  const gram = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j && diagonal ? diagonal[i]! : 0;
      for (let p = 0; p < rank; p++) sum += data[i * rank + p]! * data[j * rank + p]!;
      gram[i * size + j] = sum;
      gram[j * size + i] = sum;
    }
  }
  return gram;
}

/** ‖A − B‖ / ‖A‖ in the Frobenius norm. Its square is what a relative style loss would be of a picture with the Gram matrix B. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let power = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    power += a[i]! ** 2;
  }
  return power === 0 ? Math.sqrt(difference) : Math.sqrt(difference / power);
}

/**
 * The ranks of several matrices that share a number of values: each eigenvector in turn that takes most of the squared relative
 * errors for the values that it costs, as long as there is room. That is the least sum of squared errors for the room, up to
 * what is left over at its end.
 * @param room values (each eigenvector of a [k,k] matrix costs k)
 * @returns one rank for each spectrum, at least 1 where the matrix is not 0
 */
export function ranksWithin(spectra: readonly Pick<Spectrum, 'size' | 'values'>[], room: number): number[] {
  const candidates = spectra.flatMap(({ size, values }, index) => {
    const power = values.reduce((sum, value) => sum + value ** 2, 0);
    const least = LEAST_EIGENVALUE * values[0]!;
    return values
      .filter((value) => value > least)
      .map((value, order) => ({ index, size, gain: order === 0 ? 1 : value ** 2 / power / size }));
  });
  candidates.sort((a, b) => b.gain - a.gain);
  const ranks = spectra.map(() => 0);
  const full = spectra.map(() => false);
  let used = 0;
  for (const { index, size } of candidates) {
    // A smaller eigenvector must not come in before a larger one that had no room.
    if (full[index] || used + size > room) full[index] = true;
    else {
      used += size;
      ranks[index]!++;
    }
  }
  return ranks;
}
