import { aMemoryLimit, checkRequest, objectWith, optional, stopIfAborted } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { sha256Hex } from '../formats/sha256.js';
import { finishColours, luminanceImage } from '../image/colour.js';
import { checkImage, createImage, type Image } from '../image/image.js';
import { noiseImage } from '../image/noise.js';
import { quantise } from '../image/quantise.js';
import { resizeImage, resizePlanes } from '../image/resize.js';
import type { Size } from '../image/size.js';
import { outputSize } from '../image/size.js';
import { lossTerms } from '../losses/total.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { type LossNetwork, vgg } from '../networks/vgg.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { apply } from '../style-network/apply.js';
import { type NamedStyle, someNames } from '../style-network/code.js';
import { checkStyleNetworkFile, openStyleNetwork, type StyleNetworkFile } from '../style-network/open.js';
import { encodeStyle } from '../styles/style-file.js';
import type { Checkpoint, LossRecord, OptimiserState } from './checkpoint.js';
import { prepareColours } from './colours.js';
import type { OnProgress } from './events.js';
import { carryOver, type ImageOptimiser, openImageOptimiser } from './image-optimiser.js';
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
import { checkPictures, isLargeEnough, measureTargets, type WeightedStyle } from './targets.js';

/** What to restyle, with what. */
export interface StylizeRequest {
  /** The photograph. Its alpha, when it has one, comes back with the result. */
  readonly content: Image;
  /** One painting or captured style, or several; weights are relative to their sum, and 1 where they are left out. */
  readonly styles: readonly WeightedStyleInput[];
  /** Starts from this picture instead of `options.init`. */
  readonly init?: Image;
  /** The trained network that `init: 'fast'` starts with, and which of its styles. */
  readonly fast?: { readonly transformer: StyleNetworkFile; readonly styles: readonly NamedStyle[] };
  /** Of the loss network, from `loadNetworkWeights`. */
  readonly weights: NetworkWeights;
  /** Of the network that `options.polish` ends with: those of {@link polishNetworkName}. */
  readonly polishWeights?: NetworkWeights;
  readonly runtime: Runtime;
  readonly options?: StylizeOptionsInput;
  /** Bytes that the run may take. `size: 'auto'` needs it; otherwise, without it, nothing is checked. */
  readonly memoryLimit?: number;
  /** Goes on from here: `options` are then the checkpoint's. */
  readonly resume?: Checkpoint;
  /**
   * Ends the run after the step that is being computed, with {@link StylizeAborted}. Before the first step is done, nothing is
   * there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface StylizeResult {
  readonly image: Image;
  /**
   * Total loss of the picture with 8 bits a channel, before the colours are finished, as the last network that was used finds it.
   * Σ weight · term.
   */
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly history: readonly LossRecord[];
  readonly scales: readonly Scale[];
  /** Complete, with the size in pixels. */
  readonly options: StylizeOptions;
  readonly seconds: number;
  /** The finished run: whoever goes on from it gets this result, without another step. */
  readonly checkpoint: Checkpoint;
}

/** The signal fired after a step was done. Nothing is lost: the picture so far and the checkpoint to go on from are here. */
export class StylizeAborted extends FauveError {
  constructor(
    readonly image: Image,
    readonly checkpoint: Checkpoint,
    /** Steps that are done, over all scales. */
    readonly steps: number,
  ) {
    super('aborted', `Stopped after step ${steps}.`);
  }
}

/**
 * Restyles a picture by optimising its pixels against content, style and total-variation losses on the features of a loss network
 * (Gatys, Ecker & Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks"), from coarse to fine.
 * The same request gives the same picture on the same device.
 * @throws FauveError `usage` and `input` before the work starts, when the request cannot be met; `aborted` before the first step is
 *   done, and {@link StylizeAborted} after it
 */
