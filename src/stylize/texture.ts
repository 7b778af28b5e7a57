import { aMemoryLimit, aSize, checkRequest, optional, wholeFrom } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { isGrey, luminanceImage, matchColours } from '../image/colour.js';
import { cropImage } from '../image/crop.js';
import { createImage, type Image } from '../image/image.js';
import { noiseImage } from '../image/noise.js';
import { resizeImage } from '../image/resize.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { paletteImage } from '../styles/palette.js';
import { checkStyle, type StyleInput, styleOf } from '../styles/style-file.js';
import type { Checkpoint } from './checkpoint.js';
import type { OnProgress } from './events.js';
import { type StylizeOptionsInput, stylizeOptionNames } from './options.js';
import { planStylize, type StylizePlan } from './plan.js';
import { aCheckpoint, runFields } from './request.js';
import { type RunContext, runStylize, StylizeAborted, type StylizeResult } from './run.js';

export interface TextureRequest {
  readonly style: StyleInput;
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
  readonly memoryLimit?: number | undefined;
  /** Goes on from here, with the same style, size and seed: `steps` and `options` are then the checkpoint's. */
  readonly resume?: Checkpoint | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export const defaultTextureSteps = 120;

/** Pixels that are painted on each side beside the picture and cut off. */
const MARGIN = 16;

/**
 * Synthesises a picture from a style alone (Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks"): what the
 * style has of colours and strokes, with no content. It is `stylize` without a content loss, from soft patches in the colours of
 * the palette, from coarse to fine. A margin of 16 pixels is painted beside it and cut off; progress and loss are those of the whole.
 * @example
 * ```ts
 * import { texture } from 'fauve';
 * import { loadNetworkWeights, loadStyle, startEngine, writeImage } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const { style } = await loadStyle('starry-night');
 * const weights = await loadNetworkWeights('distilled');
 * const { image } = await texture({ style, weights, runtime, size: 64, steps: 5 });
 * await writeImage('out.png', image);
 * await runtime.close();
 * ```
 * @throws FauveError as `stylize`; the picture of `StylizeAborted` is without the margin
 */
export async function texture(request: TextureRequest): Promise<StylizeResult> {
  const started = performance.now();
  const plan = await planTexture(request);
  const { runtime, signal, onProgress } = request;
  return runTexture(plan, { runtime, signal, onProgress, started });
}

/** The plan of the optimisation that paints a texture: its size is with the margin. @throws FauveError as `stylize` */
export async function planTexture(request: TextureRequest): Promise<StylizePlan> {
  checkTextureRequest(request);
  const { weights, runtime, size = 256, steps = defaultTextureSteps, seed = 0, options = {} } = request;
  const style = styleOf(request.style);
  if (!(Number.isInteger(size) && size >= 32 && size <= 4096)) {
    throw new FauveError('request', `The size of a texture is a whole number from 32 to 4096, received ${size}.`);
  }
  const { memoryLimit, resume } = request;
  // The network pads with grey, which shows along the edges.
  const painted = size + 2 * MARGIN;
  return planStylize({
    content: patches(painted, seed, style.palette),
    styles: [{ style, weight: 1 }],
    weights,
    runtime,
    options: { coarseSteps: steps, ...options, contentWeight: 0, size: `${painted}x${painted}`, steps, seed },
    memoryLimit,
    resume,
  });
}

/** The side of the texture whose checkpoint this is. */
export const textureSide = ({ width }: Checkpoint): number => width - 2 * MARGIN;

/** Paints the texture of a plan. @throws FauveError as `texture` */
export async function runTexture(plan: StylizePlan, context: RunContext): Promise<StylizeResult> {
  const painted = plan.size.width;
  const result = await runStylize(plan, context).catch((error: unknown) => {
    if (!(error instanceof StylizeAborted)) throw error;
    throw new StylizeAborted(withoutMargin(error.image, painted), error.checkpoint, error.steps);
  });
  return { ...result, image: withoutMargin(result.image, painted) };
}

/** @param painted side of the whole at the full size; the picture may be of a smaller scale */
function withoutMargin(image: Image, painted: number): Image {
  const margin = Math.round((MARGIN * image.width) / painted);
  const side = image.width - 2 * margin;
  return cropImage(image, { left: margin, top: margin, width: side, height: side });
}

function checkTextureRequest(request: unknown): void {
  const fields = {
    style: checkStyle,
    weights: checkWeights,
    runtime: checkRuntime,
    size: optional(aSize),
    steps: optional(aSize),
    seed: optional(wholeFrom(0)),
    memoryLimit: aMemoryLimit,
    resume: aCheckpoint('decodeCheckpoint'),
    ...runFields,
  };
  checkRequest(request, 'texture', fields, stylizeOptionNames);
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
