import { bytesOf } from '../checks/checks.js';
import { latin1, viewOf } from './bytes.js';
import { isJpeg, readJpeg } from './jpeg-file.js';
import { isPng, readPng } from './png-file.js';
import { isWebp, readWebp } from './webp-file.js';

/** What a picture file says of itself, as it is stored. */
export interface FileFacts {
  readonly format: 'jpeg' | 'png' | 'webp' | 'gif';
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8; 5 to 8 swap width and height. */
  readonly orientation: number;
  /** Whether the file goes to its end. */
  readonly complete: boolean;
  /** The XMP packet. */
  readonly xmp?: string;
}

/** What is known of a picture before it is decoded. */
export interface ImageHeader {
  readonly format: 'jpeg' | 'png' | 'webp' | 'gif';
  /** Pixels of the picture as it will be seen, turned upright. */
  readonly width: number;
  readonly height: number;
}

/** Reads what JPEG, PNG, WebP and GIF files say of themselves; `undefined` for other files and where that much is damaged. */
export function fileFacts(bytes: Uint8Array): FileFacts | undefined {
  if (isJpeg(bytes)) return readJpeg(bytes);
  if (isPng(bytes)) return readPng(bytes);
  if (isWebp(bytes)) return readWebp(bytes);
  if (/^GIF8[79]a$/.test(latin1(bytes, 0, 6)) && bytes.byteLength >= 13) {
    const view = viewOf(bytes);
    const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
    // Nothing says where its first picture ends, which is the one that is read.
    return { format: 'gif', width, height, orientation: 1, complete: true };
  }
  return undefined;
}

/**
 * The size of a picture without decoding it.
 * @param bytes the whole file, or its beginning: usually 64 kB are enough
 * @returns `undefined` for what is no JPEG, PNG, WebP or GIF, or ends too soon
 */
export function imageHeader(bytes: Uint8Array | ArrayBuffer): ImageHeader | undefined {
  const facts = fileFacts(bytesOf(bytes, 'imageHeader, bytes'));
  if (!facts) return undefined;
  const { format, width, height, orientation } = facts;
  return orientation >= 5 ? { format, width: height, height: width } : { format, width, height };
}
