import { createImage, decodeImage, fitLongerSide, type Image, resizeImage, sha256Hex } from 'fauve';
import { texts } from '../texts.js';
import { imageOf, type Pixels, pixelsOf, pixelsOfBitmap } from './pixels.js';
import { ProblemError } from './problem-error.js';

/** Longer side at which a photo is worked with: Instant answers at once, and what is seen fills most screens. */
const MOST_SIDE = 1280;

/** What a canvas holds in all browsers, and what a tab survives. */
const MOST_MEGAPIXELS = 120;

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
  /** Whether `image` is the whole photo. */
  readonly whole: boolean;
}

/** @throws ProblemError for what is no picture, or one that is too small or too large */
export async function openPicture(file: Blob, name: string): Promise<Opened> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const bitmap = await createImageBitmap(file).catch((error: unknown) => {
    throw new ProblemError('broken-picture', texts.broken(name), error);
  });
  try {
    const { width, height } = bitmap;
    if (Math.min(width, height) < LEAST_SIDE) {
      throw new ProblemError('small-picture', texts.tooSmall(name, width, height, LEAST_SIDE));
    }
    if (width * height > MOST_MEGAPIXELS * 1e6) {
      const megapixels = Math.round((width * height) / 1e6);
      throw new ProblemError('large-picture', texts.tooManyPixels(name, megapixels, MOST_MEGAPIXELS));
    }
    const about = { name, file, width, height, sha256: await sha256Hex(bytes) };
    if (Math.max(width, height) <= MOST_SIDE) {
      const image = await decoded(bytes, name);
      return { ...about, image, pixels: pixelsOf(image), whole: true };
    }
    const shown = fitLongerSide(width, height, MOST_SIDE);
    const pixels = pixelsOfBitmap(bitmap, shown.width, shown.height);
    return { ...about, image: imageOf(pixels), pixels, whole: false };
  } finally {
    bitmap.close();
  }
}

/** The photo in full. @throws ProblemError as {@link openPicture} */
export async function wholeImage({ whole, image, file, name }: Opened): Promise<Image> {
  return whole ? image : decoded(new Uint8Array(await file.arrayBuffer()), name);
}

async function decoded(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Image> {
  try {
    return (await decodeImage(bytes, { what: 'The photo', fileName: name })).image;
  } catch (error) {
    throw new ProblemError('broken-picture', texts.broken(name), error);
  }
}

/** The photo at the size of a result, as bytes. */
export function photoBeside({ image, pixels }: Pick<Opened, 'image' | 'pixels'>, { width, height }: Pixels): Pixels {
  if (pixels.width === width && pixels.height === height) return pixels;
  const { data } = resizeImage(image, width, height);
  return pixelsOf(createImage(width, height, data));
}
