import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { matMul, reshape, sub } from '#src/graph/ops.js';
import { constant, input } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { type AdamOptions, adamScalars, adamStep, averageCorrection, defaultAdamOptions } from '#src/optim/adam.js';
import { type ScheduleShape, scheduleFactor } from '#src/optim/schedule.js';
import { createRuntime } from '#src/runtime/runtime.js';
import { loadOracle } from './oracle/oracle.js';
import { relativeError } from './support/numbers.js';
import { ort } from './support/ort.js';

const { adam: oracle } = loadOracle();
const n = oracle.b.data.length;
const x = input('x', [n]);

/** One step of Adam on the oracle's quadratic. */
function quadraticStep(options: AdamOptions) {
  const product = reshape(matMul(constant(oracle.a.data, [n, n]), reshape(x, [n, 1])), [n]);
  return adamStep(x, sub(product, constant(oracle.b.data, [n])), options);
}

const oracleOptions = (run: { amsgrad: boolean; clamp: boolean }): AdamOptions => ({
  beta1: oracle.betas[0],
  beta2: oracle.betas[1],
  epsilon: oracle.eps,
  amsgrad: run.amsgrad,
  averageDecay: 0,
  ...(run.clamp ? { bounds: [0, 1] as const } : {}),
});

type Point = Record<string, Float64Array>;

/** The values and the state after each step, in float64. */
function trajectory(options: AdamOptions, steps: number, rate = oracle.lr): Point[] {
  const { outputs, carry, state } = quadraticStep(options);
  const names = Object.keys(outputs);
  let current: Point = { x: oracle.start.data };
  for (const name of state) current[name] = new Float64Array(n);
  return Array.from({ length: steps }, (_, i) => {
    const results = evaluate(Object.values(outputs), { ...current, ...adamScalars(i + 1, rate, options) });
    current = Object.fromEntries(Object.entries(carry).map(([to, from]) => [to, results[names.indexOf(from)]!]));
    return current;
  });
}

describe.each(
  oracle.runs.map((run) => [`${run.amsgrad ? 'AMSGrad' : 'Adam'}${run.clamp ? ', clamped' : ''}`, run] as const),
)('against PyTorch: %s', (_, run) => {
  const [steps] = run.trajectory.shape as [number, number];
  const expected = (step: number) => run.trajectory.data.subarray(step * n, (step + 1) * n);
  const options = oracleOptions(run);

  it('in float64', () => {
    // The two scalars of a step are float32.
    for (const [step, { x: point }] of trajectory(options, steps).entries()) {
      expect(relativeError(point!, expected(step)), `step ${step + 1}`).toBeLessThan(1e-6);
    }
  });

  it('in ONNX Runtime, the state carried from run to run', async () => {
    const { outputs, carry, state } = quadraticStep(options);
    const runtime = createRuntime(ort, { device: 'cpu', engine: 'test', threads: 1 });
    const session = await runtime.open(emitModel(outputs));
    const zeros = state.map((name) => [name, new Float32Array(n)] as const);
    await session.write({ x: Float32Array.from(oracle.start.data), ...Object.fromEntries(zeros) });
    for (let step = 0; step < steps; step++) {
      await session.run(adamScalars(step + 1, oracle.lr, options), [], carry);
      const { x: point } = await session.read(['x']);
      expect(relativeError(point!, expected(step)), `step ${step + 1}`).toBeLessThan(1e-5);
    }
    await runtime.close();
  });
});

it('the oracle tells the variants apart', () => {
  const ends = oracle.runs.map(({ trajectory: { data } }) => data.subarray(-n));
  for (const [i, a] of ends.entries()) {
    for (const b of ends.slice(i + 1)) expect(relativeError(a, b)).toBeGreaterThan(1e-3);
  }
});

