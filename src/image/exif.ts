import { latin1, viewOf } from './bytes.js';

const ORIENTATION = 0x0112;

/** How a JPEG marks EXIF data, and some programs mark them in a WebP, too. */
export const exifName = 'Exif\0\0';

/**
 * The orientation, 1 to 8, in EXIF data, marked as such or not (a TIFF header and its first directory; Exif 2.32, 4.6); 1, upright, where there is none or the
 * data are damaged. 5 to 8 swap width and height.
 */
export function exifOrientation(data: Uint8Array): number {
  const tiff = latin1(data, 0, exifName.length) === exifName ? data.subarray(exifName.length) : data;
  const order = latin1(tiff, 0, 2);
  if (tiff.byteLength < 8 || (order !== 'II' && order !== 'MM')) return 1;
  const little = order === 'II';
  const view = viewOf(tiff);
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > tiff.byteLength) return 1;
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
