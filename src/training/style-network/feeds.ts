import { FauveError } from '../../errors.js';
import { createImage } from '../../image/image.js';
import type { Size } from '../../image/size.js';
import { longerSide, shorterSide, smallestSize } from '../../image/size.js';
import { type LossSettings, styleTarget } from '../../losses/total.js';
import type { LossNetwork } from '../../networks/vgg.js';
import { joined } from '../../optim/vectors.js';
import type { Runtime, Values } from '../../runtime/runtime.js';
import { styleNetworkMargins } from '../../style-network/shape.js';
import { defaultStylizeOptions, lossSettings } from '../../stylize/options.js';
import { measureTargets, styleSize } from '../../stylize/targets.js';
import { randomFor } from '../crops.js';
import type { TrainOptions } from './options.js';
import type { TrainingPhotos } from './photos.js';
import type { PlannedStyle, TrainingPlan } from './plan.js';
import { noiseInput, photosInput, photosShape, styleInput, styleWeightInput, targetInput } from './step.js';

/** The Gram matrices of all styles, a row for each. */
export async function targetsOf({ styles, lossNetwork, options }: TrainingPlan, runtime: Runtime): Promise<Values> {
  const settings: LossSettings = {
    ...lossSettings(defaultStylizeOptions),
    contentWeight: 0,
    styleWeight: 1,
    tvWeight: 0,
    styleLayers: options.styleLayers,
  };
  const size = styleSizeOf(options);
  const nothing = createImage(size, size, new Float32Array(3 * size * size));
  const layers = activeStyleLayers(options);
  if (layers.length === 0) return {};
  const rows: Values[] = [];
  for (const { style } of styles) {
    rows.push(await measureTargets(runtime, lossNetwork, settings, nothing, [{ ...style, weight: 1 }], 1));
  }
  return Object.fromEntries(
    layers.map((layer) => [targetInput(layer), joined(rows.map((row) => row[styleTarget(layer, 0)]!))]),
  );
}

const styleSizeOf = ({ styleSize, cropSize }: TrainOptions) => styleSize || cropSize;

/** @throws FauveError `input` for a painting that is too narrow to be looked at in the size of the options */
export function requireStyleSizes(styles: readonly PlannedStyle[], network: LossNetwork, options: TrainOptions): void {
  const layers = activeStyleLayers(options);
  if (layers.length === 0) return;
  const least = network.minimumSize(layers);
  for (const { name, style } of styles) {
    if ('image' in style) requireStyleSize(name, style.image, styleSizeOf(options), least);
  }
}

/** @throws FauveError `input` for a painting that is too narrow to be looked at in this size */
function requireStyleSize(name: string, painting: Size, size: number, least: number): void {
  const { width, height } = styleSize(painting, { width: size, height: size }, 1);
  if (Math.min(width, height) >= least) return;
  const enough = smallestSize(painting, (each) => shorterSide(each) >= least);
  throw new FauveError(
    'input',
    `The style ${name} is looked at as ${width}×${height}; its layers need at least ${least}×${least}. ${enough ? `Use a style size of ${longerSide(enough)} or more.` : 'Crop it to a less narrow shape.'}`,
  );
}

function activeStyleLayers({ styleWeight, styleLayers }: TrainOptions): string[] {
  const counted = Object.entries(styleLayers).filter(([, weight]) => weight > 0);
  return styleWeight > 0 ? counted.map(([layer]) => layer) : [];
}

/** What a step is fed: photos, and which style each of them gets, in turn. */
export async function feedsFor(
  { styles, options, shape }: TrainingPlan,
  photos: TrainingPhotos,
  step: number,
): Promise<Values> {
  const { batch, seed, stabilityWeight } = options;
  const slots = Array.from({ length: batch }, (_, i) => i);
  const around = styleNetworkMargins(shape);
  const crops = await Promise.all(
    slots.map((i) => photos.crop((attempt) => randomFor(seed, 21, step, i, attempt), around)),
  );
  const chosen = slots.map((i) => ((step - 1) * batch + i) % styles.length);
  const feeds: Record<string, Float32Array> = {
    [photosInput]: joined(crops),
  };
  if (activeStyleLayers(options).length > 0) {
    feeds[styleWeightInput] = Float32Array.from(chosen, (s) => styles[s]!.weight);
  }
  if (styles.length > 1) {
    const which = new Float32Array(batch * styles.length);
    for (const [i, s] of chosen.entries()) which[i * styles.length + s] = 1;
    feeds[styleInput] = which;
  }
  if (stabilityWeight > 0) {
    const random = randomFor(seed, 22, step);
    const strength = 0.1 * random();
    const noise = new Float32Array(photosShape(shape, options).reduce((product, dim) => product * dim, 1));
    for (let i = 0; i < noise.length; i++) noise[i] = strength * (2 * random() - 1);
    feeds[noiseInput] = noise;
  }
  return feeds;
}
