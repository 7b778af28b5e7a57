import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { type Evaluate, Lbfgs } from '#src/optim/lbfgs.js';
import type { CurvaturePair } from '#src/optim/pairs.js';
import { loadOracle } from './oracle/oracle.js';
import { innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { evaluation, minimise, quadratic } from './support/optimisation.js';
import { random } from './support/random.js';

const oracle = loadOracle().lbfgs;

/** Σ 100 (x₍ᵢ₊₁₎ − xᵢ²)² + (1 − xᵢ)². */
const rosenbrock = evaluation(
  (x) => {
    let sum = 0;
    for (let i = 0; i + 1 < x.length; i++) sum += 100 * (x[i + 1]! - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2;
    return sum;
  },
  (x) => {
    const gradient = new Float64Array(x.length);
    for (let i = 0; i + 1 < x.length; i++) {
      const inner = x[i + 1]! - x[i]! ** 2;
      gradient[i]! += -400 * x[i]! * inner - 2 * (1 - x[i]!);
      gradient[i + 1]! += 200 * inner;
    }
    return gradient;
  },
);

describe('minima', () => {
  it.each(oracle.rosenbrock.map((c) => [c.start.length, c] as const))(
    'of the Rosenbrock function in %d dimensions, as SciPy',
    async (_, { start, x, evaluations }) => {
      const optimiser = new Lbfgs<null>(Float32Array.from(start));
      const steps = await minimise(optimiser, rosenbrock, 300);
      optimiser.x.forEach((value, i) => {
        expect(value).toBeCloseTo(x.data[i]!, 3);
      });
      expect(steps.at(-1)!.loss).toBeLessThan(1e-7);
      // SciPy's line search is a better one; ours takes no more than a few times its evaluations.
      const first = steps.findIndex(({ loss }) => loss < 1e-6);
      const used = steps.slice(0, first + 1).reduce((sum, step) => sum + step.evaluations, 0);
      expect(used).toBeLessThan(3 * evaluations);
    },
  );

  it('of a quadratic within bounds: the same values on them as in SciPy', async () => {
    const { a, b, start, lower, upper, x, f, active } = oracle.bounded;
    const optimiser = new Lbfgs<null>(Float32Array.from(start.data), { bounds: [lower, upper] });
    const steps = await minimise(optimiser, quadratic(a.data, b.data), 200);
    const onBound = [...optimiser.x].flatMap((value, i) => (value === lower || value === upper ? [i] : []));
    expect(onBound).toEqual(active);
    expect(relativeError(optimiser.x, x.data)).toBeLessThan(1e-4);
    expect(relativeDifference(steps.at(-1)!.loss, f)).toBeLessThan(1e-6);
  });
});

describe('what a step accepts', () => {
  it('is never NaN nor higher than before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        async (seed, bad) => {
          // A bowl whose bottom lies where nothing can be evaluated any more.
          const centre = random(seed).uniform([5], 2, 6);
          const outside = (x: Float32Array) => innerProduct(x, x) > 4;
          const evaluate = evaluation(
            (x) => (outside(x) ? bad : x.reduce((sum, value, i) => sum + (i + 1) * (value - centre[i]!) ** 2, 0)),
            (x) => x.map((value, i) => (outside(x) ? bad : 2 * (i + 1) * (value - centre[i]!))),
          );
          const optimiser = new Lbfgs<null>(new Float32Array(5));
          let last = (await evaluate(optimiser.x)).loss;
          for (let i = 0; i < 15; i++) {
            const { loss, outcome } = await optimiser.step(evaluate);
            expect(outside(optimiser.x)).toBe(false);
            expect((await evaluate(optimiser.x)).loss).toBe(loss);
            if (outcome === 'converged') expect(loss).toBe(last);
            else expect(loss).toBeLessThan(last);
            last = loss;
          }
          for (const { s, y } of optimiser.pairs) expect(innerProduct(s, y)).toBeGreaterThan(0);
        },
      ),
      { seed: 1905, numRuns: 60 },
    );
  });

  it('is not a finite loss with a gradient that is not finite', async () => {
    const evaluate = evaluation(
      (x) => -x[0]!,
      (x) => [x[0]! > 0.5 ? Number.NaN : -1],
    );
    const optimiser = new Lbfgs<null>(Float32Array.of(0), { firstStep: 0.4 });
    await minimise(optimiser, evaluate, 10);
    expect(optimiser.x[0]).toBeGreaterThan(0.3);
    expect(optimiser.x[0]).toBeLessThanOrEqual(0.5);
  });

  it('never rises where the curvature changes its sign', async () => {
    const evaluate = evaluation(
      (x) => x.reduce((sum, value, i) => sum + Math.sin(3 * value + i) + 0.05 * value ** 2, 0),
      (x) => x.map((value, i) => 3 * Math.cos(3 * value + i) + 0.1 * value),
    );
    const optimiser = new Lbfgs<null>(random(62).uniform([12], -3, 3));
    const losses = (await minimise(optimiser, evaluate, 60)).map(({ loss }) => loss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses[0]! - losses.at(-1)!).toBeGreaterThan(1);
    for (const { s, y } of optimiser.pairs) expect(innerProduct(s, y)).toBeGreaterThan(0);
  });

  it.each<[string, number, number]>([
    ['loss', Number.NaN, 1],
    ['loss', Number.POSITIVE_INFINITY, 1],
    ['gradient', 1, Number.NaN],
    ['gradient', 1, Number.NEGATIVE_INFINITY],
  ])('says so when the %s is not finite at the start (%d, %d)', async (_, loss, slope) => {
    const step = new Lbfgs<null>(new Float32Array(2)).step(
      evaluation(
        () => loss,
        () => [0, slope],
      ),
    );
    await expect(step).rejects.toThrow(FauveError);
    await expect(step).rejects.toThrow('not finite at the start');
  });
});

