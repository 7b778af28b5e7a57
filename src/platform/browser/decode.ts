import { decode as decodePng } from 'fast-png';
import { bytesOf, checkRequest, optional, positive } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import {
  checkPixels,
  checkSource,
  type DecodedImage,
  fromLevels,
  type ImageSource,
  unnamed,
} from '../../image/file.js';
import { type FileFacts, fileFacts } from '../../image/header.js';
import { heicToPng, isHeic } from '../../image/heic-file.js';
import { createImage, type Image } from '../../image/image.js';
import { mendedNotice, mendJpeg } from '../../image/jpeg-file.js';
import { kindNames, pictureKinds } from '../../image/kinds.js';
import { isPng, readPng } from '../../image/png-file.js';
import { recipeFromXmp } from '../../image/recipe.js';

/** What is done with large pictures. */
export interface DecodeOptions {
  /** Pixels that a picture may have; 150 million by default. A larger one is refused, without decoding it where its format says its size. */
  readonly mostPixels?: number | undefined;
  /** Pixels that are kept: a larger picture is made smaller while it is decoded, its shape kept. Without it none is. */
  readonly fitPixels?: number | undefined;
}

/** A picture out of a file that a browser read. */
export interface BrowserDecodedImage extends DecodedImage {
  /** What the file has, upright: larger than the image where that was made smaller. */
  readonly original: { readonly width: number; readonly height: number };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const READABLE = kindNames(pictureKinds.filter(({ everywhere }) => everywhere));

/** Rows that are taken out of the browser at a time: whole pictures exceed the largest canvas of some. */
const BAND = 256;

/** First bytes of what some browsers read and others do not, and what to call it. */
const SOME_BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/^....ftypavi[fs]/s, 'AVIF'],
  [/^(II\*\0|MM\0\*)/, 'TIFF'],
  [/^\s*(<\?xml|<svg|<!--)/, 'SVG'],
];

/**
 * Reads JPEG, PNG, WebP, AVIF, HEIC, GIF (first frame), and what else the browser knows. Turned upright by its
 * EXIF orientation, converted to sRGB, alpha not premultiplied. A PNG keeps its 16 bits and the colours of its transparent pixels,
 * unless its colours are other than sRGB; in other formats the colours of nearly transparent pixels are coarse.
 * @param file the bytes of the whole file
 * @param source how errors name it
 * @throws FauveError `usage` for what are no bytes; `input` when it is empty, truncated or damaged, not a picture that this browser reads, or has too many pixels
 */
export async function decodeImage(
  file: Uint8Array | ArrayBuffer,
  source: ImageSource = unnamed,
  options: DecodeOptions = {},
): Promise<BrowserDecodedImage> {
  const bytes = bytesOf(file, 'decodeImage, bytes');
  checkSource(source, 'decodeImage, source');
  checkRequest(options, 'decodeImage, options', { mostPixels: optional(positive), fitPixels: optional(positive) });
  const { mostPixels, fitPixels = Number.POSITIVE_INFINITY } = options;
  const fail = (problem: string, cause?: unknown) =>
    new FauveError('input', `${source.what} ${source.fileName} ${problem}`, { cause });
  if (bytes.byteLength === 0) throw fail(`is empty (0 bytes). Use a picture in ${READABLE}.`);
  if (isHeic(bytes)) return decodeHeic(bytes, source, { mostPixels, fitPixels });
  const facts = fileFacts(bytes);
  if (facts) checkPixels(facts, source, mostPixels);
  if (facts && !facts.complete) {
    const mended = facts.format === 'jpeg' ? mendJpeg(bytes) : 'cut';
    if (typeof mended !== 'string') {
      const decoded = await decodeImage(mended, source, { mostPixels, fitPixels });
      return { ...decoded, notices: [mendedNotice(source.fileName)] };
    }
    throw fail(
      `is truncated: the file ends before the picture does (${bytes.byteLength} bytes). Copy or download it again.`,
    );
  }
  try {
    const exact = facts && facts.width * facts.height <= fitPixels ? exactPng(bytes, facts) : undefined;
    const { image, original } = exact ?? (await drawn(bytes, facts, source, mostPixels, fitPixels));
    const recipe = facts?.xmp === undefined ? undefined : recipeFromXmp(facts.xmp);
    return {
      image,
      original,
      format: facts?.format ?? formatOf(bytes)?.toLowerCase() ?? 'unknown',
      bits: exact?.bits ?? 8,
      ...(recipe === undefined ? {} : { recipe }),
    };
  } catch (error) {
    if (error instanceof FauveError) throw error;
    throw fail(complaint(bytes, facts !== undefined, messageOf(error)), error);
  }
}

/** HEIC by the browser where it can, as Safari does, in less time and memory than the library. */
async function decodeHeic(
  bytes: Uint8Array,
  source: ImageSource,
  options: DecodeOptions,
): Promise<BrowserDecodedImage> {
  const { mostPixels, fitPixels = Number.POSITIVE_INFINITY } = options;
  try {
    return { ...(await drawn(bytes, undefined, source, mostPixels, fitPixels)), format: 'heic', bits: 8 };
  } catch (error) {
    if (error instanceof FauveError) throw error;
    return { ...(await decodeImage(await heicToPng(bytes, source, mostPixels), source, options)), format: 'heic' };
  }
}

