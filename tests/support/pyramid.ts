import { Matrix } from 'ml-matrix';

/** Filters n values with [1 3 3 1]/√32 and keeps every second one, as a matrix. */
export function halving(n: number): Matrix {
  const matrix = Matrix.zeros(Math.ceil(n / 2), n);
  for (let row = 0; row < matrix.rows; row++) {
    for (const [tap, weight] of [1, 3, 3, 1].entries()) {
      const column = 2 * row - 1 + tap;
      if (column >= 0 && column < n) matrix.set(row, column, weight / Math.sqrt(32));
    }
  }
  return matrix;
}

/** Σ gain · DᵀD by its definition, for one channel. */
export function denseOperator(height: number, width: number, gains: readonly number[]): Matrix {
  let down = Matrix.eye(height * width);
  let [h, w] = [height, width];
  const sum = Matrix.zeros(height * width, height * width);
  for (const gain of gains) {
    sum.add(Matrix.mul(down.transpose().mmul(down), gain));
    down = halving(h).kroneckerProduct(halving(w)).mmul(down);
    [h, w] = [Math.ceil(h / 2), Math.ceil(w / 2)];
  }
  return sum;
}