describe('bounds', () => {
  it('hold at every evaluation', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.float({ min: -2, max: 1, noNaN: true }),
        fc.float({ min: Math.fround(0.01), max: 2, noNaN: true }),
        async (seed, low, width) => {
          const high = Math.fround(low + width);
          const values = random(seed);
          const n = 6;
          const root = values.uniform([n, n]);
          const a = Float32Array.from({ length: n * n }, (_, at) => {
            const [i, j] = [Math.floor(at / n), at % n];
            let sum = i === j ? 0.1 : 0;
            for (let k = 0; k < n; k++) sum += root[i * n + k]! * root[j * n + k]!;
            return sum;
          });
          const inner = quadratic(a, values.uniform([n], -3, 3));
          const evaluate: Evaluate<null> = (x) => {
            expect(x.every((value) => value >= low && value <= high)).toBe(true);
            return inner(x);
          };
          const optimiser = new Lbfgs<null>(values.uniform([n], -4, 4), { bounds: [low, high] });
          await minimise(optimiser, evaluate, 40);
          // What did not move says nothing about the curvature.
          for (const { s, y } of optimiser.pairs) expect(y.every((change, i) => s[i] !== 0 || change === 0)).toBe(true);
          // A minimum within bounds: no value could go downhill without leaving them.
          const { gradient } = await inner(optimiser.x);
          gradient.forEach((g, i) => {
            const held = g > 0 ? optimiser.x[i]! <= low : optimiser.x[i]! >= high;
            if (!held) expect(Math.abs(g)).toBeLessThan(0.01);
          });
        },
      ),
      { seed: 1905, numRuns: 60 },
    );
  });

  it('let go of a value that wants to come back', async () => {
    // From the corner (0, 0), the first value has to go to 0.75; the second stays.
    const evaluate = evaluation(
      (x) => (x[0]! - 0.75) ** 2 + x[1]!,
      (x) => [2 * (x[0]! - 0.75), 1],
    );
    const optimiser = new Lbfgs<null>(Float32Array.of(0, 0), { bounds: [0, 1] });
    await minimise(optimiser, evaluate, 50);
    expect(optimiser.x[0]).toBeCloseTo(0.75, 4);
    expect(optimiser.x[1]).toBe(0);
  });
});

