import { isBytes, isRecord, refuse } from '../checks/checks.js';
import { tagOf } from '../checks/received.js';
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

/**
 * Makes an {@link Image}. Its values are looked at where the image is used.
 * @example
 * ```ts
 * import { createImage } from 'fauve';
 *
 * // Two grey pixels: the planes of red, green and blue, one after the other.
 * const image = createImage(2, 1, new Float32Array([0.2, 0.8, 0.2, 0.8, 0.2, 0.8]));
 * console.log(image.width, image.height); // 2 1
 * ```
 * @throws FauveError `usage` for data that are no Float32Array, `input` when the sizes and the data do not agree
 */
export function createImage(width: number, height: number, data: Float32Array, alpha?: Float32Array): Image {
  checkPlanes(data, 'The data of an image');
  if (alpha !== undefined) checkPlanes(alpha, 'The alpha of an image');
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

/** Values of an image may leave [0,1] by rounding and by overshoot; this far out they mean something else. */
const LEAST_VALUE = -1;
const MOST_VALUE = 2;

/**
 * Makes sure that a value is an {@link Image}: its kind, the lengths of its planes, and that its values are colours.
 * @param name what it is to the caller, in errors: `stylize, content`
 * @throws FauveError `usage` for what is no image, with how to get one; `input` for lengths that do not agree and values far outside [0,1]
 */
export function checkImage(value: unknown, name: string): asserts value is Image {
  if (!isRecord(value) || !('data' in value) || !('width' in value)) {
    refuse(name, 'a picture (an Image)', value, remedyFor(value));
  }
  const { width, height, data, alpha } = value as unknown as Image;
  checkPlanes(data, `${name}.data`);
  if (alpha !== undefined) checkPlanes(alpha, `${name}.alpha`);
  try {
    createImage(width, height, data, alpha);
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.reason, `${name}: ${error.message}`, { cause: error });
  }
  checkValues(data, name);
  if (alpha) checkValues(alpha, `${name}.alpha`);
}

function checkPlanes(planes: unknown, name: string): void {
  if (tagOf(planes) === 'Float32Array') return;
  const levels = /^(Uint|Int)\d+/.test(tagOf(planes));
  const help = levels
    ? 'Bytes from 0 to 255, as of an ImageData, have to be divided by 255 and sorted by channel.'
    : '';
  refuse(name, 'a Float32Array of values in [0,1], plane by plane', planes, help);
}

function checkValues(values: Float32Array, name: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= LEAST_VALUE && value <= MOST_VALUE) continue;
    const help = Number.isNaN(value) ? '' : ' Divide levels from 0 to 255 by 255.';
    throw new FauveError('input', `${name}: expected values in [0,1]; received ${value} at ${i}.${help}`);
  }
}

/** How to get an image out of what was given for one. */
function remedyFor(value: unknown): string {
  if (typeof value === 'string' || tagOf(value) === 'URL') {
    return 'Read it first: await readImage(path), in a browser decodeImage(bytes).';
  }
  if (isBytes(value)) return 'Decode them first: (await decodeImage(bytes)).image.';
  return isRecord(value) && isRecord(value.image) ? 'Give its .image.' : '';
}
