import { availableMemory } from 'node:process';
import { type EncodeOptions, outputFormat } from '../image/file.js';
import type { Image } from '../image/image.js';
import { decodeImage, encodeImage } from './codec-node.js';
import { readFileChecked, writeFileAtomically } from './files.js';

/**
 * Reads a picture from a file: upright, in sRGB, with its alpha.
 * @param what names it in errors: `Content image`
 * @throws FauveError `input` when it is missing, damaged or no picture
 */
export async function readImage(path: string, what = 'Image'): Promise<Image> {
  return (await decodeImage(await readFileChecked(path, what), { what, fileName: path })).image;
}

/**
 * Writes a picture to a file, whole or not at all. The extension says the format: .png, .jpg, .webp or .tif.
 * @throws FauveError `usage` for another extension, `input` or `system` when the file cannot be written
 */
export async function writeImage(path: string, image: Image, options: EncodeOptions = {}): Promise<void> {
  await writeFileAtomically(path, await encodeImage(image, outputFormat(path), options));
}

/** Bytes that this process may still take without pushing others out of memory: the `memoryLimit` of `stylize`. */
export function freeMemory(): number {
  // Node 20.19 has it, as an experiment; it counts caches that the system can give up, and the limit of a container.
  return availableMemory();
}
