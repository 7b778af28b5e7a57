import { aText, aWeight, checkRequest, listOf, objectWith, optional, stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { checkImage, type Image } from '../../image/image.js';
import { checkWeights, type NetworkWeights } from '../../networks/network.js';
import { vgg } from '../../networks/vgg.js';
import { emitModel } from '../../onnx/model.js';
import { averageCorrection } from '../../optim/adam.js';
import { scheduleFactor } from '../../optim/schedule.js';
import { joined } from '../../optim/vectors.js';
import { checkRuntime, type Runtime, type Session } from '../../runtime/runtime.js';
import {
  checkModel,
  checkStyleNetworkAbout,
  type ModelStyle,
  type StyleNetworkModel,
} from '../../style-network/file.js';
import {
  isStyleParameter,
  type StyleNetworkShape,
  styleNetworkMinimumSize,
  styleNetworkShapeOf,
} from '../../style-network/shape.js';
import type { StyleInput } from '../../styles/style-file.js';
import { isGreyStyle } from '../../stylize/colours.js';
import { aCheckpoint, aPicture, runFields, somePictures, weightedStyles } from '../../stylize/request.js';
import type { WeightedStyle } from '../../stylize/targets.js';
import type { PictureSource } from '../crops.js';
import type { TrainCheckpoint, TrainMoment, TrainRecord } from './checkpoint.js';
import { feedsFor, targetsOf } from './feeds.js';
import { fingerprintOf } from './fingerprint.js';
import { defaultTrainOptions, resolveTrainOptions, type TrainOptions, type TrainOptionsInput } from './options.js';
import { type SkippedPhoto, trainingPhotos } from './photos.js';
import { rangesOnPhotos } from './ranges.js';
import { startWeights } from './start.js';
import { trainingStep } from './step.js';
import { openTester, type TrainTest } from './tester.js';

/** A style to learn. */
export interface TrainStyle extends ModelStyle {
  readonly style: { readonly image: Image } | { readonly style: StyleInput };
  /** Factor of its style loss: stronger than the others, or weaker; 1 by default. */
  readonly weight?: number | undefined;
}

export interface TrainRequest {
  readonly styles: readonly TrainStyle[];
  readonly photos: readonly PictureSource[];
  /** Of the loss network. */
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
  /** Name and licence of the network that is made. */
  readonly name: string;
  readonly licence: string;
  readonly options?: TrainOptionsInput;
  /** Starts from this network instead of random weights: its styles stay when only the new styles are trained. */
  readonly from?: StyleNetworkModel;
  /** Photos that are restyled now and then. */
  readonly tests?: readonly { readonly name: string; readonly image: Image }[];
  /** Goes on from here; `options` are then the checkpoint's. */
  readonly resume?: TrainCheckpoint;
  /**
   * Ends the run after the step that is being computed, with {@link TrainAborted}. When it fires before the first step begins,
   * nothing is there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: TrainEvent) => void | Promise<void>;
}

/** A request whose styles are complete. */
export interface TrainRun extends Omit<TrainRequest, 'styles'> {
  readonly styles: readonly (ModelStyle & { readonly style: WeightedStyle; readonly weight: number })[];
}

/** What happens during a run. */
export type TrainEvent =
  | {
      readonly type: 'start';
      readonly options: TrainOptions;
      /** Weights that are trained. */
      readonly trained: number;
      readonly terms: readonly { readonly name: string; readonly weight: number }[];
      readonly engine: string;
    }
  | (SkippedPhoto & { readonly type: 'skipped' })
  | (TrainRecord & { readonly type: 'step'; readonly checkpoint: () => Promise<TrainCheckpoint> })
  | (TrainTest & { readonly type: 'test' })
  /** The loss was no number, or many times what it had been: back to an earlier step, at half the rate. */
  | { readonly type: 'rollback'; readonly step: number; readonly to: number; readonly loss: number };

export interface TrainResult {
  readonly model: StyleNetworkModel;
  readonly options: TrainOptions;
  readonly history: readonly TrainRecord[];
  readonly terms: readonly { readonly name: string; readonly weight: number }[];
  readonly seconds: number;
}

/** The signal fired after a step was done; nothing is lost. */
export class TrainAborted extends FauveError {
  constructor(readonly checkpoint: TrainCheckpoint) {
    super('aborted', `Stopped after iteration ${checkpoint.step} of ${checkpoint.options.iterations}.`);
  }
}

/** Steps between two moments that a diverging run goes back to. */
const KEEP_EVERY = 100;
/** Steps over which the loss is smoothed, and how many times that it may be before it counts as divergence. */
const SMOOTHING = 50;
const DIVERGED = 5;
/** Steps in a row that are this high: a single hard photo, an even sky for instance, is not the network's fault. */
const PATIENCE = 4;
const MOST_ROLLBACKS = 8;
const WARM_UP = 20;

/**
 * Trains a style network (Johnson, Alahi & Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer"), for one style or
 * for several (Dumoulin et al. 2017, "A Learned Representation for Artistic Style"). The same request gives the same network on the
 * same device, also when it was interrupted and resumed.
 * @throws FauveError `usage` and `input` before the work starts; `aborted` when the signal fires before the first step,
 *   {@link TrainAborted} when it fires later
 */
export async function train(given: TrainRequest): Promise<TrainResult> {
  checkTrainRequest(given);
  const request = completed(given);
  const { runtime, signal, onProgress = () => {}, resume, styles } = request;
  const options = optionsFor(request);
  const network = vgg(request.weights);
  const shape = shapeFor(request, options);
  const fingerprint = await fingerprintOf(request);
  requireSameRun(request, fingerprint);
  stopIfAborted(signal);
  const start = startWeights(
    shape,
    options.seed,
    styles.map(({ name }) => name),
    request.from,
  );
  const trained = new Map([...start].filter(([name]) => options.train === 'all' || isStyleParameter(name)));
  const frozen = new Map([...start].filter(([name]) => !trained.has(name)));
  const targets = await targetsOf(request, network, options);
  stopIfAborted(signal);
  const skipped: SkippedPhoto[] = [];
  const photos = trainingPhotos(request.photos, options.cropSize, (photo) => skipped.push(photo));
  const tellSkipped = async () => {
    for (const photo of skipped.splice(0)) await onProgress({ type: 'skipped', ...photo });
  };
  const startedAt = performance.now();
  const elapsed = () => (resume?.seconds ?? 0) + (performance.now() - startedAt) / 1000;

  const graph = trainingStep(network, shape, trained, frozen, options);
  const session = await runtime.open(emitModel(graph.outputs));
  const tester = openTester(runtime, shape, styles, request.tests ?? [], options);
  try {
    await session.write(targets);
    const count = [...trained.values()].reduce((sum, { data }) => sum + data.length, 0);
    await onProgress({ type: 'start', options, trained: count, terms: graph.terms, engine: runtime.engine });
    const begin: TrainMoment = resume ?? {
      step: 0,
      rateFactor: 1,
      state: Object.fromEntries([
        ...graph.state.map((name) => [name, new Float32Array(sizeOf(session, name))] as const),
        ...[...trained].map(([name, { data }]) => [name, data] as const),
      ]),
    };
    await session.write(begin.state);
    let { step, rateFactor } = begin;
    let lastGood: TrainMoment = resume?.lastGood ?? begin;
    const history: TrainRecord[] = [...(resume?.history ?? [])];
    const moment = async (): Promise<TrainMoment> => ({
      step,
      rateFactor,
      state: copied(await session.read([...graph.names, ...graph.state])),
    });
    const checkpoint = async (): Promise<TrainCheckpoint> => ({
      ...(await moment()),
      options,
      network: network.sha256,
      styles: styles.map(({ name }) => name),
      photos: request.photos.length,
      fingerprint,
      seconds: elapsed(),
      history: [...history],
      lastGood,
    });
    /** The weights that a run which ended now would keep. */
    const weightsNow = async (): Promise<Map<string, WeightTensor>> => {
      const averaged = options.averageDecay > 0 && step > 0;
      const values = await session.read(graph.names.map((name) => (averaged ? `${name} average` : name)));
      const factor = averaged ? averageCorrection(step, options.averageDecay) : 1;
      const now = new Map(frozen);
      for (const name of graph.names) {
        const data = values[averaged ? `${name} average` : name]!.map((value) => value * factor);
        now.set(name, { shape: trained.get(name)!.shape, data });
      }
      return new Map([...start.keys()].map((name) => [name, now.get(name)!]));
    };

    const prepare = (step: number) => {
      const feeds = feedsFor(request, options, shape, photos, step);
      // Whoever waits for them is told; nobody does after the last step.
      feeds.catch(() => undefined);
      return feeds;
    };
    const before = step;
    stopIfAborted(signal);
    let next = prepare(step + 1);
    while (step < options.iterations) {
      if (step === before) stopIfAborted(signal);
      if (signal?.aborted) throw new TrainAborted(await checkpoint());
      const feeds = await next;
      await tellSkipped();
      const rate =
        options.learningRate * rateFactor * scheduleFactor(options.schedule, step + 1, options.iterations, WARM_UP);
      const names = ['total', 'gradient norm', ...graph.terms.map(({ name }) => name)];
      const running = session.run({ ...feeds, ...graph.scalars(step + 1, rate) }, names, graph.carry);
      // The next photos are decoded while the engine works.
      next = prepare(step + 2);
      const values = await running;
      step++;
      const total = values.total![0]!;
      // A gradient that is no number leaves none in the weights, before the loss shows it.
      if (diverged(total, history) || !Number.isFinite(values['gradient norm']![0]!)) {
        await onProgress({ type: 'rollback', step, to: lastGood.step, loss: total });
        if (rateFactor <= 2 ** -MOST_ROLLBACKS) {
          throw new FauveError(
            'input',
            `The loss became ${total} at iteration ${step}, again after ${MOST_ROLLBACKS} attempts at lower rates. Start again with a lower learning rate.`,
          );
        }
        await session.write(copied(lastGood.state));
        step = lastGood.step;
        rateFactor /= 2;
        history.splice(history.findLastIndex((record) => record.step <= step) + 1);
        next = prepare(step + 1);
        continue;
      }
      const terms = Object.fromEntries(graph.terms.map(({ name }) => [name, values[name]![0]!]));
      const record = { step, total, terms, rate, seconds: elapsed() };
      history.push(record);
      // Not in the middle of a rise, of which it will be known in a few steps what it is.
      if (step >= lastGood.step + KEEP_EVERY && total < 2 * mean(history.slice(-SMOOTHING))) lastGood = await moment();
      if (options.testEvery > 0 && (step % options.testEvery === 0 || step === options.iterations)) {
        await onProgress({ type: 'test', ...(await tester(step, await weightsNow())) });
      }
      await onProgress({ type: 'step', ...record, checkpoint });
    }
    const made = finished(request, options, shape, await weightsNow(), history);
    const ranges = await rangesOnPhotos(runtime, made.weights, photos, options.seed);
    const model = ranges ? { ...made, ranges } : made;
    return { model, options, history, terms: graph.terms, seconds: elapsed() };
  } finally {
    await session.close();
  }
}

/** Its styles with all that may be left out. */
function completed(request: TrainRequest): TrainRun {
  const styles = request.styles.map((each) => {
    const { weight = 1 } = each;
    return { ...each, weight, style: weightedStyles([each.style])[0]! };
  });
  return { ...request, styles };
}

function checkTrainRequest(request: unknown): void {
  const aStyle = objectWith(
    { name: aText, style: aPicture, weight: optional(aWeight) },
    'an object with name, style, weight',
  );
  const aTest = objectWith({ name: aText, image: checkImage }, 'an object with name, image');
  const fields = {
    styles: listOf(aStyle, 'styles'),
    photos: somePictures,
    weights: checkWeights,
    runtime: checkRuntime,
    name: aText,
    licence: aText,
    from: optional(checkModel),
    tests: optional(listOf(aTest, 'test photos')),
    resume: aCheckpoint('decodeTrainCheckpoint'),
    ...runFields,
  };
  checkRequest(request, 'train', fields, Object.keys(defaultTrainOptions));
}

/** The options of the run; a network that it starts from brings its architecture along. */
function optionsFor({ options: given = {}, from, resume }: TrainRun): TrainOptions {
  if (resume) return resume.options;
  const options = resolveTrainOptions(given);
  if (!from) return options;
  const { channels, blocks, kernels } = styleNetworkShapeOf(from.weights);
  const own = {
    channels: [...channels] as TrainOptions['channels'],
    blocks,
    kernels: [...kernels] as [number, number],
  };
  for (const name of ['channels', 'blocks', 'kernels'] as const) {
    if (given[name] === undefined || JSON.stringify(given[name]) === JSON.stringify(own[name])) continue;
    throw new FauveError(
      'request',
      `The option ${name}: ${from.name} has ${own[name]}, received ${given[name]}. Leave it out: the network that is given decides.`,
    );
  }
  return { ...options, ...own };
}

function shapeFor({ styles, photos, from, name, licence }: TrainRun, options: TrainOptions): StyleNetworkShape {
  if (styles.length === 0) throw new FauveError('request', 'Training needs at least one style.');
  if (photos.length === 0) throw new FauveError('request', 'Training needs photos, received none.');
  // Hours of work must not end at words that are too long.
  checkStyleNetworkAbout({ name, licence, styles: styles.map(aboutOf), training: {} });
  const names = [...styles, ...(options.train === 'styles' && from ? from.styles : [])].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FauveError('request', `There are two styles called '${twice}'. Rename one of them.`);
  if (options.train === 'styles' && !from) {
    throw new FauveError(
      'request',
      "Only the styles can be trained of a network that is given. Name it, or use train 'all'.",
    );
  }
  const { channels, blocks, kernels } = from ? styleNetworkShapeOf(from.weights) : options;
  const shape = { channels, blocks, kernels, styles: styles.length };
  const least = styleNetworkMinimumSize(shape);
  if (options.cropSize < least) {
    throw new FauveError(
      'request',
      `A network with ${blocks} blocks needs crops of at least ${least} pixels, received ${options.cropSize}. Use larger crops or fewer blocks.`,
    );
  }
  return shape;
}

function requireSameRun({ resume }: TrainRun, fingerprint: string): void {
  if (!resume || resume.fingerprint === fingerprint) return;
  throw new FauveError(
    'input',
    `The checkpoint is of a run with other pictures or another network: it has ${resume.photos} photos and the styles ${resume.styles.join(', ')}. Name the same ones, or delete it and start again.`,
  );
}

/** @param history of the steps before */
function diverged(total: number, history: readonly TrainRecord[]): boolean {
  if (!Number.isFinite(total)) return true;
  if (history.length < SMOOTHING + PATIENCE - 1) return false;
  const usual = mean(history.slice(1 - SMOOTHING - PATIENCE, 1 - PATIENCE));
  const newest = history.slice(1 - PATIENCE).map((record) => record.total);
  return Math.min(total, ...newest) > DIVERGED * usual;
}

const mean = (records: readonly TrainRecord[]) => records.reduce((sum, { total }) => sum + total, 0) / records.length;

function finished(
  { styles, from, name, licence, weights: network, photos }: TrainRun,
  options: TrainOptions,
  shape: StyleNetworkShape,
  weights: ReadonlyMap<string, WeightTensor>,
  history: readonly TrainRecord[],
): StyleNetworkModel {
  const last = history.slice(-100);
  const losses = Object.fromEntries(
    Object.keys(last[0]?.terms ?? {}).map((term) => [
      term,
      last.reduce((sum, { terms }) => sum + terms[term]!, 0) / last.length,
    ]),
  );
  const learned = styles.map(aboutOf);
  const training = {
    ...options,
    lossNetwork: network.name,
    lossNetworkSha256: network.sha256,
    photos: photos.length,
    styleWeights: Object.fromEntries(styles.map(({ name, weight }) => [name, weight])),
    losses,
    ...(from ? { from: { name: from.name, training: from.training } } : {}),
  };
  if (!from || options.train === 'all') return { name, licence, styles: learned, training, weights };
  const all = new Map(
    [...from.weights].map(([key, known]) => {
      if (!isStyleParameter(key)) return [key, known] as const;
      const data = joined([known.data, weights.get(key)!.data]);
      return [key, { shape: [known.shape[0]! + shape.styles, known.shape[1]!], data }] as const;
    }),
  );
  return { name, licence, styles: [...from.styles, ...learned], training, weights: all };
}

const aboutOf = ({ name, title, artist, year, style }: TrainStyle): ModelStyle => ({
  ...{ name, title, artist, year },
  ...(isGreyStyle(style) ? { grey: true } : {}),
});

function copied(state: Readonly<Record<string, Float32Array>>): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(state).map(([name, data]) => [name, Float32Array.from(data)]));
}

function sizeOf({ model }: Session, name: string): number {
  return model.inputs[name]!.reduce((product, dim) => product * dim, 1);
}
