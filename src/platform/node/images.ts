import { availableMemory } from 'node:process';
import { bytesOf, isBytes } from '../../checks/checks.js';
import { type EncodeOptions, outputFormat } from '../../image/file.js';
import { checkImage, type Image } from '../../image/image.js';
import { decodeImage, encodeImage } from './codec.js';
import { readFileChecked, writeFileAtomically } from './files.js';

/**
 * Reads a picture from a file: upright, in sRGB, with its alpha.
 * @param file its path or `file:` URL, or its bytes
 * @param what names it in errors: `Content image`
 * @throws FauveError `usage` for what is neither path nor bytes; `input` when it is missing, damaged or no picture
 */
export async function readImage(file: string | URL | Uint8Array | ArrayBuffer, what = 'Image'): Promise<Image> {
  if (isBytes(file)) {
    const bytes = bytesOf(file, what);
    return (await decodeImage(bytes, { what, fileName: `of ${bytes.byteLength} bytes` })).image;
  }
  const path = file as string | URL;
  return (await decodeImage(await readFileChecked(path, what), { what, fileName: String(path) })).image;
}

/**
 * Writes a picture to a file, whole or not at all. The extension says the format: .png, .jpg, .webp or .tif.
 * @throws FauveError `usage` for another extension, `input` or `system` when the file cannot be written
 */
export async function writeImage(path: string, image: Image, options: EncodeOptions = {}): Promise<void> {
  checkImage(image, 'writeImage, image');
  await writeFileAtomically(path, await encodeImage(image, outputFormat(path), options));
}

/** Bytes that this process may still take without pushing others out of memory: the `memoryLimit` of `stylize`. */
export function freeMemory(): number {
  // Node 20.19 has it, as an experiment; it counts caches that the system can give up, and the limit of a container.
  return availableMemory();
}