describe('outcomes', () => {
  const bowl = evaluation(
    (x) => innerProduct(x, x),
    (x) => x.map((value) => 2 * value),
  );

  it('is converged at the minimum, and stays there', async () => {
    const optimiser = new Lbfgs<null>(new Float32Array(3));
    for (const evaluations of [1, 0]) {
      expect(await optimiser.step(bowl)).toEqual({ loss: 0, extra: null, evaluations, outcome: 'converged' });
    }
    expect([...optimiser.x]).toEqual([0, 0, 0]);
  });

  it('is converged when every value is held on a bound', async () => {
    const optimiser = new Lbfgs<null>(Float32Array.of(1, 5), { bounds: [1, 2] });
    const steps = await minimise(optimiser, bowl, 50);
    expect([...optimiser.x]).toEqual([1, 1]);
    expect(steps.at(-1)).toMatchObject({ loss: 2, outcome: 'converged' });
  });

  it('is restarted when what it remembers leads astray', async () => {
    // The pair says that the gradient hardly changes along s: the step is 1e12 times the gradient.
    const pair = { s: Float32Array.of(1e6, 0), y: Float32Array.of(1e-6, 0) };
    const optimiser = new Lbfgs<null>(Float32Array.of(1, 0), {}, [pair]);
    const before = optimiser.options.maxEvaluations;
    const step = await optimiser.step(bowl);
    expect(step.outcome).toBe('restarted');
    expect(step.loss).toBeLessThan(1);
    // One at the start, all of the first search, one of the second.
    expect(step.evaluations).toBe(1 + before + 1);
    expect(optimiser.pairs).toHaveLength(1);
    expect(optimiser.pairs[0]).not.toBe(pair);
    expect((await optimiser.step(bowl)).outcome).toBe('moved');
  });

  it('counts the evaluations, and brings along what came with the point', async () => {
    let calls = 0;
    const optimiser = new Lbfgs<string>(Float32Array.of(-1.2, 1));
    let reported = 0;
    for (let i = 0; i < 30; i++) {
      const step = await optimiser.step(async (x) => {
        calls++;
        return { ...(await rosenbrock(x)), extra: [...x].join() };
      });
      reported += step.evaluations;
      expect(step.extra).toBe([...optimiser.x].join());
    }
    expect(reported).toBe(calls);
  });

  it('takes a first step of the size that was asked for', async () => {
    const optimiser = new Lbfgs<null>(Float32Array.of(3, -1, 0.5), { firstStep: 0.25 });
    await optimiser.step(bowl);
    expect(optimiser.x[0]).toBeCloseTo(2.75, 6);
    expect(optimiser.x[1]).toBeCloseTo(-1 + 0.25 / 3, 6);
  });

  it('leaves the array that it was given as it is', async () => {
    const start = Float32Array.of(3, -1);
    await new Lbfgs<null>(start, { bounds: [0, 2] }).step(bowl);
    expect([...start]).toEqual([3, -1]);
  });
});

