import { grad } from '../graph/grad.js';
import { input, type Tensor } from '../graph/tensor.js';
import { winograd } from '../graph/winograd.js';
import type { Size } from '../image/size.js';
import { type LossGraph, type LossSettings, lossGraph } from '../losses/total.js';
import type { LossNetwork } from '../networks/vgg.js';
import { emitModel, type Model } from '../onnx/model.js';
import { adamScalars, adamStep, type OptimiserStep } from '../optim/adam.js';
import type { Device, Runtime, Session, Values } from '../runtime/runtime.js';
import type { StylizeOptions } from './options.js';

/** What an image is worth. */
export interface Losses {
  /** Σ weight · term. */
  readonly loss: number;
  /** Term → its value before it is weighted. */
  readonly terms: Readonly<Record<string, number>>;
}

/** What can look at an image. */
interface Measure {
  /** @param image [3,H,W] in [0,1] */
  measure(image: Float32Array): Promise<Losses>;
  close(): Promise<void>;
}

/** What is minimised: all that an optimiser knows of losses, networks and sessions. */
export interface Objective extends Measure {
  /** @param image [3,H,W] in [0,1] @returns the gradient of the loss, too, of the image's shape */
  evaluate(image: Float32Array): Promise<Losses & { readonly gradient: Float32Array }>;
}

/**
 * An objective that takes Adam's step itself. The seam is wider than {@link Objective} because the step is part of the graph: the
 * image and its moments stay on the device, and the gradient never leaves it.
 */
export interface AdamObjective extends Measure {
  /** Names of what `read` gives and `write` takes: the image and Adam's state. */
  readonly names: readonly string[];
  /** @param step counted from 1 @returns the losses of the image before the step */
  step(step: number, learningRate: number): Promise<Losses>;
  read(): Promise<Values>;
  write(values: Values): Promise<void>;
}

/** Where an objective comes from: one network, the settings of the losses, and targets from `measureTargets` at the same size. */
export interface ObjectiveSource {
  readonly runtime: Runtime;
  readonly network: LossNetwork;
  readonly settings: LossSettings;
  readonly options: StylizeOptions;
  readonly size: Size;
  readonly targets: Values;
}

/** Pixels stay in [0,1] as part of the optimisation: a picture that is only clipped at the end is another picture. */
export const BOUNDS = [0, 1] as const;

/** The step graph: losses, gradient and, for Adam, the step itself. Also what the memory is predicted from. */
export function stepGraph(
  network: LossNetwork,
  settings: LossSettings,
  options: StylizeOptions,
  { width, height }: Size,
): { losses: LossGraph; adam?: OptimiserStep; outputs: Record<string, Tensor> } {
  const image = input('image', [1, 3, height, width]);
  const losses = lossGraph(network, image, settings);
  const [gradient] = grad(losses.total, [image]) as [Tensor];
  const outputs = lossOutputs(losses);
  if (options.optimiser === 'lbfgs') return { losses, outputs: { ...outputs, gradient } };
  const adam = adamStep(image, gradient, { ...options, bounds: BOUNDS });
  return { losses, adam, outputs: { ...outputs, ...adam.outputs } };
}

/** The step as an ONNX model. Graphics cards have convolutions of their own that are fast. */
export const stepModel = (outputs: Readonly<Record<string, Tensor>>, device: Device): Model =>
  emitModel(device === 'cpu' ? winograd(outputs) : outputs);

/** The total and the terms, as outputs of a graph. */
export function lossOutputs({ total, terms }: LossGraph): Record<string, Tensor> {
  return { total, ...Object.fromEntries(terms.map(({ name, value }) => [name, value])) };
}

/** What a run of {@link lossOutputs} found. */
export function readLosses(losses: LossGraph, values: Values): Losses {
  const terms = Object.fromEntries(losses.terms.map(({ name }) => [name, values[name]![0]!]));
  return { loss: values.total![0]!, terms };
}

/** The objective that one session evaluates, the whole image at once. */
export async function sessionObjective(source: ObjectiveSource): Promise<Objective> {
  const { losses, session } = await openStep({ ...source, options: { ...source.options, optimiser: 'lbfgs' } });
  const reported = Object.keys(lossOutputs(losses));
  return {
    async evaluate(image) {
      const values = await session.run({ image }, [...reported, 'gradient']);
      return { ...readLosses(losses, values), gradient: values.gradient! };
    },
    measure: async (image) => readLosses(losses, await session.run({ image }, reported)),
    close: () => session.close(),
  };
}

/** The same with Adam's step in the session. Its state has to be written before the first step. */
export async function adamObjective(source: ObjectiveSource): Promise<AdamObjective> {
  const options = { ...source.options, optimiser: 'adam' as const };
  const { losses, adam, session } = await openStep({ ...source, options });
  const { carry, state } = adam!;
  const reported = Object.keys(lossOutputs(losses));
  const names = ['image', ...state];
  return {
    names,
    async step(step, learningRate) {
      return readLosses(losses, await session.run(adamScalars(step, learningRate, options), reported, carry));
    },
    async measure(image) {
      // The scalars are inputs of the graph; without `carry` nothing moves.
      return readLosses(losses, await session.run({ image, ...adamScalars(1, 0, options) }, reported));
    },
    read: () => session.read(names),
    write: (values) => session.write(values),
    close: () => session.close(),
  };
}

async function openStep({ runtime, network, settings, options, size, targets }: ObjectiveSource) {
  const graph = stepGraph(network, settings, options, size);
  const session: Session = await runtime.open(stepModel(graph.outputs, runtime.device));
  try {
    await session.write(targets);
    return { ...graph, session };
  } catch (error) {
    await session.close();
    throw error;
  }
}
