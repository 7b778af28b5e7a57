import { FauveError } from '../errors.js';

/**
 * A picture: float32 RGB, sRGB-encoded (not linear light), values in [0,1], planar CHW.
 * `data` has 3·height·width values; `alpha`, when present, has height·width values in [0,1] and is never premultiplied.
 */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  readonly alpha?: Float32Array;
}

/** Checks the sizes and makes an {@link Image}. @throws FauveError `input` when the sizes and the data do not agree. */
export function createImage(width: number, height: number, data: Float32Array, alpha?: Float32Array): Image {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new FauveError(
      'input',
      `An image needs a width and a height of at least 1 pixel, received ${width}×${height}.`,
    );
  }
  if (data.length !== 3 * width * height) {
    throw new FauveError(
      'input',
      `A ${width}×${height} image needs ${3 * width * height} values (RGB planes), received ${data.length}.`,
    );
  }
  if (alpha && alpha.length !== width * height) {
    throw new FauveError(
      'input',
      `A ${width}×${height} image needs ${width * height} alpha values, received ${alpha.length}.`,
    );
  }
  return alpha ? { width, height, data, alpha } : { width, height, data };
}