/** A PNG whose values a canvas would change, those of 16 bits and with alpha, without a canvas. */
function exactPng(bytes: Uint8Array, { orientation }: FileFacts) {
  const facts = isPng(bytes) ? readPng(bytes) : undefined;
  if (!facts || orientation !== 1 || facts.otherColours || facts.hasTransparency) return undefined;
  const hasAlpha = facts.colourType >= 4;
  if (facts.colourType === 3 || !(hasAlpha || facts.bitDepth === 16)) return undefined;
  const { data, width, height, channels } = decodePng(bytes, { checkCrc: true });
  const bits = facts.bitDepth === 16 ? 16 : 8;
  const colours = channels <= 2 ? greyToRgb(data, channels) : data;
  const image = fromLevels(colours, width, height, hasAlpha ? 4 : 3, bits);
  return { image: withoutOpaque(image), bits, original: { width, height } } as const;
}

function greyToRgb(grey: ArrayLike<number>, channels: number): Uint16Array {
  const pixels = grey.length / channels;
  const out = new Uint16Array(pixels * (channels + 2));
  for (let i = 0; i < pixels; i++) {
    const at = i * (channels + 2);
    out.fill(grey[i * channels]!, at, at + 3);
    if (channels === 2) out[at + 3] = grey[i * 2 + 1]!;
  }
  return out;
}

/** A picture as the browser draws it. */
async function drawn(
  bytes: Uint8Array,
  facts: FileFacts | undefined,
  source: ImageSource,
  mostPixels: number | undefined,
  fitPixels: number,
): Promise<{ image: Image; original: Size }> {
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], facts ? { type: `image/${facts.format}` } : {});
  const known = facts && (facts.orientation >= 5 ? { width: facts.height, height: facts.width } : facts);
  // Browsers decode JPEG at a smaller size at once, in less time and memory.
  const bitmap = await createImageBitmap(blob, known ? scaledTo(known, fitPixels) : {});
  try {
    if (known) return { image: readPixels(bitmap), original: { width: known.width, height: known.height } };
    // Only now is the size of other formats known.
    const original = { width: bitmap.width, height: bitmap.height };
    checkPixels(original, source, mostPixels);
    if (original.width * original.height <= fitPixels) return { image: readPixels(bitmap), original };
    const smaller = await createImageBitmap(bitmap, scaledTo(original, fitPixels));
    try {
      return { image: readPixels(smaller), original };
    } finally {
      smaller.close();
    }
  } finally {
    bitmap.close();
  }
}

/** How to make a picture smaller, where it has more pixels. Its height follows from its width, rounded up. */
function scaledTo({ width, height }: Size, pixels: number): ImageBitmapOptions {
  if (width * height <= pixels) return {};
  let resizeWidth = Math.floor(Math.sqrt((pixels * width) / height));
  while (resizeWidth > 1 && resizeWidth * Math.ceil((resizeWidth * height) / width) > pixels) resizeWidth--;
  return { resizeWidth: Math.max(1, resizeWidth), resizeQuality: 'high' };
}

function readPixels(bitmap: ImageBitmap): Image {
  const { width, height } = bitmap;
  const size = width * height;
  const rgb = new Float32Array(3 * size);
  const alpha = new Float32Array(size);
  const canvas = new OffscreenCanvas(width, Math.min(BAND, height));
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  if (!context) throw new Error('this browser has no OffscreenCanvas');
  for (let top = 0; top < height; top += BAND) {
    const rows = Math.min(BAND, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let i = 0, at = top * width; i < data.length; i += 4, at++) {
      rgb[at] = data[i]! / 255;
      rgb[size + at] = data[i + 1]! / 255;
      rgb[2 * size + at] = data[i + 2]! / 255;
      alpha[at] = data[i + 3]! / 255;
    }
  }
  return withoutOpaque(createImage(width, height, rgb, alpha));
}

/** Alpha that is 1 everywhere says nothing. */
function withoutOpaque(image: Image): Image {
  const { width, height, data, alpha } = image;
  return alpha?.every((value) => value === 1) ? createImage(width, height, data) : image;
}

function formatOf(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  return SOME_BROWSERS.find(([signature]) => signature.test(start))?.[1];
}

function complaint(bytes: Uint8Array, known: boolean, message: string): string {
  if (known) {
    return `cannot be decoded: it is damaged or of a rare kind (${bytes.byteLength} bytes; ${message}). Copy or download it again, or save it as PNG.`;
  }
  const format = formatOf(bytes);
  return format
    ? `is ${format}, which cannot be read here. Save it as JPEG or PNG first.`
    : `is not a picture that can be read, whatever its name says. Use ${READABLE}.`;
}
