import { Matrix } from 'ml-matrix';
import { kernelScales } from '../../formats/rounding.js';
import type { RidgeSystem } from './ridge.js';

/**
 * A least-squares solution in whole multiples of one number for each output channel, the same that the file of the network will hold.
 * Rounding each weight by itself would add up all their errors. Here each makes up for those that were rounded before it, as far as the
 * patches allow: the nearest plane of Babai (1986), which is what GPTQ does (Frantar et al. 2023). The largest weight of a channel is
 * ±`levels` and stays; the bias, last, is no whole number and takes what is left of the mean.
 * @param solution [9·C + 1, O], one output channel in each column, the bias in the last row
 * @param system what it is the solution of
 */
export function roundedSolution(solution: Matrix, { left, factor, scale }: RidgeSystem, levels: number): Matrix {
  const { rows, columns } = solution;
  const bias = rows - 1;
  const weights = solution.transpose().to1DArray();
  const kernels = Float32Array.from(
    { length: columns * bias },
    (_, i) => weights[Math.floor(i / bias) * rows + (i % bias)]!,
  );
  const steps = kernelScales({ shape: [columns, bias], data: kernels }, levels);
  // Rᵀ = L, row by row: the error is ‖R·e‖² for errors e in units of the scaled rows.
  const lower = factor.lowerTriangularMatrix;
  const upper = Array.from({ length: bias }, (_, i) =>
    Float64Array.from({ length: rows - i }, (_, k) => lower.get(i + k, i)),
  );
  const rounded = Matrix.zeros(rows, columns);
  const errors = new Float64Array(rows);
  for (let o = 0; o < columns; o++) {
    const step = steps[o]!;
    const value = (i: number) => weights[o * rows + i]!;
    let largest = 0;
    for (let i = 0; i < bias; i++) if (Math.abs(value(i)) > Math.abs(value(largest))) largest = i;
    errors.fill(0);
    for (let i = bias - 1; i >= 0; i--) {
      const row = upper[i]!;
      let before = 0;
      for (let k = 1; k < row.length; k++) before += row[k]! * errors[i + k]!;
      const wanted = i === largest ? value(i) : value(i) + (scale[i]! * before) / row[0]!;
      const number = Math.min(levels, Math.max(-levels, Math.round(wanted / step)));
      rounded.set(i, o, number * step);
      errors[i] = (value(i) - number * step) / scale[i]!;
    }
    let rest = 0;
    for (let i = 0; i < bias; i++) rest += left.get(bias, i) * errors[i]!;
    rounded.set(bias, o, value(bias) + (scale[bias]! * rest) / left.get(bias, bias));
  }
  return rounded;
}
