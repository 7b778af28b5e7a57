import { luminanceImage } from '../image/colour.js';
import type { Image } from '../image/image.js';
import { noiseImage } from '../image/noise.js';
import { resizeImage, resizePlanes } from '../image/resize.js';
import type { Size } from '../image/size.js';
import type { Runtime } from '../runtime/runtime.js';
import { apply } from '../style-network/apply.js';
import type { StyleNetworkFile } from '../style-network/check.js';
import type { NamedStyle } from '../style-network/code.js';
import { openStyleNetwork } from '../style-network/open.js';
import type { StylizePlan } from './plan.js';

/** Where the picture starts: from a picture as the losses see it, from noise, or from what a trained network makes of the content. */
export type StartPlan =
  | { readonly kind: 'picture'; readonly image: Image }
  | { readonly kind: 'noise' }
  | {
      readonly kind: 'fast';
      readonly network: StyleNetworkFile;
      readonly styles: readonly NamedStyle[];
      readonly memoryLimit: number | undefined;
    };

/** The picture to start from, at any size. */
export type StartImage = (size: Size) => Image;

/** Makes ready what the plan starts from. @throws FauveError as `apply` */
export async function openStart(
  plan: StylizePlan,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<StartImage> {
  const { start, colours, options } = plan;
  if (start.kind === 'noise') {
    return ({ width, height }) => {
      const noise = noiseImage(width, height, options.seed);
      return colours.colourless ? luminanceImage(noise) : noise;
    };
  }
  const image = start.kind === 'picture' ? start.image : await fastPicture(plan, start, runtime, signal);
  const seen = start.kind === 'fast' && colours.grey ? luminanceImage(image) : image;
  return ({ width, height }) => resizeImage(seen, width, height);
}

/** What the trained network makes of the content. */
async function fastPicture(
  { photo, size }: StylizePlan,
  { network: file, styles, memoryLimit }: StartPlan & { readonly kind: 'fast' },
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<Image> {
  const network = await openStyleNetwork(runtime, file);
  try {
    const options = { size: `${size.width}x${size.height}` };
    return (await apply({ image: photo, network, styles, options, memoryLimit, signal })).image;
  } finally {
    await network.close();
  }
}

/**
 * The picture of the next scale: what was changed so far, enlarged, on top of the sharp picture that it started from.
 * @param start `undefined` where it started from noise, which has no detail worth keeping
 */
export function enlarge(image: Float32Array, from: Size, to: Size, start: StartImage | undefined): Float32Array {
  if (from.width === to.width && from.height === to.height) return image;
  const up = (planes: Float32Array) => resizePlanes(planes, 3, from.height, from.width, to.height, to.width);
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  if (!start) return up(image).map(clamp);
  const before = start(from).data;
  const change = up(image.map((value, i) => value - before[i]!));
  return start(to).data.map((value, i) => clamp(value + change[i]!));
}
