import { aMemoryLimit, checkRequest, objectWith, optional } from '../checks/checks.js';
import { requireSameRun } from '../checks/same-run.js';
import { FauveError } from '../errors.js';
import { luminanceImage } from '../image/colour.js';
import { checkImage, type Image } from '../image/image.js';
import type { Size } from '../image/size.js';
import { outputSize } from '../image/size.js';
import { type LossSettings, type LossTerm, lossTerms } from '../losses/total.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { type LossNetwork, vgg } from '../networks/vgg.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { checkStyleNetworkFile, type StyleNetworkFile } from '../style-network/check.js';
import { type NamedStyle, someNames } from '../style-network/code.js';
import type { Checkpoint } from './checkpoint.js';
import { type PreparedColours, prepareColours } from './colours.js';
import type { OnProgress } from './events.js';
import { fingerprintOf } from './fingerprint.js';
import { largestSize, requireMemory } from './memory.js';
import {
  lossSettings,
  resolveStylizeOptions,
  type StylizeOptions,
  type StylizeOptionsInput,
  stylizeOptionNames,
} from './options.js';
import { polishNetwork } from './polish.js';
import { aCheckpoint, runFields, someStyles, type WeightedStyleInput, weightedStyles } from './request.js';
import { type Scale, scaleSchedule } from './scales.js';
import type { StartPlan } from './start.js';
import { checkPictures, isLargeEnough } from './targets.js';

