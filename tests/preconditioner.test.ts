import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { Lbfgs } from '#src/optim/lbfgs.js';
import type { Metric } from '#src/optim/metric.js';
import { PyramidPreconditioner, pyramidGains } from '#src/optim/preconditioner.js';
import { innerProduct, relativeError } from './support/numbers.js';
import { evaluation, metricOf, minimise } from './support/optimisation.js';
import { denseOperator } from './support/pyramid.js';
import { random } from './support/random.js';

const sides = fc.integer({ min: 1, max: 23 });

/** One that has seen pairs of a quadratic whose curvature is `curvature(i)` at value i. */
function taught(
  height: number,
  width: number,
  curvature: (i: number) => number,
  { seed = 75, pairs = 12 } = {},
): PyramidPreconditioner {
  const preconditioner = new PyramidPreconditioner(height, width);
  const values = random(seed);
  for (let pair = 0; pair < pairs; pair++) {
    const s = values.uniform([3, height, width]);
    preconditioner.learn({ s, y: s.map((value, i) => value * curvature(i)) });
  }
  return preconditioner;
}

/** vᵀKv / vᵀv: how far a picture of this pattern moves. */
function gainOf(preconditioner: PyramidPreconditioner, v: Float32Array): number {
  return innerProduct(v, preconditioner.apply(v)) / innerProduct(v, v);
}

