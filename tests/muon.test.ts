import { describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { mul, sub } from '#src/graph/ops.js';
import { constant, input } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { muonScalars, muonStep, orthogonal } from '#src/optim/muon.js';
import { createRuntime } from '#src/runtime/runtime.js';
import { relativeError } from './support/numbers.js';
import { ort } from './support/ort.js';
import { random } from './support/random.js';

/** The eigenvalues of XᵀX or XXᵀ, the smaller one: Jacobi's rotations. */
function singularValues(matrix: ArrayLike<number>, rows: number, columns: number): number[] {
  const n = Math.min(rows, columns);
  const at = (i: number, k: number) => (rows <= columns ? matrix[i * columns + k]! : matrix[k * columns + i]!);
  const a = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < Math.max(rows, columns); k++) sum += at(i, k) * at(j, k);
      return sum;
    }),
  );
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (const row of a) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
        const [upper, lower] = [[...a[p]!], [...a[q]!]];
        for (let k = 0; k < n; k++) {
          a[p]![k] = c * upper[k]! - s * lower[k]!;
          a[q]![k] = s * upper[k]! + c * lower[k]!;
        }
      }
    }
  }
  return a.map((row, i) => Math.sqrt(Math.max(0, row[i]!)));
}

describe('orthogonal', () => {
  it.each([
    [6, 20],
    [20, 6],
    [8, 8],
  ])('brings all singular values of a matrix of %i×%i near 1, and keeps its directions', (rows, columns) => {
    const data = random(4).uniform([rows, columns], -1, 1);
    const [result] = evaluate([orthogonal(constant(data, [rows, columns]))]);
    const before = singularValues(data, rows, columns);
    expect(Math.max(...before) / Math.min(...before)).toBeGreaterThan(2);
    for (const value of singularValues(result!, rows, columns)) {
      expect(value).toBeGreaterThan(0.6);
      expect(value).toBeLessThan(1.3);
    }
    // The nearest orthogonal matrix to X is the one whose product with X has the largest trace: the sum of its singular values.
    const trace = result!.reduce((sum, value, i) => sum + value * data[i]!, 0);
    const most = before.reduce((sum, value) => sum + value, 0);
    expect(trace / most).toBeGreaterThan(0.75);
    expect(trace / most).toBeLessThan(1.2);
  });

  it('does not depend on the length of the matrix, and makes nothing of nothing', () => {
    const data = random(5).uniform([4, 9], -1, 1);
    const [one, other, none] = [1, 1e-4, 0].map(
      (factor) =>
        evaluate([
          orthogonal(
            constant(
              data.map((value) => value * factor),
              [4, 9],
            ),
          ),
        ])[0]!,
    );
    expect(relativeError(other!, one!)).toBeLessThan(1e-6);
    expect([...none!].every((value) => value === 0)).toBe(true);
  });
});

describe('muonStep', () => {
  const shape = [4, 2, 3, 3] as const;
  const kernel = input('k', shape);
  const draw = random(6);
  const [values, gradient] = [draw.uniform([72], -1, 1), draw.uniform([72], -1, 1)];
  const norm = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));
  const zero = new Float32Array(72);

  it('keeps the length of a kernel, and turns it by what the rate says, whatever the size of the gradient', () => {
    const { outputs, state } = muonStep(kernel, input('g', shape), { averageDecay: 0 });
    expect(state).toEqual(['k momentum']);
    const step = (g: Float32Array, rate: number) =>
      evaluate([outputs['next k']!], { k: values, g, 'k momentum': zero, ...muonScalars(rate) })[0]!;
    const next = step(gradient, 0.01);
    expect(Math.abs(norm(next) / norm(values) - 1)).toBeLessThan(1e-6);
    expect(
      relativeError(
        step(
          gradient.map((g) => g * 1000),
          0.01,
        ),
        next,
      ),
    ).toBeLessThan(1e-6);
    const turned = (rate: number) => norm(step(gradient, rate).map((value, i) => value - values[i]!));
    // Four rows of length 1, times 0.2·√18, less what lies along the kernel.
    expect(turned(0.01)).toBeGreaterThan(0.01 * 0.2 * Math.sqrt(18) * 2 * 0.6);
    expect(turned(0.01)).toBeLessThan(0.01 * 0.2 * Math.sqrt(18) * 2 * 1.2);
    expect(turned(0.002) / turned(0.01)).toBeCloseTo(0.2, 2);
  });

  it('goes downhill on a quadratic along all its directions at once, in ONNX Runtime as in float64', async () => {
    const draw = random(8);
    // The stretch of the valley, and its bottom at the length of the start.
    const scales = Float32Array.from({ length: 72 }, (_, i) => 10 ** ((i % 7) - 3));
    const bottom = draw.uniform([72], -1, 1);
    const length = norm(values) / norm(bottom);
    for (let i = 0; i < 72; i++) bottom[i]! *= length;
    const slope = mul(sub(kernel, constant(bottom, shape)), constant(scales, shape));
    const { outputs, carry, state } = muonStep(kernel, slope, { averageDecay: 0.5 });
    expect(state).toEqual(['k momentum', 'k average']);
    const names = Object.keys(outputs);
    const loss = (x: ArrayLike<number>) => bottom.reduce((sum, value, i) => sum + scales[i]! * (x[i]! - value) ** 2, 0);

    const runtime = createRuntime(ort, { device: 'cpu', engine: 'test', threads: 1 });
    const session = await runtime.open(emitModel(outputs));
    await session.write({ k: values, 'k momentum': zero, 'k average': zero });
    let current: Record<string, Float32Array | Float64Array> = { k: values, 'k momentum': zero, 'k average': zero };
    const losses = [loss(values)];
    for (let step = 0; step < 60; step++) {
      const rate = muonScalars(0.05 * (1 - step / 60));
      const results = evaluate(Object.values(outputs), { ...current, ...rate });
      current = Object.fromEntries(Object.entries(carry).map(([to, from]) => [to, results[names.indexOf(from)]!]));
      await session.run(rate, [], carry);
      losses.push(loss(current.k!));
    }
    expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.2);
    const { k } = await session.read(['k']);
    expect(relativeError(k!, current.k!)).toBeLessThan(1e-3);
    await runtime.close();
  });
});