export async function stylize(given: StylizeRequest): Promise<StylizeResult> {
  checkStylizeRequest(given);
  const request = { ...given, styles: weightedStyles(given.styles) };
  const { runtime, signal, onProgress = () => {}, resume } = request;
  const started = performance.now();
  const asked = resume?.options ?? resolveStylizeOptions(request.options ?? {}, request.weights.name);
  const network = vgg(request.weights, asked.pooling);
  if (asked.init === 'fast' && !request.init && !request.fast) {
    throw new FauveError(
      'usage',
      "init: 'fast' needs a trained network and its styles. Give fast: { transformer, styles }.",
    );
  }
  const terms = lossTerms(lossSettings(asked));
  const polisher = polishNetwork(asked, request.polishWeights, request.styles);
  const networks = polisher ? [network, polisher] : [network];
  const { content, styles, grey, colourless } = prepareColours(request.content, request.styles, asked.colours);
  const settings = colourless ? { ...lossSettings(asked), grey: true } : lossSettings(asked);
  const size =
    asked.size === 'auto'
      ? largestSize(networks, asked, content, styles, request.memoryLimit)
      : outputSize(content, asked.size);
  const options: StylizeOptions = { ...asked, size: `${size.width}x${size.height}` };
  for (const each of networks) checkPictures(each, options, size, content, styles);
  const memory = requireMemory(networks, options, size, content, styles, request.memoryLimit);
  const fingerprint = await fingerprintOf(request, polisher);
  if (resume && resume.fingerprint !== fingerprint) {
    throw new FauveError(
      'input',
      'The checkpoint is of other pictures, styles or weights. Use those that the run began with, or delete it and start again.',
    );
  }
  stopIfAborted(signal);

  const scales: Scale[] = scaleSchedule(size, options, (each) => isLargeEnough(network, options, each, styles));
  const notice = fewerScales(options, scales);
  if (polisher) scales.push({ ...size, steps: options.polish, network: polisher.name });
  const steps = scales.reduce((sum, scale) => sum + scale.steps, 0);
  const { device, engine } = runtime;
  await onProgress({ type: 'start', ...size, scales, steps, terms, engine, device, memory });
  if (notice !== undefined) await onProgress({ type: 'notice', message: notice });
  stopIfAborted(signal);

  const history: LossRecord[] = [...(resume?.history ?? [])];
  const elapsed = () => (resume?.seconds ?? 0) + (performance.now() - started) / 1000;
  const init = request.init ?? (options.init === 'fast' ? await fastPicture(request, size) : undefined);
  const startImage = ({ width, height }: Scale): Image => {
    if (init) return resizeImage(grey ? luminanceImage(init) : init, width, height);
    if (options.init !== 'noise') return resizeImage(content, width, height);
    const noise = noiseImage(width, height, options.seed);
    return colourless ? luminanceImage(noise) : noise;
  };

  const checkpointOf = (scale: number, scaleStep: number, state: OptimiserState): Checkpoint => ({
    ...{ options, fingerprint, ...size, scale, scaleStep },
    ...{ seconds: elapsed(), history: [...history], state },
  });
  const shown = ({ width, height }: Size, data: Float32Array) =>
    finishColours(createImage(width, height, data), request.content, options.colours, colourless);
  const before = history.length;
  const stopIfNothingDone = () => {
    if (history.length === before) stopIfAborted(signal);
  };
  let optimiser: ImageOptimiser | undefined;
  try {
    for (const [index, scale] of scales.entries()) {
      if (resume && index < resume.scale) continue;
      const resumed = resume?.scale === index ? resume : undefined;
      let start = resumed?.state ?? { arrays: { image: startImage(scale).data }, numbers: {} };
      const previous = scales[index - 1];
      if (optimiser && previous) {
        const image = enlarge(
          await optimiser.image(),
          previous,
          scale,
          options.init === 'noise' ? undefined : startImage,
        );
        start = carryOver(await optimiser.state(), previous, scale, image);
        await optimiser.close();
        optimiser = undefined;
      }
      const used = polisher && scale.network !== undefined ? polisher : network;
      const scaledContent = resizeImage(content, scale.width, scale.height);
      const targets = await measureTargets(
        runtime,
        used,
        settings,
        scaledContent,
        styles,
        options.styleScale,
        stopIfNothingDone,
      );
      const source = { runtime, network: used, settings, options, size: scale, targets };
      const current = await openImageOptimiser(source, start);
      optimiser = current;
      const finished = async () => shown(scale, await current.image());
      const checkpoint = async (scaleStep: number) => checkpointOf(index, scaleStep, await current.state());
      await onProgress({ type: 'scale', index, ...scale });
      for (let done = resumed?.scaleStep ?? 0; done < scale.steps; ) {
        stopIfNothingDone();
        if (signal?.aborted) throw new StylizeAborted(await finished(), await checkpoint(done), history.length);
        const { notice, done: converged, loss, terms } = await current.step();
        // A scale where nothing is left to do is done, also for those who go on from here.
        done = converged ? scale.steps : done + 1;
        const record = { step: history.length + 1, scale: index, loss, terms };
        history.push(record);
        if (notice) await onProgress({ type: 'notice', message: notice });
        await onProgress({
          type: 'step',
          ...record,
          seconds: elapsed(),
          image: finished,
          checkpoint: () => checkpoint(done),
        });
      }
    }
    if (!optimiser) throw new FauveError('input', 'The checkpoint is of a run with other scales.');
    const picture = createImage(size.width, size.height, await optimiser.image());
    const { loss, terms } = await optimiser.measure(quantise(picture).data);
    const image = shown(size, picture.data);
    // Nothing is left to optimise: without the optimiser's memory, which is many times the picture.
    const checkpoint = checkpointOf(scales.length - 1, scales.at(-1)!.steps, {
      arrays: { image: picture.data },
      numbers: {},
    });
    return { image, loss, terms, history, scales, options, seconds: elapsed(), checkpoint };
  } finally {
    await optimiser?.close();
  }
}

