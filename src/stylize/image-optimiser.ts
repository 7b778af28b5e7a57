import { FauveError } from '../errors.js';
import { grad } from '../graph/grad.js';
import { input, type Tensor } from '../graph/tensor.js';
import { winograd } from '../graph/winograd.js';
import { resizePlanes } from '../image/resize.js';
import { type LossGraph, type LossSettings, lossGraph } from '../losses/total.js';
import type { LossNetwork } from '../networks/vgg.js';
import { emitModel, type Model } from '../onnx/model.js';
import { adamScalars, adamStep, averageCorrection } from '../optim/adam.js';
import { Lbfgs } from '../optim/lbfgs.js';
import { plainMetric } from '../optim/metric.js';
import { type LearntCurvature, PyramidPreconditioner } from '../optim/preconditioner.js';
import { scheduleFactor } from '../optim/schedule.js';
import type { Device, Runtime, Session, Values } from '../runtime/runtime.js';
import type { OptimiserState } from './checkpoint.js';
import type { StylizeOptions } from './options.js';
import type { Scale } from './scales.js';

/** What a step did to the loss. */
export interface StepReport {
  readonly loss: number;
  /** Term → its value before it is weighted. */
  readonly terms: Readonly<Record<string, number>>;
  readonly notice?: string;
  /** No further step would change anything. */
  readonly done?: boolean;
}

/** An image that is being optimised at one size. */
export interface ImageOptimiser {
  step(): Promise<StepReport>;
  /** [3,H,W] in [0,1], as good as it is now. */
  image(): Promise<Float32Array>;
  state(): Promise<OptimiserState>;
  /** Total loss and terms of another image against the same targets. */
  measure(image: Float32Array): Promise<Pick<StepReport, 'loss' | 'terms'>>;
  close(): Promise<void>;
}

/** Pixels stay in [0,1] as part of the optimisation: a picture that is only clipped at the end is another picture. */
const BOUNDS = [0, 1] as const;

/** The step graph: losses, gradient and, for Adam, the step itself. Also what the memory is predicted from. */
export function stepGraph(
  network: LossNetwork,
  settings: LossSettings,
  options: StylizeOptions,
  { width, height }: Pick<Scale, 'width' | 'height'>,
) {
  const image = input('image', [1, 3, height, width]);
  const losses = lossGraph(network, image, settings);
  const [gradient] = grad(losses.total, [image]) as [Tensor];
  const report = { total: losses.total, ...Object.fromEntries(losses.terms.map(({ name, value }) => [name, value])) };
  if (options.optimiser === 'lbfgs') return { losses, outputs: { ...report, gradient } };
  const adam = adamStep(image, gradient, { ...options, bounds: BOUNDS });
  return { losses, adam, outputs: { ...report, ...adam.outputs } };
}

/** The step as an ONNX model. Graphics cards have convolutions of their own that are fast. */
export const stepModel = (outputs: Readonly<Record<string, Tensor>>, device: Device): Model =>
  emitModel(device === 'cpu' ? winograd(outputs) : outputs);

/**
 * Prepares the optimisation of an image.
 * @param start the image to start from, [3,H,W] in [0,1], or the state to go on from
 * @param targets from `measureTargets`, at the same size
 */
export async function openImageOptimiser(
  runtime: Runtime,
  network: LossNetwork,
  settings: LossSettings,
  options: StylizeOptions,
  scale: Scale,
  targets: Values,
  start: Float32Array | OptimiserState,
): Promise<ImageOptimiser> {
  const graph = stepGraph(network, settings, options, scale);
  const session = await runtime.open(stepModel(graph.outputs, runtime.device));
  try {
    await session.write(targets);
    const state = start instanceof Float32Array ? { arrays: { image: start }, numbers: {} } : start;
    return graph.adam
      ? await adamOptimiser(session, graph.losses, graph.adam, options, scale, state)
      : lbfgsOptimiser(session, graph.losses, options, scale, state);
  } catch (error) {
    await session.close();
    throw error;
  }
}

function readReport(losses: LossGraph, values: Record<string, Float32Array>): Pick<StepReport, 'loss' | 'terms'> {
  const terms = Object.fromEntries(losses.terms.map(({ name }) => [name, values[name]![0]!]));
  return { loss: values.total![0]!, terms };
}

const reported = (losses: LossGraph): string[] => ['total', ...losses.terms.map(({ name }) => name)];

