import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Evaluate, Lbfgs, quasiNewtonDirection } from '#src/optim/lbfgs.js';
import { plainMetric } from '#src/optim/metric.js';
import type { CurvaturePair } from '#src/optim/pairs.js';
import { loadOracle, type OracleTensor } from './oracle/oracle.js';
import { innerProduct, relativeError } from './support/numbers.js';
import { evaluation, filled, memories, metricOf, minimise, quadratic } from './support/optimisation.js';
import { random } from './support/random.js';

const oracle = loadOracle().lbfgs;

/** The rows of a matrix [pairs, n] as float32. */
function rows({ shape, data }: OracleTensor): Float32Array[] {
  const [count, n] = shape as [number, number];
  return Array.from({ length: count }, (_, i) => Float32Array.from(data.slice(i * n, (i + 1) * n)));
}

describe.each(memories)('the direction, from pairs in %s', (_, make) => {
  const remember = (pairs: readonly CurvaturePair[]) => filled(make(pairs[0]?.s.length ?? 9, pairs.length), pairs);

  it.each(oracle.directions.map((c) => [c.s.shape.join('×'), c] as const))(
    'is that of the dense BFGS matrix, %s',
    (_, { s, y, gradient, direction }) => {
      const changes = rows(y);
      const pairs = rows(s).map((step, i): CurvaturePair => ({ s: step, y: changes[i]! }));
      const received = quasiNewtonDirection(Float32Array.from(gradient.data), remember(pairs));
      expect(relativeError(received, direction.data)).toBeLessThan(2e-6);
    },
  );

  it('is that of torch.optim.LBFGS along its path', () => {
    const { iterations, historySize } = oracle.torch;
    const minus = (a: OracleTensor, b: OracleTensor) => Float32Array.from(a.data, (value, i) => value - b.data[i]!);
    const pairs: CurvaturePair[] = [];
    for (const [k, { x, gradient, direction }] of iterations.entries()) {
      const before = iterations[k - 1];
      if (before) pairs.push({ s: minus(x, before.x), y: minus(gradient, before.gradient) });
      const received = quasiNewtonDirection(Float32Array.from(gradient.data), remember(pairs.slice(-historySize)));
      expect(relativeError(received, direction.data), `iteration ${k}`).toBeLessThan(1e-5);
    }
    expect(pairs.length).toBeGreaterThan(historySize);
  });

  it('satisfies the secant equation of the newest pair: H·y = s', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, count) => {
        const values = random(seed);
        const pairs = Array.from({ length: count }, (): CurvaturePair => {
          const s = values.uniform([9]);
          return { s, y: s.map((v, i) => v * (i + 1)) };
        });
        const { s, y } = pairs.at(-1)!;
        expect(
          relativeError(
            quasiNewtonDirection(y, remember(pairs)),
            s.map((v) => -v),
          ),
        ).toBeLessThan(1e-4);
      }),
      { seed: 1905 },
    );
  });

  it('goes downhill, and without pairs straight down', () => {
    const values = random(61);
    const gradient = values.uniform([9]);
    const s = values.uniform([9]);
    const direction = quasiNewtonDirection(gradient, remember([{ s, y: s.map((v, i) => v * (i + 1)) }]));
    expect(innerProduct(direction, gradient)).toBeLessThan(0);
    expect(quasiNewtonDirection(gradient, remember([]))).toEqual(gradient.map((g) => -g));
  });
});

const scales = Float32Array.of(1, 4, 0.25, 16, 9, 1, 0.0625);
const diagonal = (v: Float32Array) => v.map((value, i) => value * scales[i]!);

describe.each(memories)('preconditioning, from pairs in %s', (_, make) => {
  const remember = (pairs: readonly CurvaturePair[]) => filled(make(7, pairs.length), pairs);

  it('with a diagonal is a change of the scale of each value', () => {
    // x = √K·z: in z, the gradient is √K·g, a step is s / √K and its change √K·y.
    const values = random(63);
    const times = (v: Float32Array, power: number) => v.map((value, i) => value * scales[i]! ** power);
    const gradient = values.uniform([7]);
    const pairs = [1, 2, 3].map((): CurvaturePair => {
      const s = values.uniform([7]);
      return { s, y: s.map((value, i) => value * (1 + i)) };
    });
    const scaled = pairs.map(({ s, y }): CurvaturePair => ({ s: times(s, -0.5), y: times(y, 0.5) }));
    for (const count of [0, 1, 3]) {
      const received = quasiNewtonDirection(gradient, remember(pairs.slice(0, count)), metricOf(diagonal));
      const expected = times(quasiNewtonDirection(times(gradient, 0.5), remember(scaled.slice(0, count))), 0.5);
      expect(relativeError(received, expected)).toBeLessThan(1e-6);
    }
  });
});

