import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { Lbfgs } from '#src/optim/lbfgs.js';
import { pyramidPreconditioner } from '#src/optim/pyramid.js';
import { innerProduct, relativeError } from './support/numbers.js';
import { evaluation, minimise } from './support/optimisation.js';
import { random } from './support/random.js';

/** Filters n values with [1 3 3 1]/√32 and keeps every second one, as a matrix. */
function halving(n: number): Matrix {
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
function denseOperator(height: number, width: number, gains: readonly number[]): Matrix {
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

const sides = fc.integer({ min: 1, max: 23 });

describe('pyramidPreconditioner', () => {
  it.each([
    [7, 5, [1, 0.5, 3]],
    [4, 9, [2, 1, 1]],
    [6, 6, [1, 0, 8]],
    [3, 2, [1, 4]],
  ])('is the matrix of its definition, %i×%i, gains %j', (height, width, gains) => {
    const dense = denseOperator(height, width, gains);
    const v = random(71).uniform([2, height, width]);
    const received = pyramidPreconditioner(2, height, width, gains)(v);
    const size = height * width;
    for (let channel = 0; channel < 2; channel++) {
      const [from, to] = [channel * size, (channel + 1) * size];
      const expected = dense.mmul(Matrix.columnVector(Array.from(v.subarray(from, to)))).to1DArray();
      expect(relativeError(received.subarray(from, to), expected)).toBeLessThan(1e-6);
    }
  });

  it('is symmetric and positive definite at any size', () => {
    fc.assert(
      fc.property(fc.integer(), sides, sides, (seed, height, width) => {
        const values = random(seed);
        const [a, b] = [values.uniform([3, height, width]), values.uniform([3, height, width])];
        const apply = pyramidPreconditioner(3, height, width);
        const [aKb, bKa, aKa] = [innerProduct(a, apply(b)), innerProduct(b, apply(a)), innerProduct(a, apply(a))];
        const scale = Math.sqrt(aKa * innerProduct(b, apply(b)));
        expect(Math.abs(aKb - bKa)).toBeLessThan(1e-5 * scale);
        // The first level is the identity, and the others take nothing away.
        expect(aKa).toBeGreaterThan((1 - 1e-5) * innerProduct(a, a));
      }),
      { seed: 1905 },
    );
  });

  it('with a single level is a factor', () => {
    const v = random(72).uniform([3, 5, 7]);
    expect(pyramidPreconditioner(3, 5, 7, [1])(v)).toEqual(v);
    expect(pyramidPreconditioner(3, 5, 7, [2])(v)).toEqual(v.map((value) => 2 * value));
  });

  it('moves broad washes further than single pixels', () => {
    const [height, width] = [32, 48];
    const gainOf = (value: (x: number, y: number) => number) => {
      const v = Float32Array.from({ length: height * width }, (_, i) => value(i % width, Math.floor(i / width)));
      return innerProduct(v, pyramidPreconditioner(1, height, width)(v)) / innerProduct(v, v);
    };
    const flat = gainOf(() => 1);
    const checkers = gainOf((x, y) => ((x + y) % 2 === 0 ? 1 : -1));
    expect(flat / checkers).toBeGreaterThan(10);
    expect(gainOf((x) => Math.sin(x / 4))).toBeGreaterThan(gainOf((x) => Math.sin(x)));
  });

  it('leaves its argument alone and remembers nothing of it', () => {
    const [v, other] = [random(73).uniform([3, 9, 6]), random(74).uniform([3, 9, 6])];
    const copy = v.slice();
    const apply = pyramidPreconditioner(3, 9, 6);
    const first = apply(v);
    const kept = first.slice();
    apply(other);
    expect(v).toEqual(copy);
    expect(first).toEqual(kept);
    expect(apply(v)).toEqual(first);
  });

  it.each([[[0, 1]], [[-1]], [[1, -0.5]], [[1, Number.NaN]], [[]]])('refuses gains %j', (gains) => {
    expect(() => pyramidPreconditioner(3, 8, 8, gains)).toThrow(FauveError);
    expect(() => pyramidPreconditioner(3, 8, 8, gains)).toThrow(`positive numbers, received ${gains.join(', ')}.`);
  });

  it('lets L-BFGS find the minimum of a quadratic that is flat along broad washes, and sooner', async () => {
    const [height, width] = [24, 20];
    const target = Float32Array.from({ length: height * width }, (_, i) => {
      return 0.5 * Math.sin((i % width) / 6 + Math.floor(i / width) / 9);
    });
    /** Differences of neighbours, and a thousandth of the values themselves: condition 8000. */
    const product = (d: Float32Array) =>
      d.map((value, i) => {
        const x = i % width;
        const neighbours = [
          d[i - width],
          d[i + width],
          x > 0 ? d[i - 1] : undefined,
          x < width - 1 ? d[i + 1] : undefined,
        ];
        return neighbours.reduce<number>(
          (sum, other) => sum + (other === undefined ? 0 : value - other),
          0.001 * value,
        );
      });
    const offset = (x: Float32Array) => x.map((value, i) => value - target[i]!);
    const valley = evaluation(
      (x) => innerProduct(offset(x), product(offset(x))) / 2,
      (x) => product(offset(x)),
    );
    const errorAfter = async (steps: number, options: ConstructorParameters<typeof Lbfgs>[1]) => {
      const optimiser = new Lbfgs<null>(new Float32Array(height * width).fill(0.5), options);
      await minimise(optimiser, valley, steps);
      return relativeError(optimiser.x, target);
    };
    const precondition = pyramidPreconditioner(1, height, width);
    expect(await errorAfter(100, { precondition })).toBeLessThan(1e-4);
    expect(await errorAfter(45, { precondition })).toBeLessThan((await errorAfter(45, {})) / 10);
  });
});
