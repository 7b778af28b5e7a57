import { Lbfgs } from '../optim/lbfgs.js';
import { plainMetric } from '../optim/metric.js';
import { type LearntCurvature, PyramidPreconditioner } from '../optim/preconditioner.js';
import type { OptimiserState } from './checkpoint.js';
import type { ImageOptimiser, StepReport } from './image-optimiser.js';
import { BOUNDS, type Losses, type Objective } from './objective.js';
import type { StylizeOptions } from './options.js';
import type { Scale } from './scales.js';

const NOTICES = {
  restarted: 'L-BFGS found no lower loss: it forgot its memory and went on along the gradient.',
  converged: 'The loss cannot be lowered any further at this size.',
} as const;

/** An image that L-BFGS optimises. @param state the image to start from, and what is remembered of the steps before */
export function lbfgsOptimiser(
  objective: Objective,
  options: StylizeOptions,
  { width, height }: Scale,
  state: OptimiserState,
): ImageOptimiser {
  const preconditioner =
    options.preconditioner === 'pyramid'
      ? new PyramidPreconditioner(height, width, undefined, learntCurvature(state))
      : undefined;
  const lbfgs = lbfgsFrom(state, options, preconditioner);
  return {
    async step(): Promise<StepReport> {
      const { loss, extra, outcome } = await lbfgs.step(async (image) => {
        const { loss, terms, gradient } = await objective.evaluate(image);
        return { loss, gradient, extra: terms };
      });
      const report = { loss, terms: extra };
      if (outcome === 'restarted') return { ...report, notice: NOTICES.restarted };
      if (outcome === 'converged') return { ...report, done: true, notice: NOTICES.converged };
      return report;
    },
    image: async () => lbfgs.x,
    async state() {
      const learnt = preconditioner?.learnt();
      const { pairs, scales } = lbfgs;
      const [moves, changes] = [pairs.map(({ s }) => s), pairs.map(({ y }) => y)];
      return {
        arrays: {
          image: lbfgs.x,
          ...number('s', moves),
          ...number('y', changes),
          ...number('curvature', learnt?.curvatures),
          ...number('movement', learnt?.movements),
        },
        numbers: { ...number('scale', scales), ...(learnt && { pairs: learnt.pairs }) },
      };
    },
    measure: (image) => objective.measure(image),
    close: () => objective.close(),
  };
}

function lbfgsFrom(
  { arrays, numbers }: OptimiserState,
  { history }: StylizeOptions,
  preconditioner: PyramidPreconditioner | undefined,
): Lbfgs<Losses['terms']> {
  const changes = numbered(arrays, 'y');
  const pairs = numbered(arrays, 's').map((s, i) => ({ s, y: changes[i]! }));
  return new Lbfgs(
    arrays.image!,
    { history, bounds: BOUNDS, metric: preconditioner ?? plainMetric },
    pairs,
    numbered(numbers, 'scale'),
  );
}

/** Values of one kind as a state holds them: `s 0`, `s 1`, … */
const number = <T>(kind: string, values: readonly T[] = []): Record<string, T> =>
  Object.fromEntries(values.map((value, i) => [`${kind} ${i}`, value]));

/** The values of a kind, as {@link number} named them. */
function numbered<T>(values: Readonly<Record<string, T>>, kind: string): T[] {
  const found: T[] = [];
  for (let value = values[`${kind} 0`]; value !== undefined; value = values[`${kind} ${found.length}`])
    found.push(value);
  return found;
}

/** What the preconditioner knew when the state was taken; nothing at the start of a scale. */
function learntCurvature({ arrays, numbers }: OptimiserState): LearntCurvature | undefined {
  if (numbers.pairs === undefined) return undefined;
  return { pairs: numbers.pairs, curvatures: numbered(arrays, 'curvature'), movements: numbered(arrays, 'movement') };
}