describe('PyramidPreconditioner', () => {
  it.each([
    [7, 5, [1, 0.5, 3]],
    [4, 9, [2, 1, 1]],
    [6, 6, [1, 0, 8]],
    [3, 2, [1, 4]],
  ])(
    'is the matrix of its definition, whatever the colours, before it has learnt: %i×%i, gains %j',
    (height, width, gains) => {
      const dense = denseOperator(height, width, gains);
      const v = random(71).uniform([3, height, width]);
      const received = new PyramidPreconditioner(height, width, gains).apply(v);
      const size = height * width;
      for (let channel = 0; channel < 3; channel++) {
        const [from, to] = [channel * size, (channel + 1) * size];
        const expected = dense.mmul(Matrix.columnVector(Array.from(v.subarray(from, to)))).to1DArray();
        expect(relativeError(received.subarray(from, to), expected)).toBeLessThan(1e-6);
      }
    },
  );

  it('knows the energy of a vector, of what it has just learnt from too', () => {
    const preconditioner = taught(9, 14, (i) => 1 + (i % 5));
    const values = random(77);
    const [s, y, other] = [1, 2, 3].map(() => values.uniform([3, 9, 14])) as [Float32Array, Float32Array, Float32Array];
    preconditioner.learn({ s, y });
    for (const v of [y, other, y]) {
      const expected = innerProduct(v, preconditioner.apply(v));
      expect(Math.abs(preconditioner.energy(v) - expected)).toBeLessThan(1e-5 * expected);
    }
  });

  it('is symmetric and positive definite at any size, whatever it has learnt', () => {
    fc.assert(
      fc.property(fc.integer(), sides, sides, fc.constantFrom(0, 12), (seed, height, width, pairs) => {
        const values = random(seed);
        // Negative curvature, too: single values of real pairs have it.
        const curvatures = values.uniform([3, height, width], -0.2, 1);
        const [a, b] = [values.uniform([3, height, width]), values.uniform([3, height, width])];
        const preconditioner = taught(height, width, (i) => curvatures[i]!, { seed, pairs });
        const [Ka, Kb] = [preconditioner.apply(a), preconditioner.apply(b)];
        const [aKb, bKa, aKa] = [innerProduct(a, Kb), innerProduct(b, Ka), innerProduct(a, Ka)];
        expect(Math.abs(aKb - bKa)).toBeLessThan(1e-5 * Math.sqrt(aKa * innerProduct(b, Kb)));
        // The first level's gain is 1, learnt factors are at least a twentieth, and the other levels take nothing away.
        expect(aKa).toBeGreaterThan((pairs === 0 ? 1 - 1e-5 : 1 / 21) * innerProduct(a, a));
      }),
      { seed: 1905 },
    );
  });

  it('with a single level is a factor', () => {
    const v = random(72).uniform([3, 5, 7]);
    expect(
      relativeError(
        new PyramidPreconditioner(5, 7, [2]).apply(v),
        v.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-6);
  });

  it('has levels down to a handful of values', () => {
    expect(pyramidGains(512, 341)).toEqual([1, 1, 2, 4, 8, 16, 32]);
    expect(pyramidGains(256, 256)).toEqual([1, 1, 2, 4, 8, 16]);
    expect(pyramidGains(12, 300)).toEqual([1, 1]);
    expect(pyramidGains(1, 1)).toEqual([1]);
  });

  it('moves broad washes further than single pixels', () => {
    const [height, width] = [64, 96];
    const preconditioner = new PyramidPreconditioner(height, width);
    const gain = (value: (x: number, y: number) => number) =>
      gainOf(
        preconditioner,
        Float32Array.from({ length: 3 * height * width }, (_, i) => value(i % width, Math.floor(i / width) % height)),
      );
    const checkers = gain((x, y) => ((x + y) % 2 === 0 ? 1 : -1));
    expect(gain(() => 1) / checkers).toBeGreaterThan(6);
    expect(gain((x) => Math.sin(x / 4))).toBeGreaterThan(gain((x) => Math.sin(x)));
  });

  it('learns where the curvature is low, and in which colour', () => {
    const [height, width] = [48, 64];
    const size = height * width;
    const isLeft = (i: number) => i % width < width / 2;
    const noise = random(76).uniform([size]);
    const only = (where: (i: number) => boolean, colour: readonly number[]) =>
      Float32Array.from({ length: 3 * size }, (_, i) =>
        where(i % size) ? noise[i % size]! * colour[Math.floor(i / size)]! : 0,
      );
    const [left, right] = [only(isLeft, [1, 1, 1]), only((i) => !isLeft(i), [1, 1, 1])];
    const untaught = new PyramidPreconditioner(height, width);
    expect(gainOf(untaught, left) / gainOf(untaught, right)).toBeCloseTo(1, 1);
    const half = taught(height, width, (i) => (isLeft(i) ? 0.25 : 1));
    expect(gainOf(half, left) / gainOf(half, right)).toBeGreaterThan(2.5);
    expect(gainOf(half, left) / gainOf(half, right)).toBeLessThan(5);

    // y = 0.2·s for greys and s for the colours: the mean of three values is their grey part.
    const colours = new PyramidPreconditioner(height, width);
    const values = random(77);
    for (let pair = 0; pair < 12; pair++) {
      const s = values.uniform([3, height, width]);
      const grey = (i: number) => (s[i % size]! + s[(i % size) + size]! + s[(i % size) + 2 * size]!) / 3;
      colours.learn({ s, y: s.map((value, i) => value - 0.8 * grey(i)) });
    }
    const everywhere = () => true;
    const ofGrey = gainOf(colours, only(everywhere, [1, 1, 1]));
    for (const opponent of [only(everywhere, [1, 0, -1]), only(everywhere, [1, -2, 1])]) {
      expect(ofGrey / gainOf(colours, opponent)).toBeGreaterThan(4);
      expect(ofGrey / gainOf(colours, opponent)).toBeLessThan(6);
    }
  });

  it('believes nothing before ten pairs', () => {
    const v = random(78).uniform([3, 32, 32]);
    const steep = (pairs: number) => taught(32, 32, (i) => 1 + (i % 32), { pairs }).apply(v);
    expect(steep(9)).toEqual(new PyramidPreconditioner(32, 32).apply(v));
    expect(steep(10)).not.toEqual(steep(9));
  });

  it('stays what it is where nothing moved, or where only negative curvature was seen', () => {
    const v = random(79).uniform([3, 32, 32]);
    const still = taught(32, 32, (i) => (i % 32 < 16 ? 1 : 0)).apply(v);
    const negative = taught(32, 32, () => -1).apply(v);
    expect(still.every(Number.isFinite)).toBe(true);
    expect(negative).toEqual(new PyramidPreconditioner(32, 32).apply(v));
  });

  it('goes on from what it has learnt', () => {
    const first = taught(20, 32, (i) => 1 + (i % 5));
    const v = random(80).uniform([3, 20, 32]);
    const again = new PyramidPreconditioner(20, 32, undefined, first.learnt());
    expect(again.apply(v)).toEqual(first.apply(v));
    const s = random(81).uniform([3, 20, 32]);
    for (const each of [first, again]) each.learn({ s, y: s.map((value) => 3 * value) });
    expect(again.apply(v)).toEqual(first.apply(v));
  });

  it('leaves its argument alone and remembers nothing of it', () => {
    const [v, other] = [random(73).uniform([3, 9, 6]), random(74).uniform([3, 9, 6])];
    const copy = v.slice();
    const preconditioner = new PyramidPreconditioner(9, 6);
    const first = preconditioner.apply(v);
    const kept = first.slice();
    preconditioner.apply(other);
    expect(v).toEqual(copy);
    expect(first).toEqual(kept);
    expect(preconditioner.apply(v)).toEqual(first);
  });

  it.each([[[0, 1]], [[-1]], [[1, -0.5]], [[1, Number.NaN]], [[]]])('refuses gains %j', (gains) => {
    expect(() => new PyramidPreconditioner(8, 8, gains)).toThrow(FauveError);
    expect(() => new PyramidPreconditioner(8, 8, gains)).toThrow(`positive numbers, received ${gains.join(', ')}.`);
  });

  it('lets L-BFGS find the minimum of a quadratic that is flat along broad washes and in the dark, and sooner', async () => {
    const [height, width] = [32, 40];
    const size = 3 * height * width;
    const plane = (i: number) => i % (height * width);
    const target = Float32Array.from({ length: size }, (_, i) => {
      return 0.5 * Math.sin((plane(i) % width) / 6 + Math.floor(plane(i) / width) / 9);
    });
    /** Differences of neighbours, and a thousandth of the values themselves; both are a twentieth in the left half. */
    const product = (d: Float32Array) => {
      const result = new Float32Array(size);
      for (let i = 0; i < size; i++) {
        const x = i % width;
        const factor = x < width / 2 ? 0.05 : 1;
        result[i]! += 0.001 * factor * d[i]!;
        const below = plane(i) + width < height * width ? [i + width] : [];
        for (const j of x + 1 < width ? [i + 1, ...below] : below) {
          const difference = factor * (d[i]! - d[j]!);
          result[i]! += difference;
          result[j]! -= difference;
        }
      }
      return result;
    };
    const offset = (x: Float32Array) => x.map((value, i) => value - target[i]!);
    const valley = evaluation(
      (x) => innerProduct(offset(x), product(offset(x))) / 2,
      (x) => product(offset(x)),
    );
    const errorAfter = async (steps: number, options: ConstructorParameters<typeof Lbfgs>[1]) => {
      const optimiser = new Lbfgs<null>(new Float32Array(size).fill(0.5), options);
      await minimise(optimiser, valley, steps);
      return relativeError(optimiser.x, target);
    };
    // Only what K is made of differs: as in the papers, γ is that of the newest pair.
    const metric = (): Metric => {
      const preconditioner = new PyramidPreconditioner(height, width);
      return {
        apply: (v) => preconditioner.apply(v),
        energy: (v) => preconditioner.energy(v),
        learn: (pair) => preconditioner.learn(pair),
        initialScale: 1,
        scalePairs: 1,
      };
    };
    const { apply } = metric();
    const [plain, fixed, learnt] = [
      await errorAfter(150, {}),
      await errorAfter(150, { metric: metricOf(apply) }),
      await errorAfter(150, { metric: metric() }),
    ];
    expect(fixed).toBeLessThan(plain / 4);
    expect(learnt).toBeLessThan(fixed / 10);
  });
});
