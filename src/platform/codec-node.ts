import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { FauveError, messageOf } from '../errors.js';
import { createImage, type Image } from '../image/image.js';
import { toLevel } from '../image/quantise.js';
import { recipeFromXmp, recipeToXmp } from '../image/recipe.js';

/** A picture out of a file. */
export interface DecodedImage {
  readonly image: Image;
  /** What the file is, whatever its name says: `jpeg`, `png`, `webp`, `tiff`, `avif`, `gif`, `svg`, … */
  readonly format: string;
  /** Bits per channel that the values come from. */
  readonly bits: 8 | 16;
  /** The JSON that {@link encodeImage} put in the file, when there is one. Not checked. */
  readonly recipe?: string;
}

/** How errors name the file. */
export interface ImageSource {
  /** The part that it plays: `Content image`. */
  readonly what: string;
  readonly fileName: string;
}

/** The formats that Fauve writes. */
export type OutputFormat = 'png' | 'jpeg' | 'webp' | 'tiff';

export interface EncodeOptions {
  /** JPEG and WebP: 1 to 100; 95 by default. PNG and TIFF lose nothing and take none. */
  readonly quality?: number | undefined;
  /** Bits per channel: 8 by default; PNG and TIFF can have 16. */
  readonly bits?: 8 | 16 | undefined;
  /** JSON that travels in the file's metadata (XMP), for {@link decodeImage} to give back. */
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

const DEFAULT_QUALITY = 95;

/** A picture of this many pixels takes 1.8 GB as float32 RGB. The largest phone cameras have 200 million; most 12 to 50. */
const MOST_PIXELS = 150_000_000;

/** A JPEG keeps its XMP in one segment; libvips leaves out a longer packet without a word. */
const LONGEST_XMP_IN_JPEG = 60_000;

/** Brands of HEIF files whose picture is HEVC, which the decoder cannot read; AVIF has the same container. */
const HEVC_BRANDS = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'];

/** First bytes of the formats that are met most, to tell a damaged picture from what never was one. */
const SIGNATURES: readonly (readonly number[])[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46],
  [0x49, 0x49, 0x2a, 0],
  [0x4d, 0x4d, 0, 0x2a],
  [0x47, 0x49, 0x46, 0x38],
];

const READABLE = 'JPEG, PNG, WebP, TIFF, AVIF, GIF or SVG';

/**
 * Reads a picture: JPEG, PNG, WebP, TIFF, AVIF, GIF (first frame) or SVG, in grey, RGB, CMYK or with a palette. Turned
 * upright by its EXIF orientation, converted to sRGB by its ICC profile, alpha kept and not premultiplied. 16 bits per
 * channel keep their precision; a grey profile at 16 bits is not applied.
 * @param bytes the whole file
 * @throws FauveError `input` when it is not a picture, is truncated or damaged, is HEIC,
 *   has channels of other than 8 or 16 bits, or more than 150 million pixels
 */
