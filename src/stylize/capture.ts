import {
  aFunction,
  anObject,
  aSignal,
  aSize,
  checkRequest,
  isRecord,
  listOf,
  optional,
  refuse,
  stopIfAborted,
} from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { concat, reshape } from '../graph/ops.js';
import { input, type Tensor } from '../graph/tensor.js';
import { checkImage, type Image } from '../image/image.js';
import { fitLongerSide, resizeImage } from '../image/resize.js';
import { channelStatistics, gramMatrix } from '../losses/style.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { type LossNetwork, vgg } from '../networks/vgg.js';
import { emitModel } from '../onnx/model.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { compressSizes, type MeasuredLayer } from '../styles/compress.js';
import { paletteOf } from '../styles/palette.js';
import { checkAbout, type NetworkStyle, type Style, type StyleAbout } from '../styles/style-file.js';
import { defaultStylizeOptions } from './options.js';

/** At which sizes a painting is looked at: longer side in pixels. A picture of another size gets a mixture (docs/styles.md). */
export const captureSizes: readonly number[] = Object.freeze([256, 512, 1024]);

/** How much a painting is enlarged at most: what is looked at larger says nothing about its strokes. */
const MOST_ENLARGED = 2;

/** Bytes that a style takes for each network, at most. */
export const captureBytes = 64 * 1024;

/** How far a capture is: it has looked at the painting `done` times of `total`. */
export interface CaptureProgress {
  readonly network: string;
  /** Longer side in pixels. */
  readonly size: number;
  readonly done: number;
  readonly total: number;
}

export interface CaptureRequest {
  /** The painting; its alpha is not looked at. */
  readonly image: Image;
  /** What it is. The palette is taken from the picture. */
  readonly about: Omit<StyleAbout, 'palette'>;
  /** Loss networks that the style is for. */
  readonly networks: readonly NetworkWeights[];
  readonly runtime: Runtime;
  /** {@link captureSizes} by default, without those at which the painting would be enlarged more than twice. */
  readonly sizes?: readonly number[];
  /** For each network, or by its name; {@link captureBytes} by default. */
  readonly bytes?: number | Readonly<Record<string, number>>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: CaptureProgress) => void;
}

/**
 * Takes the style out of a painting: for each loss network, size and layer of the style loss a low-rank factor of the Gram matrix,
 * and the mean and standard deviation of each channel. The ranks are those that lose least within the bytes.
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { captureStyle } from 'fauve';
 * import { encodeStyle } from 'fauve/files';
 * import { loadNetworkWeights, readImage, startEngine } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const style = await captureStyle({
 *   image: await readImage('painting.jpg'),
 *   about: { name: 'mine', title: 'My painting', artist: '', year: null, source: '' },
 *   networks: [await loadNetworkWeights('distilled')],
 *   runtime,
 * });
 * await writeFile('mine.style', encodeStyle(style));
 * await runtime.close();
 * ```
 * @throws FauveError `usage` for words that cannot be kept, `input` for a picture that is too narrow, `aborted` when the signal fires before the end
 */
export async function captureStyle(request: CaptureRequest): Promise<Style> {
  checkCaptureRequest(request);
  const { image, runtime, bytes = captureBytes, signal, onProgress = () => {} } = request;
  const stop = () => stopIfAborted(signal, 'Stopped before the style was captured.');
  const sizes = [...(request.sizes ?? sizesFor(image))].sort((a, b) => a - b);
  const about = checkAbout({ ...request.about, palette: paletteOf(image) });
  const total = request.networks.length * sizes.length;
  let done = 0;
  const networks: NetworkStyle[] = [];
  for (const weights of request.networks) {
    const network = vgg(weights);
    const layers = Object.keys(defaultStylizeOptions.styleLayers).filter((layer) => network.layers.includes(layer));
    if (layers.length === 0) {
      throw new FauveError('input', `${network.name} has none of the layers of a style, relu1_1 to relu5_1.`);
    }
    const measured = [];
    for (const size of sizes) {
      stop();
      measured.push({ size, layers: await measure(runtime, network, image, size, layers) });
      onProgress({ network: network.name, size, done: ++done, total });
    }
    stop();
    const most = typeof bytes === 'number' ? bytes : (bytes[network.name] ?? captureBytes);
    networks.push({ network: network.name, sha256: network.sha256, sizes: compressSizes(measured, most) });
  }
  return { ...about, networks };
}

function checkCaptureRequest(request: unknown): void {
  checkRequest(request, 'captureStyle', {
    image: checkImage,
    about: anObject,
    networks: someNetworks,
    runtime: checkRuntime,
    sizes: optional(listOf(aSize, 'sizes')),
    bytes: optional(someBytes),
    signal: optional(aSignal),
    onProgress: optional(aFunction),
  });
}

function someBytes(value: unknown, name: string): void {
  for (const each of isRecord(value) ? Object.values(value) : [value]) aSize(each, name);
}

function someNetworks(value: unknown, name: string): void {
  listOf(checkWeights, 'weights', 'Write [weights].')(value, name);
  if ((value as readonly unknown[]).length === 0) refuse(name, 'the weights of at least one network', value);
}

function sizesFor({ width, height }: Image): readonly number[] {
  const sizes = captureSizes.filter((size) => size <= MOST_ENLARGED * Math.max(width, height));
  return sizes.length > 0 ? sizes : captureSizes.slice(0, 1);
}

/** What the loss network sees of the painting at a size, in full. */
async function measure(
  runtime: Runtime,
  network: LossNetwork,
  image: Image,
  size: number,
  layers: readonly string[],
): Promise<Record<string, MeasuredLayer>> {
  const { width, height } = fitLongerSide(image.width, image.height, size);
  const least = network.minimumSize(layers);
  if (Math.min(width, height) < least) {
    throw new FauveError(
      'input',
      `The painting is ${image.width}×${image.height}, at ${size} pixels ${width}×${height}; ${network.name} needs at least ${least}×${least}. Crop it to a less narrow shape.`,
    );
  }
  const features = network.features(input('image', [1, 3, height, width]), layers);
  const outputs: Record<string, Tensor> = {};
  for (const [layer, f] of Object.entries(features)) {
    const head = network.head(layer);
    outputs[`${layer} gram`] = gramMatrix(f, head);
    const rows = channelStatistics(f, head).map((values) => reshape(values, [1, ...values.shape]));
    outputs[`${layer} statistics`] = concat(rows, 0);
  }
  const session = await runtime.open(emitModel(outputs));
  try {
    const values = await session.run({ image: resizeImage(image, width, height).data }, Object.keys(outputs));
    return Object.fromEntries(
      layers.map((layer) => [layer, { gram: values[`${layer} gram`]!, statistics: values[`${layer} statistics`]! }]),
    );
  } finally {
    await session.close();
  }
}
