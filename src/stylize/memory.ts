import { FauveError } from '../errors.js';
import { memoryNeed } from '../graph/memory.js';
import { input } from '../graph/tensor.js';
import { winograd } from '../graph/winograd.js';
import { largestFit } from '../image/largest-fit.js';
import type { Size } from '../image/size.js';
import { longerSide, shapeOf, shorterSide, sizeText } from '../image/size.js';
import { styleTargets } from '../losses/total.js';
import type { LossNetwork } from '../networks/vgg.js';
import { stepGraph } from './objective.js';
import { lossSettings, type StylizeOptions } from './options.js';
import { paintings, styleSize, usedLayers, type WeightedStyle } from './targets.js';

// Fitted to the peak of resident memory at 64² … 1024² (docs/experiments/step-cost.md).
const MEGABYTE = 2 ** 20;
/** While a session is made the weights exist many times: our arrays, the model's bytes, and the engine's copies in its layouts. */
const MAKING = { fixed: 230 * MEGABYTE, perConstant: 5 };
const RUNNING = { fixed: 300 * MEGABYTE, perConstant: 2.6, perActivation: 1.2 };
/** Images that the host holds beside L-BFGS's pairs, many of them garbage that is not collected yet; Adam's moments are such too. */
const HOST_IMAGES = { lbfgs: 46, adam: 60 };

/**
 * Bytes that a run at this size takes at most, from the shapes of its graphs: the step graph at the full size, or the
 * largest style image through the loss network, whichever is more.
 */
export function predictMemory(
  network: LossNetwork,
  options: StylizeOptions,
  size: Size,
  styles: readonly Size[],
): number {
  const settings = lossSettings(options);
  const step = memoryNeed(
    Object.values(winograd(stepGraph(network, settings, options, size).outputs, { shapesOnly: true })),
  );
  const references = styles.map((style) => {
    const { width, height } = styleSize(style, size, options.styleScale);
    return memoryNeed(Object.values(styleTargets(network, input('image', [1, 3, height, width]), settings)));
  });
  const activations = Math.max(step.activations, ...references.map((need) => need.activations));
  const images = HOST_IMAGES[options.optimiser] + (options.optimiser === 'lbfgs' ? 2 * options.history : 0);
  const host = images * 4 * 3 * size.width * size.height;
  const making = MAKING.fixed + MAKING.perConstant * step.constants;
  const running = RUNNING.fixed + RUNNING.perConstant * step.constants + RUNNING.perActivation * activations + host;
  return Math.round(Math.max(making, running));
}

/** Of a run that uses one network after the other: the one that needs most, beside the weights of all others. */
function predictRun(
  networks: readonly LossNetwork[],
  options: StylizeOptions,
  size: Size,
  styles: readonly Size[],
): number {
  const needs = networks.map((network) => predictMemory(network, options, size, styles));
  const weights = networks.map((network) => {
    const image = input('image', [1, 3, 64, 64]);
    return memoryNeed(Object.values(network.features(image, usedLayers(options)))).constants;
  });
  const all = weights.reduce((sum, bytes) => sum + bytes, 0);
  return Math.max(...needs.map((need, i) => need + 2 * (all - weights[i]!)));
}

/** What there is to predict from. A captured style takes no memory worth counting. */
type Pictures = readonly WeightedStyle[];

/**
 * Predicts the memory of a run.
 * @param networks that are used one after the other
 * @param content whose shape the size has, unless the option gives both sides
 * @param limit bytes; without it nothing is refused
 * @throws FauveError `system` that names the largest size that fits
 */
export function requireMemory(
  networks: readonly LossNetwork[],
  options: StylizeOptions,
  size: Size,
  content: Size,
  styles: Pictures,
  limit: number | undefined,
): number {
  const need = predictRun(networks, options, size, paintings(styles));
  if (limit === undefined || need <= limit) return need;
  const fitting = largestFitting(networks, options, shapeOf(size, content), longerSide(size), styles, limit);
  const largest = fitting && sizeText(fitting, content);
  const remedy = largest === undefined ? 'No size fits: close other programs.' : `The size ${largest} fits.`;
  throw new FauveError(
    { kind: 'memory', need, free: limit, largest },
    `${size.width}×${size.height} needs about ${megabytes(need)}; ${megabytes(limit)} are free. ${remedy}`,
  );
}

/**
 * Predicts the memory of measuring the losses of a picture, which only runs forward.
 * @throws FauveError `system` when it does not fit
 */
export function requireMemoryToMeasure(
  network: LossNetwork,
  options: StylizeOptions,
  picture: Size,
  styles: Pictures,
  limit: number | undefined,
): void {
  const sizes = [picture, ...paintings(styles).map((image) => styleSize(image, picture, options.styleScale))];
  const needs = sizes.map(({ width, height }) =>
    memoryNeed(Object.values(network.features(input('image', [1, 3, height, width]), usedLayers(options)))),
  );
  const activations = Math.max(...needs.map((need) => need.activations));
  const running = RUNNING.fixed + RUNNING.perConstant * needs[0]!.constants + RUNNING.perActivation * activations;
  if (limit === undefined || running <= limit) return;
  throw new FauveError(
    { kind: 'memory', need: running, free: limit },
    `Measuring ${picture.width}×${picture.height} needs about ${megabytes(running)}; ${megabytes(limit)} are free. Use a smaller picture.`,
  );
}

/** The largest size of the content's shape, not above its own, that fits. @throws FauveError `usage` without a limit */
export function largestSize(
  networks: readonly LossNetwork[],
  options: StylizeOptions,
  content: Size,
  styles: Pictures,
  limit: number | undefined,
): Size {
  if (limit === undefined) throw new FauveError('request', "size 'auto' needs a memoryLimit in bytes.");
  const fitting = largestFitting(networks, options, content, longerSide(content), styles, limit);
  if (fitting) return fitting;
  throw new FauveError(
    { kind: 'memory', need: predictRun(networks, options, content, paintings(styles)), free: limit },
    `${megabytes(limit)} of free memory are too little for any picture. Close other programs.`,
  );
}

/** @param longest side that is asked for */
function largestFitting(
  networks: readonly LossNetwork[],
  options: StylizeOptions,
  shape: Size,
  longest: number,
  styles: Pictures,
  limit: number,
): Size | undefined {
  const fits = (size: Size) => predictRun(networks, options, size, paintings(styles)) <= limit;
  const aspect = (size: Size) => longerSide(size) / shorterSide(size);
  // The shorter side has to hold the deepest layer, of the picture and of every style image beside it.
  const aspects = [aspect(shape), ...paintings(styles).map((image) => aspect(image) / options.styleScale)];
  const least = Math.ceil(32 * Math.max(...aspects));
  return largestFit(shape, longest, least, Math.max(1, longest / 256), fits);
}

const megabytes = (bytes: number) =>
  bytes < 10 * 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MB` : `${(bytes / 2 ** 30).toFixed(1)} GB`;
