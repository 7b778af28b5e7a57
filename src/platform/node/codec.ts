import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { bytesOf } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import {
  checkEncodeOptions,
  checkPixels,
  checkSource,
  checkXmpLength,
  type DecodedImage,
  defaultQuality,
  type EncodeOptions,
  fromLevels,
  type ImageSource,
  mostPixels,
  type OutputFormat,
  toLevels,
  unnamed,
} from '../../image/file.js';
import { heicToPng, isHeic } from '../../image/heic-file.js';
import { checkImage, type Image } from '../../image/image.js';
import { isJpeg, mendedNotice, mendJpeg, readJpeg } from '../../image/jpeg-file.js';
import { kindNames } from '../../image/kinds.js';
import { recipeFromXmp, recipeToXmp } from '../../image/recipe.js';

/** First bytes of the formats that are met most, to tell a damaged picture from what never was one. */
const SIGNATURES: readonly (readonly number[])[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46],
  [0x49, 0x49, 0x2a, 0],
  [0x4d, 0x4d, 0, 0x2a],
  [0x47, 0x49, 0x46, 0x38],
];

const READABLE = kindNames();

/**
 * Reads a picture: JPEG, PNG, WebP, TIFF, AVIF, HEIC, GIF (first frame) or SVG, in grey, RGB, CMYK or with a palette. Turned
 * upright by its EXIF orientation, converted to sRGB by its ICC profile, alpha kept and not premultiplied. 16 bits per
 * channel keep their precision; a grey profile at 16 bits is not applied.
 * @param file the bytes of the whole file
 * @param source how errors name it
 * @throws FauveError `usage` for what are no bytes; `input` when it is not a picture, is truncated or damaged,
 *   has channels of other than 8 or 16 bits, or more than 150 million pixels
 */
export async function decodeImage(
  file: Uint8Array | ArrayBuffer,
  source: ImageSource = unnamed,
): Promise<DecodedImage> {
  const bytes = bytesOf(file, 'decodeImage, bytes');
  checkSource(source, 'decodeImage, source');
  if (isHeic(bytes)) return { ...(await decodeWhole(await heicToPng(bytes, source), source)), format: 'heic' };
  const mended = isJpeg(bytes) && readJpeg(bytes)?.complete === false ? mendJpeg(bytes) : 'unknown';
  if (mended === 'cut') throw new FauveError('input', `${source.what} ${source.fileName} ${truncated(bytes)}`);
  if (mended === 'unknown') return decodeWhole(bytes, source);
  return { ...(await decodeWhole(mended, source)), notices: [mendedNotice(source.fileName)] };
}

async function decodeWhole(bytes: Uint8Array, { what, fileName }: ImageSource): Promise<DecodedImage> {
  const fail = (problem: string, cause?: unknown) =>
    new FauveError('input', `${what} ${fileName} ${problem}`, { cause });
  if (bytes.length === 0) throw fail(`is empty (0 bytes). Use a picture in ${READABLE}.`);
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    const { width, height, icc } = metadata;
    checkPixels({ width, height }, { what, fileName });
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
      limitInputPixels: mostPixels,
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
      image: fromLevels(bits === 16 ? words(data) : data, info.width, info.height, info.channels, bits),
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
 * @example
 * ```ts
 * import { createImage, encodeImage } from 'fauve';
 *
 * const red = createImage(1, 1, new Float32Array([1, 0, 0]));
 * const png = await encodeImage(red, 'png');
 * console.log(png.subarray(1, 4)); // the letters P, N, G
 * ```
 * @throws FauveError `usage` for a quality or a number of bits that the format does not have; `input` when the format
 *   cannot hold the picture (WebP: 16383 pixels a side; JPEG: 65535, and 60 kB of recipe)
 */
export async function encodeImage(
  image: Image,
  format: OutputFormat,
  options: EncodeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkImage(image, 'encodeImage, image');
  checkEncodeOptions(format, options);
  const { quality, bits = 8, recipe } = options;
  const xmp = recipe === undefined ? undefined : recipeToXmp(recipe);
  if (xmp !== undefined) checkXmpLength(xmp, format);
  const tagged = (pipeline: Sharp) => (xmp === undefined ? pipeline : pipeline.withXmp(xmp));
  const raw = toLevels(image, { alpha: format !== 'jpeg', bits });
  const channels = (raw.length / (image.width * image.height)) as 3 | 4;
  const source = sharp(raw, { raw: { width: image.width, height: image.height, channels }, limitInputPixels: false });
  try {
    if (bits === 16) {
      // sharp would take these values for Display P3 and convert them: the profile goes in by hand, the pixels stay.
      const untagged = await tagged(source.toColourspace('rgb16')).png().toBuffer();
      const png = insertProfile(untagged, await srgbProfile());
      if (format === 'png') return png;
      const copy = sharp(png, { limitInputPixels: false }).toColourspace('rgb16').keepIccProfile();
      return await compress(tagged(copy), format, defaultQuality).toBuffer();
    }
    return await compress(tagged(source.withIccProfile('srgb')), format, quality ?? defaultQuality).toBuffer();
  } catch (error) {
    throw new FauveError(
      'input',
      `A picture of ${image.width}×${image.height} cannot be written as ${format}: ${oneLine(messageOf(error))}. Write it as PNG or make it smaller.`,
      { cause: error },
    );
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
function insertProfile(png: Buffer, icc: Buffer): Buffer<ArrayBuffer> {
  const body = Buffer.concat([Buffer.from('iCCPsRGB\0\0', 'latin1'), deflateSync(icc)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

const truncated = (bytes: Uint8Array) =>
  `is truncated: the file ends before the picture does (${bytes.length} bytes). Copy or download it again.`;

function complaint(bytes: Uint8Array, message: string): string {
  if (/premature end|unexpected end|read error|outside of file/i.test(message)) {
    return truncated(bytes);
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
