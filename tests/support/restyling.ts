import { createImage, type Image } from '#src/image/image.js';
import { createRuntime, type Runtime } from '#src/runtime/runtime.js';
import type { StylizeOptionsInput } from '#src/stylize/options.js';
import { type StylizeRequest, type StylizeResult, stylize } from '#src/stylize/stylize.js';
import { loadOracle } from '../oracle/oracle.js';
import { ort } from './ort.js';
import { random } from './random.js';
import { oracleWeights } from './tiny-vgg.js';

/** All of VGG-19's layers down to relu5_1, each with few channels. */
export const tinyWeights = oracleWeights(loadOracle().losses.networks.caffe);

/**
 * The CPU engine in this thread, with one thread. It computes what `loadEngine` does and leaves the garbage to V8: collecting that of a whole
 * test file, for each of hundreds of tiny models, takes longer than they do.
 */
export const openEngine = async (): Promise<Runtime> =>
  createRuntime(ort, { device: 'cpu', engine: 'onnxruntime-node, 1 thread', threads: 1 });

/** Waves of a colour, with some noise. */
export function scene(width: number, height: number, seed: number, colour: readonly number[] = [0.5, 0.5, 0.5]): Image {
  const noise = random(seed).uniform([3, height, width], -0.12, 0.12);
  const data = noise.map((value, i) => {
    const [x, y, channel] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
    return Math.min(1, Math.max(0, colour[channel]! + value + 0.2 * Math.sin((x * (1 + channel) + y * seed) / 7)));
  });
  return createImage(width, height, data);
}

/** What differs from one run of the tests to the next. */
export interface Restyling extends Partial<Omit<StylizeRequest, 'runtime' | 'styles'>> {
  readonly style?: Image;
  readonly styles?: StylizeRequest['styles'];
}

/** A short run on small pictures: L-BFGS, 6 steps at 64×48. */
export function restyle(
  runtime: Runtime,
  { style = scene(56, 60, 2), ...given }: Restyling = {},
): Promise<StylizeResult> {
  const options: StylizeOptionsInput = { size: 64, steps: 6, scales: 1, ...given.options };
  return stylize({
    content: scene(64, 48, 1),
    styles: [{ image: style, weight: 1 }],
    weights: tinyWeights,
    runtime,
    ...given,
    options,
  });
}