describe('the memory', () => {
  const { a, b, start } = oracle.torch;
  const evaluate = quadratic(a.data, b.data);

  it('holds the newest pairs, as many as it may', async () => {
    const optimiser = new Lbfgs<null>(Float32Array.from(start.data), { history: 3 });
    for (let i = 1; i <= 6; i++) {
      const before = optimiser.x;
      await optimiser.step(evaluate);
      expect(optimiser.pairs).toHaveLength(Math.min(i, 3));
      expect(optimiser.pairs.at(-1)!.s).toEqual(optimiser.x.map((value, j) => value - before[j]!));
    }
  });

  it('takes the newest of the pairs that it is given, without those of negative curvature', () => {
    const pair = (value: number): CurvaturePair => ({ s: Float32Array.of(1), y: Float32Array.of(value) });
    const kept = (given: CurvaturePair[]) =>
      new Lbfgs<null>(Float32Array.of(0), { history: 2 }, given).pairs.map(({ y }) => y[0]);
    expect(kept([pair(1), pair(2), pair(3)])).toEqual([2, 3]);
    expect(kept([pair(-2), pair(3)])).toEqual([3]);
    expect(kept([pair(0)])).toEqual([]);
  });

  it('does not hold a step along which the curvature is negative', async () => {
    // (x² − 1)² bends downwards within ±0.577; its minima are at ±1.
    const doubleWell = evaluation(
      (x) => (x[0]! ** 2 - 1) ** 2,
      (x) => [4 * x[0]! * (x[0]! ** 2 - 1)],
    );
    const optimiser = new Lbfgs<null>(Float32Array.of(0.1));
    expect((await optimiser.step(doubleWell)).outcome).toBe('moved');
    expect(optimiser.pairs).toEqual([]);
    await minimise(optimiser, doubleWell, 60);
    expect(optimiser.x[0]).toBeCloseTo(1, 4);
  });

  it('lets an optimisation go on where another one stopped', async () => {
    const whole = new Lbfgs<null>(Float32Array.from(start.data), { history: 4 });
    // More steps than are remembered.
    for (let i = 0; i < 6; i++) await whole.step(evaluate);
    const resumed = new Lbfgs<null>(whole.x, { history: 4 }, whole.pairs);
    for (let i = 0; i < 3; i++) {
      const [one, other] = [await whole.step(evaluate), await resumed.step(evaluate)];
      expect(resumed.x).toEqual(whole.x);
      expect(other.loss).toBe(one.loss);
    }
  });

  it('lets it go on to the last digit where s·y is a small rest of large terms, whose order counts', async () => {
    const count = 50_000;
    const [first, noise] = [random(1).uniform([count]), random(2).uniform([count])];
    let visits = 0;
    // The second gradient is such that s·y is 1e-4, of terms that are 1e8 times as much together; the third is the first.
    const evaluate: Evaluate<null> = async (x) => {
      const gradient = first.slice();
      if (visits === 1) {
        const share = innerProduct(x, noise) / innerProduct(x, x);
        for (let i = 0; i < count; i++) gradient[i]! += noise[i]! - share * x[i]!;
        const rest = () => innerProduct(x, gradient) - innerProduct(x, first);
        for (let i = 0; i < 20; i++) gradient[i]! += (1e-4 - rest()) / x[i]!;
      }
      return { loss: -1e9 * visits++, gradient, extra: null };
    };
    const whole = new Lbfgs<null>(new Float32Array(count), { firstStep: 1 });
    await whole.step(evaluate);
    const [{ s, y } = { s: first, y: first }] = whole.pairs;
    expect(innerProduct(s, y)).toBeCloseTo(1e-4, 5);
    const resumed = new Lbfgs<null>(whole.x, { firstStep: 1 }, [{ s: s.slice(), y: y.slice() }]);
    await whole.step(evaluate);
    visits = 1;
    await resumed.step(evaluate);
    expect(resumed.x).toEqual(whole.x);
  });

  it('is what makes it fast: steepest descent gets nowhere in as many steps', async () => {
    const run = async (history: number) => {
      const optimiser = new Lbfgs<null>(Float32Array.from(oracle.bounded.start.data), { history });
      const steps = await minimise(optimiser, quadratic(oracle.bounded.a.data, oracle.bounded.b.data), 25);
      return steps.at(-1)!.loss;
    };
    const exact = await run(100);
    expect((await run(8)) - exact).toBeLessThan(1e-3);
    expect((await run(0)) - exact).toBeGreaterThan(1e-3);
  });
});