export async function decodeImage(bytes: Uint8Array, { what, fileName }: ImageSource): Promise<DecodedImage> {
  const fail = (problem: string, cause?: unknown) =>
    new FauveError('input', `${what} ${fileName} ${problem}`, { cause });
  if (bytes.length === 0) throw fail(`is empty (0 bytes). Use a picture in ${READABLE}.`);
  if (isHevc(bytes)) throw fail('is HEIC, which cannot be read here. Convert it to JPEG, PNG or TIFF first.');
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    const { width, height, icc } = metadata;
    if (width * height > MOST_PIXELS) {
      throw fail(
        `has ${width}×${height} = ${Math.round((width * height) / 1e6)} million pixels; at most ${MOST_PIXELS / 1e6} million can be read. Make it smaller first.`,
      );
    }
    if (metadata.depth !== 'uchar' && metadata.depth !== 'ushort') {
      throw fail(
        `has channels of type ${metadata.depth}, whose white is not known. Save it with 8 or 16 bits per channel.`,
      );
    }
    const bits = metadata.space === 'rgb16' || metadata.space === 'grey16' ? 16 : 8;
    const alreadySrgb = bits === 16 && icc !== undefined && (await srgbProfile()).equals(icc);
    const decoder = sharp(bytes, {
      // Stricter than 'truncated', which lets half a TIFF through; 'warning' would refuse files that are whole.
      failOn: 'error',
      limitInputPixels: MOST_PIXELS,
      autoOrient: true,
      ignoreIcc: alreadySrgb,
    }).toColourspace(bits === 16 ? 'rgb16' : 'srgb');
    // sharp processes 16-bit pictures that have a profile in Display P3, so that one more step leads to sRGB.
    if (metadata.space === 'rgb16' && icc && !alreadySrgb) decoder.withIccProfile('srgb');
    const { data, info } = await decoder
      .raw({ depth: bits === 16 ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const recipe = metadata.xmpAsString === undefined ? undefined : recipeFromXmp(metadata.xmpAsString);
    return {
      image: toImage(bits === 16 ? words(data) : data, info.width, info.height, info.channels, bits),
      format: metadata.format === 'heif' ? 'avif' : metadata.format,
      bits,
      ...(recipe === undefined ? {} : { recipe }),
    };
  } catch (error) {
    if (error instanceof FauveError) throw error;
    throw fail(complaint(bytes, messageOf(error)), error);
  }
}

/**
 * Writes a picture, rounded to the nearest level and tagged as sRGB. Alpha is kept in PNG, WebP and TIFF; JPEG has none
 * and shows it on white. The same picture and options give the same bytes.
 * @throws FauveError `usage` for a quality or a number of bits that the format does not have; `input` when the format
 *   cannot hold the picture (WebP: 16383 pixels a side; JPEG: 65535, and 60 kB of recipe)
 */
export async function encodeImage(
  image: Image,
  format: OutputFormat,
  { quality, bits = 8, recipe }: EncodeOptions = {},
): Promise<Uint8Array> {
  checkOptions(format, quality, bits);
  const xmp = recipe === undefined ? undefined : recipeToXmp(recipe);
  if (xmp !== undefined && format === 'jpeg' && Buffer.byteLength(xmp) > LONGEST_XMP_IN_JPEG) {
    throw new FauveError(
      'input',
      `A jpeg file holds ${LONGEST_XMP_IN_JPEG} bytes of metadata, the recipe needs ${Buffer.byteLength(xmp)}. Write a PNG or shorten it.`,
    );
  }
  const tagged = (pipeline: Sharp) => (xmp === undefined ? pipeline : pipeline.withXmp(xmp));
  const raw = pixels(image, format !== 'jpeg', bits);
  const channels = (raw.length / (image.width * image.height)) as 3 | 4;
  const source = sharp(raw, { raw: { width: image.width, height: image.height, channels }, limitInputPixels: false });
  try {
    if (bits === 16) {
      // sharp would take these values for Display P3 and convert them: the profile goes in by hand, the pixels stay.
      const untagged = await tagged(source.toColourspace('rgb16')).png().toBuffer();
      const png = insertProfile(untagged, await srgbProfile());
      if (format === 'png') return png;
      const copy = sharp(png, { limitInputPixels: false }).toColourspace('rgb16').keepIccProfile();
      return await compress(tagged(copy), format, DEFAULT_QUALITY).toBuffer();
    }
    return await compress(tagged(source.withIccProfile('srgb')), format, quality ?? DEFAULT_QUALITY).toBuffer();
  } catch (error) {
    throw new FauveError(
      'input',
      `A picture of ${image.width}×${image.height} cannot be written as ${format}: ${oneLine(messageOf(error))}. Write it as PNG or make it smaller.`,
      { cause: error },
    );
  }
}

/**
 * The format that a file's name asks for: .png, .jpg, .jpeg, .webp, .tif or .tiff, in any case.
 * @throws FauveError `usage` for any other name
 */
export function outputFormat(path: string): OutputFormat {
  const extension = /\.[^./\\]*$/.exec(path)?.[0] ?? '';
  const format = EXTENSIONS[extension.toLowerCase()];
  if (format) return format;
  throw new FauveError(
    'usage',
    `The output ${path} must end in ${Object.keys(EXTENSIONS).join(', ')}; received ${extension ? `"${extension}"` : 'no extension'}.`,
  );
}

function checkOptions(format: OutputFormat, quality: number | undefined, bits: number): void {
  const lossless = format === 'png' || format === 'tiff';
  if (bits !== 8 && !(bits === 16 && lossless)) {
    throw new FauveError(
      'usage',
      `A ${format} file has ${lossless ? '8 or 16' : '8'} bits per channel, received ${bits}.${lossless ? '' : ' Write a PNG or a TIFF for 16.'}`,
    );
  }
  if (quality === undefined) return;
  if (lossless) {
    throw new FauveError('usage', `${format} loses nothing and takes no quality, received ${quality}. Leave it out.`);
  }
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new FauveError('usage', `The quality of a ${format} is an integer from 1 to 100, received ${quality}.`);
  }
}

