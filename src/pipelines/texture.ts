import { FauveError } from '../errors.js';
import { isGrey, luminanceImage, matchColours } from '../image/colour.js';
import { cropImage } from '../image/crop.js';
import { createImage, type Image } from '../image/image.js';
import { noiseImage } from '../image/noise.js';
import { resizeImage } from '../image/resize.js';
import type { NetworkWeights } from '../networks/network.js';
import type { Runtime } from '../runtime/runtime.js';
import { paletteImage } from '../styles/palette.js';
import type { Style } from '../styles/style-file.js';
import type { StylizeOptionsInput } from './options.js';
import type { OnProgress } from './progress.js';
import { type StylizeResult, stylize } from './stylize.js';

export interface TextureRequest {
  readonly style: Style;
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
  /** Side of the square in pixels; 256 by default. */
  readonly size?: number;
  /** Steps at the full size; {@link defaultTextureSteps} by default. */
  readonly steps?: number;
  /** Another seed gives another picture of the same style; 0 by default. */
  readonly seed?: number;
  /** Other options of `stylize`, such as `styleScale` or `tvWeight`. */
  readonly options?: StylizeOptionsInput;
  readonly memoryLimit?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

export const defaultTextureSteps = 120;

/** Pixels that are painted on each side beside the picture and cut off. */
const MARGIN = 16;

/**
 * Synthesises a picture from a style alone (Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks"): what the
 * style has of colours and strokes, with no content. It is `stylize` without a content loss, from soft patches in the colours of
 * the palette, from coarse to fine. A margin of 16 pixels is painted beside it and cut off; progress and loss are those of the whole.
 * @throws FauveError as `stylize`
 */
export async function texture(request: TextureRequest): Promise<StylizeResult> {
  const { style, weights, runtime, size = 256, steps = defaultTextureSteps, seed = 0, options = {} } = request;
  if (!(Number.isInteger(size) && size >= 32 && size <= 4096)) {
    throw new FauveError('usage', `The size of a texture is a whole number from 32 to 4096, received ${size}.`);
  }
  const { memoryLimit, signal, onProgress } = request;
  // The network pads with grey, which shows along the edges.
  const painted = size + 2 * MARGIN;
  const result = await stylize({
    content: patches(painted, seed, style.palette),
    styles: [{ style, weight: 1 }],
    weights,
    runtime,
    options: {
      coarseSteps: steps,
      ...options,
      contentWeight: 0,
      size: `${painted}x${painted}`,
      steps,
      seed,
    },
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  const image = cropImage(result.image, { left: MARGIN, top: MARGIN, width: size, height: size });
  return { ...result, image };
}

/** Widths of the patches: parts of the side, and how much of each. Fine noise would stay as speckle. */
const OCTAVES = [
  { cells: 3, weight: 1 },
  { cells: 6, weight: 0.7 },
  { cells: 12, weight: 0.5 },
  { cells: 24, weight: 0.3 },
] as const;

/** Soft patches with the mean and the covariance of the palette. */
function patches(size: number, seed: number, palette: readonly string[]): Image {
  const data = new Float32Array(3 * size * size);
  for (const [i, { cells, weight }] of OCTAVES.entries()) {
    const octave = resizeImage(noiseImage(cells, cells, seed * OCTAVES.length + i), size, size).data;
    for (let j = 0; j < data.length; j++) data[j]! += (weight * (octave[j]! - 0.5)) / 2;
  }
  const noise = createImage(
    size,
    size,
    data.map((value) => Math.min(1, Math.max(0, 0.5 + value))),
  );
  const colours = paletteImage(palette);
  return matchColours(noise, isGrey(colours) ? luminanceImage(colours) : colours);
}