/** What to restyle, with what. */
export interface StylizeRequest {
  /** The photograph. Its alpha, when it has one, comes back with the result. */
  readonly content: Image;
  /** One painting or captured style, or several; weights are relative to their sum, and 1 where they are left out. */
  readonly styles: readonly WeightedStyleInput[];
  /** Starts from this picture instead of `options.init`. */
  readonly init?: Image | undefined;
  /** The trained network that `init: 'fast'` starts with, and which of its styles. */
  readonly fast?: { readonly network: StyleNetworkFile; readonly styles: readonly NamedStyle[] } | undefined;
  /** Of the loss network, from `loadNetworkWeights`. */
  readonly weights: NetworkWeights;
  /** Of the network that `options.polish` ends with: those of {@link polishNetworkName}. */
  readonly polishWeights?: NetworkWeights | undefined;
  readonly runtime: Runtime;
  readonly options?: StylizeOptionsInput | undefined;
  /** Bytes that the run may take. `size: 'auto'` needs it; otherwise, without it, nothing is checked. */
  readonly memoryLimit?: number | undefined;
  /** Goes on from here: `options` are then the checkpoint's. */
  readonly resume?: Checkpoint | undefined;
  /**
   * Ends the run after the step that is being computed, with {@link StylizeAborted}. Before the first step is done, nothing is
   * there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** One scale of a plan. */
export interface Stage {
  readonly index: number;
  readonly scale: Scale;
  /** The loss network that looks at it. */
  readonly network: LossNetwork;
}

/** All that is decided before any work: the run asks nothing else. Decisions are frozen; pictures are those of the request. */
export interface StylizePlan {
  /** Complete, with the size in pixels. */
  readonly options: StylizeOptions;
  readonly size: Size;
  readonly settings: LossSettings;
  readonly terms: readonly LossTerm[];
  /** From coarse to fine, and then those of `polish`. */
  readonly stages: readonly Stage[];
  /** What the user should know before it begins. */
  readonly notice: string | undefined;
  /** Bytes that the run is predicted to take at most. */
  readonly memory: number;
  /** What the run is made from, as one checksum. */
  readonly fingerprint: string;
  /** As it came: with its colours and its alpha. */
  readonly photo: Image;
  /** The pictures that the losses see. */
  readonly colours: PreparedColours;
  readonly start: StartPlan;
  readonly resume: Checkpoint | undefined;
}

/**
 * Decides everything about a run, and checks that it can be met.
 * @throws FauveError `usage`, `input` and `system` as `stylize`
 */
export async function planStylize(request: StylizeRequest): Promise<StylizePlan> {
  checkStylizeRequest(request);
  const { content: photo, weights, memoryLimit, resume } = request;
  const styles = weightedStyles(request.styles);
  const chosen = resume?.options ?? resolveStylizeOptions(request.options ?? {}, weights.name);
  const network = vgg(weights, chosen.pooling);
  requireFast(chosen, request);
  const terms = lossTerms(lossSettings(chosen));
  const polisher = polishNetwork(chosen, request.polishWeights, styles);
  const networks = polisher ? [network, polisher] : [network];
  const colours = prepareColours(photo, styles, chosen.colours);
  const { width, height } = sizeOf(chosen, networks, colours, memoryLimit);
  const size = { width, height };
  const options = structuredClone({ ...chosen, size: `${width}x${height}` });
  for (const each of networks) checkPictures(each, options, size, colours.content, colours.styles);
  const memory = requireMemory(networks, options, size, colours.content, colours.styles, memoryLimit);
  const fingerprint = await fingerprintOf(request, styles, polisher);
  requireSameRun(
    resume?.fingerprint,
    fingerprint,
    'The checkpoint is of other pictures, styles or weights. Use those that the run began with, or delete it and start again.',
  );

  const scales = scaleSchedule(size, options, (each) => isLargeEnough(network, options, each, colours.styles));
  const stages: Stage[] = scales.map((scale, index) => ({ index, scale, network }));
  if (polisher) {
    const scale = { ...size, steps: options.polish, network: polisher.name };
    stages.push({ index: stages.length, scale, network: polisher });
  }
  const settings: LossSettings = { ...lossSettings(options), grey: colours.colourless };
  for (const each of [options, settings, terms, size]) deepFreeze(each);
  for (const stage of stages) Object.freeze(stage.scale);
  return Object.freeze({
    options,
    size,
    settings,
    terms,
    stages: Object.freeze(stages.map((stage) => Object.freeze(stage))),
    notice: fewerScales(options, scales),
    memory,
    fingerprint,
    photo,
    colours,
    start: startOf(request, options, colours),
    resume,
  });
}

function requireFast({ init }: StylizeOptions, { init: picture, fast }: StylizeRequest): void {
  if (init !== 'fast' || picture || fast) return;
  throw new FauveError(
    'request',
    "init: 'fast' needs a trained network and its styles. Give fast: { network, styles }.",
  );
}

function sizeOf(
  options: StylizeOptions,
  networks: readonly LossNetwork[],
  { content, styles }: PreparedColours,
  memoryLimit: number | undefined,
): Size {
  if (options.size === 'auto') return largestSize(networks, options, content, styles, memoryLimit);
  return outputSize(content, options.size);
}

/** What to say where there are fewer sizes than the options want. */
function fewerScales({ scales: wanted }: StylizeOptions, scales: readonly Scale[]): string | undefined {
  if (wanted === 'auto' || scales.length === wanted) return undefined;
  const { width, height } = scales[0]!;
  return `Of ${wanted} sizes there are ${scales.length}: half of ${width}×${height} is too small for the layers.`;
}

function startOf(
  { init, fast, memoryLimit }: StylizeRequest,
  options: StylizeOptions,
  { content, grey }: PreparedColours,
): StartPlan {
  if (init) return { kind: 'picture', image: grey ? luminanceImage(init) : init };
  if (options.init === 'fast') return { kind: 'fast', ...fast!, memoryLimit };
  return options.init === 'noise' ? { kind: 'noise' } : { kind: 'picture', image: content };
}

/** Freezes plain data, all the way down. */
export function deepFreeze(value: object): void {
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) deepFreeze(each);
  Object.freeze(value);
}

function checkStylizeRequest(request: unknown): void {
  const fast = objectWith({ network: checkStyleNetworkFile, styles: someNames }, 'an object with network, styles');
  const fields = {
    content: checkImage,
    styles: someStyles,
    weights: checkWeights,
    runtime: checkRuntime,
    init: optional(checkImage),
    fast: optional(fast),
    polishWeights: optional(checkWeights),
    memoryLimit: aMemoryLimit,
    resume: aCheckpoint('decodeCheckpoint'),
    ...runFields,
  };
  checkRequest(request, 'stylize', fields, stylizeOptionNames);
}
