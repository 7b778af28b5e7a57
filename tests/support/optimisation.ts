import type { Evaluate, Lbfgs, LbfgsStep } from '#src/optim/lbfgs.js';
import { type Metric, plainMetric } from '#src/optim/metric.js';
import { ArrayPairs, type CurvaturePair, type Pairs } from '#src/optim/pairs.js';
import { dot } from '#src/optim/vectors.js';
import { WasmPairs } from '#src/optim/wasm/pairs.js';
import { innerProduct } from './numbers.js';

/** What L-BFGS may remember its pairs in, by name: memories for so many pairs of vectors of that length. */
export const memories: readonly (readonly [string, (length: number, capacity: number) => Pairs])[] = [
  ['arrays', (_, capacity) => new ArrayPairs(capacity)],
  ['WebAssembly', (length, capacity) => new WasmPairs(length, capacity)],
];

export function filled(memory: Pairs, pairs: readonly CurvaturePair[]): Pairs {
  for (const pair of pairs) memory.push(pair);
  return memory;
}

/** The metric of an operator that learns nothing. */
export const metricOf = (apply: Metric['apply']): Metric => ({
  ...plainMetric,
  apply,
  energy: (v) => dot(v, apply(v)),
});

/** An evaluation that is done at once, with nothing extra. */
export function evaluation(
  f: (x: Float32Array) => number,
  gradient: (x: Float32Array) => ArrayLike<number>,
): Evaluate<null> {
  return (x) => Promise.resolve({ loss: f(x), gradient: Float32Array.from(gradient(x)), extra: null });
}

/** ½ xᵀAx − bᵀx. */
export function quadratic(a: ArrayLike<number>, b: ArrayLike<number>): Evaluate<null> {
  const n = b.length;
  const product = (x: Float32Array) =>
    Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += a[i * n + j]! * x[j]!;
      return sum;
    });
  return evaluation(
    (x) => innerProduct(product(x), x) / 2 - innerProduct(b, x),
    (x) => product(x).map((value, i) => value - b[i]!),
  );
}

/** Steps until nothing lowers the loss, at most `most` of them. */
export async function minimise<T>(optimiser: Lbfgs<T>, evaluate: Evaluate<T>, most: number): Promise<LbfgsStep<T>[]> {
  const steps: LbfgsStep<T>[] = [];
  while (steps.length < most && steps.at(-1)?.outcome !== 'converged') steps.push(await optimiser.step(evaluate));
  return steps;
}
