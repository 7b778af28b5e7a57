import { createImage, FauveError, type Image, resizeImage } from 'fauve';
import { type BrowserDecodedImage, type DecodeOptions, decodeImage } from 'fauve/browser';
import { sha256Hex } from 'fauve/files';
import { texts } from '../texts.js';
import { type Pixels, pixelsOf } from './pixels.js';
import { ProblemError } from './problem-error.js';

/** Pixels at which a photo is worked with: Instant answers at once, and what is seen fills most screens. */
const MOST_SHOWN = 1280 * 1024;

/** What a tab survives. */
const MOST_PIXELS = 120_000_000;

/** What the deepest layer of the loss network needs. */
const LEAST_SIDE = 16;

/** A picture that was opened, as photo or as style. */
export interface Opened {
  readonly name: string;
  readonly file: Blob;
  /** Of the file. */
  readonly width: number;
  readonly height: number;
  /** Of the file (hex). */
  readonly sha256: string;
  /** What is worked with: the photo, or a smaller one where it is large. */
  readonly image: Image;
  /** The same as bytes. */
  readonly pixels: Pixels;
  /** What is unusual about the file. */
  readonly notices: readonly string[];
  /** Whether `image` is the whole photo. */
  readonly whole: boolean;
}

/** @throws ProblemError for what is no picture, or one that is too small or too large */
export async function openPicture(file: Blob, name: string): Promise<Opened> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const {
    image,
    original,
    notices = [],
  } = await decoded(bytes, name, { mostPixels: MOST_PIXELS, fitPixels: MOST_SHOWN });
  const { width, height } = original;
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new ProblemError('small-picture', texts.tooSmall(name, width, height, LEAST_SIDE));
  }
  const sha256 = await sha256Hex(bytes);
  const whole = image.width === width && image.height === height;
  return { name, file, width, height, sha256, image, pixels: pixelsOf(image), notices, whole };
}

/** The photo in full. @throws ProblemError as {@link openPicture} */
export async function wholeImage({ whole, image, file, name }: Opened): Promise<Image> {
  return whole ? image : (await decoded(new Uint8Array(await file.arrayBuffer()), name)).image;
}

async function decoded(bytes: Uint8Array, name: string, options: DecodeOptions = {}): Promise<BrowserDecodedImage> {
  try {
    return await decodeImage(bytes, { what: 'The picture', fileName: name }, options);
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new ProblemError('broken-picture', error.message, error);
  }
}

/** The photo at the size of a result, as bytes. */
export function photoBeside({ image, pixels }: Pick<Opened, 'image' | 'pixels'>, { width, height }: Pixels): Pixels {
  if (pixels.width === width && pixels.height === height) return pixels;
  const { data } = resizeImage(image, width, height);
  return pixelsOf(createImage(width, height, data));
}
