import { aText, checkRequest, objectWith, optional, refuse } from '../checks/checks.js';
import { received, shortName } from '../checks/received.js';
import { FauveError } from '../errors.js';
import { createImage, type Image } from './image.js';
import { toLevel } from './quantise.js';

/** A picture out of a file. */
export interface DecodedImage {
  readonly image: Image;
  /** What the file is, whatever its name says: `jpeg`, `png`, `webp`, `tiff`, `avif`, `heic`, `gif`, `svg`, … */
  readonly format: string;
  /** Bits per channel that the values come from. */
  readonly bits: 8 | 16;
  /** The JSON that `encodeImage` put in the file, when there is one. Not checked. */
  readonly recipe?: string;
  /** Sentences about what is unusual about the file, for the user. */
  readonly notices?: readonly string[];
}

/** How errors name the file. */
export interface ImageSource {
  /** The part that it plays: `Content image`. */
  readonly what: string;
  readonly fileName: string;
}

/** How errors name a picture of which nothing is said. */
export const unnamed: ImageSource = { what: 'The', fileName: 'picture' };

/** @throws FauveError `usage` */
export const checkSource = objectWith({ what: aText, fileName: aText }, 'an object with what, fileName');

/** The formats that Fauve writes; a browser all but TIFF. */
export type OutputFormat = 'png' | 'jpeg' | 'webp' | 'tiff';

export interface EncodeOptions {
  /** JPEG and WebP: 1 to 100; 95 by default. PNG and TIFF lose nothing and take none. */
  readonly quality?: number | undefined;
  /** Bits per channel: 8 by default; PNG and TIFF can have 16. */
  readonly bits?: 8 | 16 | undefined;
  /** JSON that travels in the file's metadata (XMP), for `decodeImage` to give back. */
  readonly recipe?: string | undefined;
}

const EXTENSIONS: Readonly<Record<string, OutputFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.tif': 'tiff',
  '.tiff': 'tiff',
};

export const defaultQuality = 95;

/** A picture of this many pixels takes 1.8 GB as float32 RGB. The largest phone cameras have 200 million; most 12 to 50. */
export const mostPixels = 150_000_000;

/** A JPEG keeps its XMP in one segment of 64 kB. */
const LONGEST_XMP_IN_JPEG = 60_000;

/**
 * The format that a file's name asks for: .png, .jpg, .jpeg, .webp, .tif or .tiff, in any case.
 * @throws FauveError `usage` for any other name
 */
export function outputFormat(path: string): OutputFormat {
  aText(path, 'The path of a picture');
  const extension = /\.[^./\\]*$/.exec(path)?.[0] ?? '';
  const format = EXTENSIONS[extension.toLowerCase()];
  if (format) return format;
  throw new FauveError(
    'request',
    `The output ${isLong(path) ? received(path) : path} must end in ${Object.keys(EXTENSIONS).join(', ')}; received ${extension ? `"${shortName(extension)}"` : 'no extension'}.`,
  );
}

const isLong = (path: string) => path.length > 200;

/** @throws FauveError `usage` for a quality or a number of bits that the format does not have */
export function checkEncodeOptions(format: OutputFormat, options: EncodeOptions): void {
  const anything = () => {};
  checkRequest(options, 'The options of a picture', { quality: anything, bits: anything, recipe: optional(aText) });
  const { quality, bits = 8 } = options;
  const formats = [...new Set(Object.values(EXTENSIONS))];
  if (!formats.includes(format)) refuse('The format of a picture', formats.join(', '), format);
  const lossless = format === 'png' || format === 'tiff';
  if (bits !== 8 && !(bits === 16 && lossless)) {
    throw new FauveError(
      'request',
      `A ${format} file has ${lossless ? '8 or 16' : '8'} bits per channel, received ${received(bits)}.${lossless ? '' : ' Write a PNG or a TIFF for 16.'}`,
    );
  }
  if (quality === undefined) return;
  if (lossless) {
    throw new FauveError(
      'request',
      `${format} loses nothing and takes no quality, received ${received(quality)}. Leave it out.`,
    );
  }
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new FauveError(
      'request',
      `The quality of a ${format} is an integer from 1 to 100, received ${received(quality)}.`,
    );
  }
}

/** @throws FauveError `input` for a packet that does not fit into a JPEG */
export function checkXmpLength(xmp: string, format: OutputFormat): void {
  const length = new TextEncoder().encode(xmp).byteLength;
  if (format !== 'jpeg' || length <= LONGEST_XMP_IN_JPEG) return;
  throw new FauveError(
    'input',
    `A jpeg file holds ${LONGEST_XMP_IN_JPEG} bytes of metadata, the recipe needs ${length}. Write a PNG or shorten it.`,
  );
}

/** @throws FauveError `input` for more pixels than can be read */
export function checkPixels(
  { width, height }: { readonly width: number; readonly height: number },
  { what, fileName }: ImageSource,
  most = mostPixels,
): void {
  if (width * height <= most) return;
  const millions = Math.round((width * height) / 1e6);
  throw new FauveError(
    'input',
    `${what} ${fileName} has ${width}×${height} = ${millions} million pixels; at most ${most / 1e6} million can be read. Make it smaller first.`,
  );
}

/**
 * The levels of a picture, pixel by pixel: RGB; with `alpha` RGBA where the picture has alpha, and without, as it is seen on white.
 * With `padded` always four channels.
 */
export function toLevels(
  { width, height, data, alpha }: Image,
  { alpha: keepAlpha, bits = 8, padded = false }: { alpha: boolean; bits?: 8 | 16; padded?: boolean },
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const size = width * height;
  const withAlpha = alpha !== undefined && keepAlpha;
  const channels = withAlpha || padded ? 4 : 3;
  const top = 2 ** bits - 1;
  const out = new (bits === 16 ? Uint16Array : Uint8Array)(size * channels);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < size; i++) {
      const value = data[channel * size + i]!;
      const shown = alpha && !keepAlpha ? 1 + alpha[i]! * (value - 1) : value;
      out[i * channels + channel] = toLevel(shown, top);
    }
  }
  if (channels === 4) for (let i = 0; i < size; i++) out[i * 4 + 3] = withAlpha ? toLevel(alpha[i]!, top) : top;
  return out;
}

/** A picture from its levels, pixel by pixel: the inverse of {@link toLevels}. @param channels 3 or 4 */
export function fromLevels(
  data: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  bits: 8 | 16,
): Image {
  const size = width * height;
  const top = 2 ** bits - 1;
  const plane = (channel: number, out: Float32Array) => {
    for (let i = 0; i < size; i++) out[i] = data[i * channels + channel]! / top;
    return out;
  };
  const rgb = new Float32Array(3 * size);
  for (let channel = 0; channel < 3; channel++) plane(channel, rgb.subarray(channel * size, (channel + 1) * size));
  return createImage(width, height, rgb, channels > 3 ? plane(3, new Float32Array(size)) : undefined);
}