function lbfgsOptimiser(
  session: Session,
  losses: LossGraph,
  options: StylizeOptions,
  { width, height }: Scale,
  state: OptimiserState,
): ImageOptimiser {
  const { arrays } = state;
  const preconditioner =
    options.preconditioner === 'pyramid'
      ? new PyramidPreconditioner(height, width, undefined, learntCurvature(state))
      : undefined;
  const changes = numbered(arrays, 'y');
  const pairs = numbered(arrays, 's').map((s, i) => ({ s, y: changes[i]! }));
  const scales = numbered(state.numbers, 'scale');
  const lbfgs = new Lbfgs<StepReport['terms']>(
    arrays.image!,
    { history: options.history, bounds: BOUNDS, metric: preconditioner ?? plainMetric },
    pairs,
    scales,
  );
  const measure = async (image: Float32Array) => readReport(losses, await session.run({ image }, reported(losses)));
  return {
    async step() {
      const { loss, extra, outcome } = await lbfgs.step(async (image) => {
        const values = await session.run({ image }, [...reported(losses), 'gradient']);
        const { loss, terms } = readReport(losses, values);
        return { loss, gradient: values.gradient!, extra: terms };
      });
      const report = { loss, terms: extra };
      if (outcome === 'restarted')
        return {
          ...report,
          notice: 'L-BFGS found no lower loss: it forgot its memory and went on along the gradient.',
        };
      if (outcome === 'converged')
        return { ...report, done: true, notice: 'The loss cannot be lowered any further at this size.' };
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
    measure,
    close: () => session.close(),
  };
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

/** A total this many times the lowest one of the scale is no noise any more. */
const DIVERGED = 4;
/** Steps between two states that Adam can go back to. */
const SAFE_EVERY = 10;
const SMALLEST_FACTOR = 1e-4;

async function adamOptimiser(
  session: Session,
  losses: LossGraph,
  adam: NonNullable<ReturnType<typeof stepGraph>['adam']>,
  options: StylizeOptions,
  { width, height, steps }: Scale,
  start: OptimiserState,
): Promise<ImageOptimiser> {
  const names = ['image', ...adam.state];
  const zeros = new Float32Array(3 * height * width);
  const given = (prefix: string) =>
    Object.fromEntries(names.map((name) => [name, start.arrays[prefix + name] ?? zeros]));
  // `step` counts at this scale, for the schedule; `age` is what the moments saw at the scales before.
  let { step = 0, safeStep = 0, factor = 1, lowest = Number.POSITIVE_INFINITY } = start.numbers;
  const { age = 0 } = start.numbers;
  await session.write(given(''));
  let safe: Values = start.arrays['safe image'] ? given('safe ') : given('');
  const read = () => session.read(names);
  const measure = async (image: Float32Array) =>
    readReport(losses, await session.run({ image, ...adamScalars(1, 0, options) }, reported(losses)));

  return {
    async step() {
      const candidate = step % SAFE_EVERY === 0 ? await read() : undefined;
      const rate = options.learningRate * factor * scheduleFactor(options.schedule, step + 1, steps);
      const values = await session.run(adamScalars(age + step + 1, rate, options), reported(losses), adam.carry);
      const report = readReport(losses, values);
      // The loss is that of the image before this step.
      if (Number.isFinite(report.loss) && report.loss <= DIVERGED * lowest) {
        if (candidate) [safe, safeStep] = [candidate, step];
        lowest = Math.min(lowest, report.loss);
        step++;
        return report;
      }
      if (lowest === Number.POSITIVE_INFINITY) {
        throw new FauveError('input', 'The loss is not finite at the start. Check the pictures and the weights.');
      }
      await session.write(safe);
      [step, factor] = [safeStep, factor / 2];
      const risen = `The loss went from ${lowest.toPrecision(3)} to ${report.loss.toPrecision(3)}: back to the last good image`;
      if (factor < SMALLEST_FACTOR)
        return { ...report, loss: lowest, done: true, notice: `${risen}, and no smaller step helps.` };
      return { ...report, loss: lowest, notice: `${risen}, with half the learning rate.` };
    },
    async image() {
      const { image, 'image average': average } = await read();
      const current = average && step > 0 ? averaged(average, averageCorrection(step, options.averageDecay)) : image!;
      // No step has looked at this image yet: it is checked as the next step would.
      const { loss } = await measure(current);
      const good = Number.isFinite(loss) && current.every(Number.isFinite) && loss <= DIVERGED * lowest;
      return good ? current : safe.image!;
    },
    async state() {
      const kept = Object.fromEntries(Object.entries(safe).map(([name, data]) => [`safe ${name}`, data]));
      // Before the first step there is no lowest loss, and JSON has no infinity.
      const known = Number.isFinite(lowest) ? { lowest } : {};
      return { arrays: { ...(await read()), ...kept }, numbers: { step, safeStep, factor, age, ...known } };
    },
    measure,
    close: () => session.close(),
  };
}

function averaged(average: Float32Array, correction: number): Float32Array {
  return average.map((value) => Math.min(1, Math.max(0, value * correction)));
}

/**
 * The state to start the next scale with. Adam's moments go along: the gradient of a mean over pixels is as many times smaller as
 * there are more pixels. L-BFGS starts another size with an empty memory: resampled pairs made no difference in our measurements. At the same
 * size, where only the network is another, it keeps what it knows: the curvature is much the same.
 * @param image at the new size
 */
export function carryOver(
  { arrays, numbers }: OptimiserState,
  from: Scale,
  to: Scale,
  image: Float32Array,
): OptimiserState {
  const isSameSize = from.width === to.width && from.height === to.height;
  if (isSameSize && arrays['s 0']) return { arrays: { ...arrays, image }, numbers };
  const ratio = (from.width * from.height) / (to.width * to.height);
  const carried = Object.entries(arrays).flatMap(([name, data]) => {
    const power = name === 'image first moment' ? 1 : /^image (second|largest) moment$/.test(name) ? 2 : 0;
    if (power === 0) return [];
    const resized = resizePlanes(data, 3, from.height, from.width, to.height, to.width);
    // The filter overshoots: a squared moment is not negative.
    return [[name, resized.map((value) => (power === 1 ? value : Math.max(0, value)) * ratio ** power)] as const];
  });
  return {
    arrays: { image, ...Object.fromEntries(carried) },
    numbers: { age: (numbers.age ?? 0) + (numbers.step ?? 0) },
  };
}