describe('Adam', () => {
  it('first moves every value by the learning rate, whatever the size of the gradient', () => {
    const gradient = input('g', [4]);
    const values = input('x', [4]);
    const { outputs, state } = adamStep(values, gradient);
    const zeros = Object.fromEntries(state.map((name) => [name, new Float64Array(4)]));
    const [next] = evaluate([outputs['next x']!], {
      ...zeros,
      ...adamScalars(1, 0.25, defaultAdamOptions),
      x: Float64Array.of(1, 1, 1, 1),
      g: Float64Array.of(1e-3, -1e-3, 7, -900),
    });
    const expected = [0.75, 1.25, 0.75, 1.25];
    for (const [i, value] of next!.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
  });

  it('asks for the state that its options need', () => {
    const names = (options: Partial<AdamOptions>) =>
      adamStep(x, x, { ...defaultAdamOptions, ...options }).state.map((name) => name.replace('x ', ''));
    expect(names({})).toEqual(['first moment', 'second moment']);
    expect(names({ amsgrad: true })).toEqual(['first moment', 'second moment', 'largest moment']);
    expect(names({ averageDecay: 0.5 })).toEqual(['first moment', 'second moment', 'average']);
  });

  it('keeps the largest second moment with AMSGrad', () => {
    const largest = trajectory({ ...defaultAdamOptions, amsgrad: true }, 25).map((point) => point['x largest moment']!);
    const falls = trajectory(defaultAdamOptions, 25).map((point) => point['x second moment']!);
    const sinks = (moments: Float64Array[]) =>
      moments.some((moment, step) => step > 0 && moment.some((value, i) => value < moments[step - 1]![i]!));
    expect(sinks(largest)).toBe(false);
    expect(sinks(falls)).toBe(true);
  });
});

describe('the moving average', () => {
  it('is the mean of all points, each weighing `decay` times the next one', () => {
    const decay = 0.8;
    const points = trajectory({ ...defaultAdamOptions, averageDecay: decay }, 12);
    for (const [last, { 'x average': average }] of points.entries()) {
      const weights = points.slice(0, last + 1).map((_, k) => decay ** (last - k));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const mean = Float64Array.from({ length: n }, (_, i) =>
        weights.reduce((total, weight, k) => total + (weight * points[k]!.x![i]!) / sum, 0),
      );
      const corrected = average!.map((value) => value * averageCorrection(last + 1, decay));
      expect(relativeError(corrected, mean), `step ${last + 1}`).toBeLessThan(1e-12);
    }
  });

  it('of a point that stands still is the point, from the first step on', () => {
    for (const [i, point] of trajectory({ ...defaultAdamOptions, averageDecay: 0.99 }, 3, 0).entries()) {
      const corrected = point['x average']!.map((value) => value * averageCorrection(i + 1, 0.99));
      expect(relativeError(corrected, oracle.start.data)).toBeLessThan(1e-12);
    }
  });
});

describe('scheduleFactor', () => {
  it('constant is 1 throughout', () => {
    for (const step of [1, 2, 99, 100]) expect(scheduleFactor('constant', step, 100)).toBe(1);
  });

  it('cosine begins with 1, is a half in the middle and ends near 0, falling all the way', () => {
    const factors = Array.from({ length: 100 }, (_, i) => scheduleFactor('cosine', i + 1, 100));
    expect(factors[0]).toBe(1);
    expect(factors[50]).toBeCloseTo(0.5, 12);
    expect(factors.at(-1)).toBeGreaterThan(0);
    expect(factors.at(-1)).toBeLessThan(0.001);
    for (let i = 1; i < factors.length; i++) expect(factors[i]).toBeLessThan(factors[i - 1]!);
    // What the first half is above a half, the second is below.
    for (let i = 1; i < 50; i++) expect(factors[i]! + factors[100 - i]!).toBeCloseTo(1, 12);
  });

  it('warms up in equal steps', () => {
    const rising = [1, 2, 3, 4].map((step) => scheduleFactor('constant', step, 100, 3));
    for (const [i, factor] of rising.entries()) expect(factor).toBeCloseTo((i + 1) / 4, 12);
    expect(scheduleFactor('cosine', 4, 100, 3)).toBe(1);
  });

  it('is in (0,1] at every step', () => {
    const shapes = fc.constantFrom<ScheduleShape>('constant', 'cosine');
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 2000 }), fc.nat(), fc.nat(), (shape, steps, at, warm) => {
        const factor = scheduleFactor(shape, 1 + (at % steps), steps, warm % steps);
        expect(factor).toBeGreaterThan(0);
        expect(factor).toBeLessThanOrEqual(1);
      }),
      { seed: 1905 },
    );
  });
});