/** A request whose styles are complete. */
type CheckedRequest = Omit<StylizeRequest, 'styles'> & { readonly styles: readonly WeightedStyle[] };

/** What to say where there are fewer sizes than were asked for. */
function fewerScales({ scales: wanted }: StylizeOptions, scales: readonly Scale[]): string | undefined {
  if (wanted === 'auto' || scales.length === wanted) return undefined;
  const { width, height } = scales[0]!;
  return `Of ${wanted} sizes there are ${scales.length}: half of ${width}×${height} is too small for the layers.`;
}

/** What the trained network makes of the content. @throws FauveError as `apply` */
async function fastPicture(
  { content, fast, runtime, memoryLimit, signal }: StylizeRequest,
  size: Size,
): Promise<Image> {
  const transformer = await openStyleNetwork(runtime, fast!.transformer);
  try {
    const options = { size: `${size.width}x${size.height}` };
    const limit = memoryLimit === undefined ? {} : { memoryLimit };
    const request = { image: content, transformer, styles: fast!.styles, options, ...limit };
    return (await apply(signal ? { ...request, signal } : request)).image;
  } finally {
    await transformer.close();
  }
}

/** The picture of the next scale: what was changed so far, enlarged, on top of the sharp picture that it started from. */
function enlarge(
  image: Float32Array,
  from: Scale,
  to: Scale,
  start: ((scale: Scale) => Image) | undefined,
): Float32Array {
  if (from.width === to.width && from.height === to.height) return image;
  const up = (planes: Float32Array) => resizePlanes(planes, 3, from.height, from.width, to.height, to.width);
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  // Noise has no detail worth keeping.
  if (!start) return up(image).map(clamp);
  const before = start(from).data;
  const change = up(image.map((value, i) => value - before[i]!));
  return start(to).data.map((value, i) => clamp(value + change[i]!));
}

/** What the run is made from, as one checksum. */
async function fingerprintOf(
  { content, styles, init, fast, weights }: CheckedRequest,
  polisher: LossNetwork | undefined,
): Promise<string> {
  const parts = [weights.sha256, ...(polisher ? [`polish:${polisher.sha256}`] : [])];
  const addImage = async ({ width, height, data, alpha }: Image, weight: number) => {
    for (const plane of alpha ? [data, alpha] : [data]) {
      parts.push(await sha256Hex(new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength)));
    }
    parts.push(`${width}x${height}:${weight}`);
  };
  await addImage(content, 1);
  for (const style of styles) {
    if ('image' in style) await addImage(style.image, style.weight);
    else parts.push(await sha256Hex(encodeStyle(style.style)), `style:${style.weight}`);
  }
  if (init) await addImage(init, 1);
  else if (fast) {
    const shares = fast.styles.map(({ name, weight = 1 }) => `${name}:${weight}`);
    parts.push(`fast:${await sha256Hex(fast.transformer.bytes)}`, ...shares);
  }
  return sha256Hex(new TextEncoder().encode(parts.join(' ')));
}

function checkStylizeRequest(request: unknown): void {
  const fast = objectWith(
    { transformer: checkStyleNetworkFile, styles: someNames },
    'an object with transformer, styles',
  );
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
