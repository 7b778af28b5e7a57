import type { Evaluate, Lbfgs, LbfgsStep } from '#src/optim/lbfgs.js';
import { innerProduct } from './numbers.js';

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