describe('preconditioning', () => {
  it('with the inverse Hessian goes straight to the minimum', async () => {
    const target = random(64).uniform([7], 1, 2);
    const bowl = evaluation(
      (x) => x.reduce((sum, value, i) => sum + (value - target[i]!) ** 2 / scales[i]! / 2, 0),
      (x) => x.map((value, i) => (value - target[i]!) / scales[i]!),
    );
    const optimiser = new Lbfgs<null>(new Float32Array(7), { metric: metricOf(diagonal) });
    // The first step only finds out how long the others are.
    for (let i = 0; i < 2; i++) await optimiser.step(bowl);
    expect(relativeError(optimiser.x, target)).toBeLessThan(1e-5);
    const plain = new Lbfgs<null>(new Float32Array(7));
    for (let i = 0; i < 2; i++) await plain.step(bowl);
    expect(relativeError(plain.x, target)).toBeGreaterThan(0.1);
  });

  it('keeps the bounds and finds the minimum within them, also when it mixes the values', async () => {
    const { a, b, start, lower, upper, x, active } = oracle.bounded;
    const inner = quadratic(a.data, b.data);
    const mixing = (v: Float32Array) => v.map((value, i) => value + 0.4 * ((v[i - 1] ?? 0) + (v[i + 1] ?? 0)));
    const optimiser = new Lbfgs<null>(Float32Array.from(start.data), {
      bounds: [lower, upper],
      metric: metricOf(mixing),
    });
    const evaluate: Evaluate<null> = (at) => {
      expect(at.every((value) => value >= lower && value <= upper)).toBe(true);
      return inner(at);
    };
    await minimise(optimiser, evaluate, 200);
    expect([...optimiser.x].flatMap((value, i) => (value === lower || value === upper ? [i] : []))).toEqual(active);
    expect(relativeError(optimiser.x, x.data)).toBeLessThan(1e-4);
  });

  it('scales by the largest of the newest pairs, and goes on from them to the same point', async () => {
    const curvatures = Float32Array.of(1, 300, 20, 5, 90, 2, 40, 0.5);
    const bowl = evaluation(
      (x) => x.reduce((sum, value, i) => sum + (curvatures[i]! * (value - 1) ** 2) / 2, 0),
      (x) => x.map((value, i) => curvatures[i]! * (value - 1)),
    );
    const metric = { ...metricOf((v) => v.map((value) => 2 * value)), scalePairs: 3 };
    const options = { history: 5, metric };
    const optimiser = new Lbfgs<null>(new Float32Array(8), options);
    let differed = 0;
    for (let step = 0; step < 9; step++) {
      const { x, pairs, scales } = optimiser;
      const expected = pairs.slice(-3).map(({ s, y }) => innerProduct(s, y) / innerProduct(y, y) / 2);
      expect(scales).toHaveLength(Math.min(step, 3));
      expect(relativeError(Float32Array.from(scales), expected)).toBeLessThan(1e-6);
      const resumed = new Lbfgs<null>(x, options, pairs, scales);
      const forgetful = new Lbfgs<null>(x, options, pairs);
      for (const each of [optimiser, resumed, forgetful]) await each.step(bowl);
      expect(resumed.x).toEqual(optimiser.x);
      if (relativeError(forgetful.x, optimiser.x) > 1e-3) differed++;
    }
    expect(differed).toBeGreaterThan(0);
  });

  it('remembers nothing with a history of 0', async () => {
    const bowl = evaluation(
      (x) => x.reduce((sum, value) => sum + (value - 1) ** 2, 0),
      (x) => x.map((value) => 2 * (value - 1)),
    );
    const optimiser = new Lbfgs<null>(new Float32Array(3), { history: 0, metric: { ...plainMetric, scalePairs: 4 } });
    for (let step = 0; step < 3; step++) expect((await optimiser.step(bowl)).outcome).toBe('moved');
    expect([optimiser.pairs, optimiser.scales]).toEqual([[], []]);
  });
});
