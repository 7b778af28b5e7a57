import { aText, aWeight, checkRequest, listOf, objectWith, optional } from '../../checks/checks.js';
import { requireSameRun } from '../../checks/same-run.js';
import { FauveError } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { checkImage, type Image } from '../../image/image.js';
import { checkWeights, type NetworkWeights } from '../../networks/network.js';
import { type LossNetwork, vgg } from '../../networks/vgg.js';
import { checkRuntime, type Runtime } from '../../runtime/runtime.js';
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
import { deepFreeze } from '../../stylize/plan.js';
import { aCheckpoint, aPicture, runFields, somePictures, weightedStyles } from '../../stylize/request.js';
import type { WeightedStyle } from '../../stylize/targets.js';
import type { PictureSource } from '../crops.js';
import type { TrainCheckpoint } from './checkpoint.js';
import type { TrainEvent } from './events.js';
import { requireStyleSizes } from './feeds.js';
import { fingerprintOf } from './fingerprint.js';
import { aboutOf } from './finish.js';
import { defaultTrainOptions, resolveTrainOptions, type TrainOptions, type TrainOptionsInput } from './options.js';
import { startWeights } from './start.js';
import { type TrainingStep, trainingStep } from './step.js';

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
  readonly options?: TrainOptionsInput | undefined;
  /** Starts from this network instead of random weights: its styles stay when only the new styles are trained. */
  readonly from?: StyleNetworkModel | undefined;
  /** Photos that are restyled now and then. */
  readonly tests?: readonly { readonly name: string; readonly image: Image }[];
  /** Goes on from here; `options` are then the checkpoint's. */
  readonly resume?: TrainCheckpoint | undefined;
  /**
   * Ends the run after the step that is being computed, with {@link TrainAborted}. When it fires before the first step begins,
   * nothing is there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (event: TrainEvent) => void | Promise<void>;
}

/** A style to learn, complete. */
export interface PlannedStyle extends ModelStyle {
  readonly style: WeightedStyle;
  readonly weight: number;
}

/** All that is decided before any work: the run asks nothing else. Decisions are frozen; pictures and weights are those of the request. */
export interface TrainingPlan {
  readonly options: TrainOptions;
  readonly styles: readonly PlannedStyle[];
  readonly photos: readonly PictureSource[];
  readonly tests: readonly { readonly name: string; readonly image: Image }[];
  /** Of the network that is made. */
  readonly name: string;
  readonly licence: string;
  readonly shape: StyleNetworkShape;
  readonly from: StyleNetworkModel | undefined;
  readonly lossNetwork: LossNetwork;
  /** All weights, in the order of the file. */
  readonly weightNames: readonly string[];
  /** What the run starts from: the weights that are trained, and those that are not. */
  readonly trained: ReadonlyMap<string, WeightTensor>;
  readonly frozen: ReadonlyMap<string, WeightTensor>;
  /** The step as a graph; its terms are the losses. */
  readonly step: TrainingStep;
  /** What the run is made from, as one checksum. */
  readonly fingerprint: string;
  readonly resume: TrainCheckpoint | undefined;
}

/**
 * Decides everything about a run, and checks that it can be met.
 * @throws FauveError `usage` and `input` as `train`
 */
export async function planTraining(request: TrainRequest): Promise<TrainingPlan> {
  checkTrainRequest(request);
  const { photos, weights, name, licence, from, tests = [], resume } = request;
  const styles = request.styles.map((each): PlannedStyle => {
    const { weight = 1 } = each;
    return Object.freeze({ ...each, weight, style: weightedStyles([each.style])[0]! });
  });
  const options = structuredClone(optionsFor(request));
  const lossNetwork = vgg(weights);
  const shape = shapeFor(request, options);
  const fingerprint = await fingerprintOf({ styles, photos, weights, from });
  requireSameRun(
    resume?.fingerprint,
    fingerprint,
    `The checkpoint is of a run with other pictures or another network: it has ${resume?.photos} photos and the styles ${resume?.styles.join(', ')}. Name the same ones, or delete it and start again.`,
  );
  requireStyleSizes(styles, lossNetwork, options);
  const names = styles.map(({ name }) => name);
  const start = [...startWeights(shape, options.seed, names, from)];
  const weightNames = Object.freeze(start.map(([name]) => name));
  const isTrained = (name: string) => options.train === 'all' || isStyleParameter(name);
  const trained = new Map(start.filter(([name]) => isTrained(name)));
  const frozen = new Map(start.filter(([name]) => !isTrained(name)));
  const step = trainingStep(lossNetwork, shape, trained, frozen, options);
  for (const each of [options, shape, step.terms]) deepFreeze(each);
  return Object.freeze({
    options,
    styles: Object.freeze(styles),
    photos,
    tests,
    name,
    licence,
    shape,
    from,
    lossNetwork,
    weightNames,
    trained,
    frozen,
    step,
    fingerprint,
    resume,
  });
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
function optionsFor({ options: changes = {}, from, resume }: TrainRequest): TrainOptions {
  if (resume) return resume.options;
  const options = resolveTrainOptions(changes);
  if (!from) return options;
  const { channels, blocks, kernels } = styleNetworkShapeOf(from.weights);
  const own = {
    channels: [...channels] as TrainOptions['channels'],
    blocks,
    kernels: [...kernels] as [number, number],
  };
  for (const name of ['channels', 'blocks', 'kernels'] as const) {
    if (changes[name] === undefined || JSON.stringify(changes[name]) === JSON.stringify(own[name])) continue;
    throw new FauveError(
      'request',
      `The option ${name}: ${from.name} has ${own[name]}, received ${changes[name]}. Leave it out: the network that is given decides.`,
    );
  }
  return { ...options, ...own };
}

function shapeFor({ styles, photos, from, name, licence }: TrainRequest, options: TrainOptions): StyleNetworkShape {
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
  const shape = { channels: [...channels], blocks, kernels: [...kernels], styles: styles.length } as StyleNetworkShape;
  const least = styleNetworkMinimumSize(shape);
  if (options.cropSize < least) {
    throw new FauveError(
      'request',
      `A network with ${blocks} blocks needs crops of at least ${least} pixels, received ${options.cropSize}. Use larger crops or fewer blocks.`,
    );
  }
  return shape;
}
