import { encode as encodePng } from 'fast-png';
import { FauveError, messageOf } from '../../errors.js';
import {
  checkEncodeOptions,
  checkXmpLength,
  defaultQuality,
  type EncodeOptions,
  type OutputFormat,
  toLevels,
} from '../../image/file.js';
import { checkImage, type Image } from '../../image/image.js';
import { tagJpeg } from '../../image/jpeg-file.js';
import { tagPng } from '../../image/png-file.js';
import { recipeToXmp } from '../../image/recipe.js';
import { tagWebp } from '../../image/webp-file.js';

/**
 * Writes a picture, rounded to the nearest level, in sRGB. PNG keeps it exactly, with alpha and at 8 or 16 bits. WebP keeps alpha, with
 * coarse colours where it is small; JPEG has none and shows it on white.
 * @throws FauveError `usage` for TIFF, a format that this browser does not write, or a quality or number of bits that the format does not
 *   have; `input` when the format or the browser cannot hold the picture
 */
export async function encodeImage(
  image: Image,
  format: OutputFormat,
  options: EncodeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkImage(image, 'encodeImage, image');
  if (format === 'tiff') {
    throw new FauveError(
      'request',
      'A browser writes png, jpeg and webp, received tiff. Write a png, which loses nothing either.',
    );
  }
  checkEncodeOptions(format, options);
  const { quality = defaultQuality, bits = 8, recipe } = options;
  const xmp = recipe === undefined ? undefined : recipeToXmp(recipe);
  if (xmp !== undefined) checkXmpLength(xmp, format);
  if (format === 'png') {
    // A canvas would premultiply alpha, and has 8 bits.
    const png = image.alpha || bits === 16 ? exactPng(image, bits) : await drawn(image, format, quality);
    return tagPng(png, xmp);
  }
  const bytes = await drawn(image, format, quality);
  if (xmp === undefined) return bytes;
  return format === 'jpeg' ? tagJpeg(bytes, xmp) : tagWebp(bytes, xmp);
}

function exactPng(image: Image, bits: 8 | 16): Uint8Array {
  const data = toLevels(image, { alpha: true, bits });
  return encodePng({ width: image.width, height: image.height, data, depth: bits, channels: image.alpha ? 4 : 3 });
}

async function drawn(image: Image, format: 'png' | 'jpeg' | 'webp', quality: number): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = image;
  const type = `image/${format}`;
  try {
    const levels = toLevels(image, { alpha: format !== 'jpeg', padded: true });
    const pixels = new Uint8ClampedArray(levels.buffer, levels.byteOffset, levels.byteLength);
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
    if (!context) throw new Error('this browser gives no canvas of this size');
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
    const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
    // What a browser cannot write it writes as PNG, without a word.
    if (blob.type !== type) {
      throw new FauveError(
        'request',
        `This browser does not write ${format}, it gave ${blob.type}. Choose png or jpeg.`,
      );
    }
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    if (error instanceof FauveError) throw error;
    throw new FauveError(
      'input',
      `A picture of ${width}×${height} cannot be written as ${format}: ${messageOf(error)}. Write it as PNG or make it smaller.`,
      { cause: error },
    );
  }
}