function compress(pipeline: Sharp, format: OutputFormat, quality: number): Sharp {
  switch (format) {
    case 'png':
      return pipeline.png();
    case 'jpeg':
      // Full chroma: brush strokes are as fine in colour as in brightness.
      return pipeline.jpeg({ quality, chromaSubsampling: '4:4:4' });
    case 'webp':
      return pipeline.webp({ quality, exact: true });
    case 'tiff':
      return pipeline.tiff({ compression: 'deflate', predictor: 'horizontal' });
  }
}

/** The levels of a picture, pixel by pixel: RGB, or RGBA where there is alpha and the format can keep it. */
function pixels({ width, height, data, alpha }: Image, keepAlpha: boolean, bits: 8 | 16): Uint8Array | Uint16Array {
  const size = width * height;
  const channels = alpha && keepAlpha ? 4 : 3;
  const top = 2 ** bits - 1;
  const out = new (bits === 16 ? Uint16Array : Uint8Array)(size * channels);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < size; i++) {
      const value = data[channel * size + i]!;
      const shown = alpha && !keepAlpha ? 1 + alpha[i]! * (value - 1) : value;
      out[i * channels + channel] = toLevel(shown, top);
    }
  }
  if (alpha && keepAlpha) for (let i = 0; i < size; i++) out[i * channels + 3] = toLevel(alpha[i]!, top);
  return out;
}

function toImage(data: Uint8Array | Uint16Array, width: number, height: number, channels: number, bits: 8 | 16): Image {
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

function words(data: Buffer): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

let profile: Promise<Buffer> | undefined;

/** The sRGB profile that sharp writes, taken out of a picture of one pixel. */
function srgbProfile(): Promise<Buffer> {
  profile ??= sharp({ create: { width: 1, height: 1, channels: 3, background: 'black' } })
    .withIccProfile('srgb')
    .png()
    .toBuffer()
    .then(async (png) => (await sharp(png).metadata()).icc!);
  return profile;
}

/** A PNG with an iCCP chunk (PNG specification, 11.3.2.3) right after its header, whose end is always at byte 33. */
function insertProfile(png: Buffer, icc: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('iCCPsRGB\0\0', 'latin1'), deflateSync(icc)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

/** An ISO media file (`ftyp` box) that has a HEVC brand among its first brands. */
function isHevc(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 64));
  if (head.toString('latin1', 4, 8) !== 'ftyp') return false;
  const brands = head.toString('latin1', 8, head.readUInt32BE(0));
  return HEVC_BRANDS.some((brand) => brands.includes(brand));
}

function complaint(bytes: Uint8Array, message: string): string {
  if (/premature end|unexpected end|read error|outside of file/i.test(message)) {
    return `is truncated: the file ends before the picture does (${bytes.length} bytes). Copy or download it again.`;
  }
  const known = SIGNATURES.some((signature) => signature.every((byte, i) => bytes[i] === byte));
  return known || !/unsupported image format/i.test(message)
    ? `cannot be decoded: it is truncated, damaged or of a rare kind (${bytes.length} bytes; ${oneLine(message)}). Copy or download it again, or save it as PNG.`
    : `is not a picture that can be read, whatever its name says. Use ${READABLE}.`;
}

/** The decoder complains once for every attempt: its last line is the reason. */
function oneLine(message: string): string {
  return message.trim().split('\n').at(-1)!;
}
