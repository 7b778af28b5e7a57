import { concat, latin1, viewOf } from './bytes.js';
import { exifName, exifOrientation } from './exif.js';
import type { FileFacts } from './header.js';
import { endOfBlocks } from './jpeg-scan.js';

const XMP_NAME = 'http://ns.adobe.com/xap/1.0/\0';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === SOI && bytes[2] === 0xff;
}

/** Reads the segments of a JPEG (ITU T.81, annex B); `undefined` where it ends before its size is said. */
export function readJpeg(bytes: Uint8Array): FileFacts | undefined {
  const view = viewOf(bytes);
  let size: { width: number; height: number } | undefined;
  let orientation = 1;
  let complete = false;
  let xmp: string | undefined;
  let at = 2;
  while (at + 4 <= bytes.byteLength || (bytes[at] === 0xff && bytes[at + 1] === EOI)) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    if (marker === EOI) {
      complete = true;
      break;
    }
    // Bytes may be filled up with 0xff; these markers stand alone.
    if (marker === 0xff || marker === 0x01 || isRestart(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.byteLength) break;
    const data = bytes.subarray(at + 4, end);
    if (isFrame(marker) && data.byteLength >= 5) {
      size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    } else if (marker === APP1 && latin1(data, 0, exifName.length) === exifName) {
      orientation = exifOrientation(data);
    } else if (marker === APP1 && latin1(data, 0, XMP_NAME.length) === XMP_NAME) {
      xmp ??= new TextDecoder().decode(data.subarray(XMP_NAME.length));
    }
    at = marker === SOS ? endOfScan(bytes, end) : end;
  }
  return size && { format: 'jpeg', ...size, orientation, complete, ...(xmp === undefined ? {} : { xmp }) };
}

/**
 * The same picture with the end marker that it lacks: some cameras write none.
 * @returns `cut` when more is missing, `unknown` when that cannot be said
 */
export function mendJpeg(jpeg: Uint8Array): Uint8Array<ArrayBuffer> | 'cut' | 'unknown' {
  const end = endOfBlocks(jpeg);
  return typeof end === 'string' ? end : concat([jpeg.subarray(0, end), new Uint8Array([0xff, EOI])]);
}

/** What to tell of a picture that was mended. */
export const mendedNotice = (fileName: string): string =>
  `${fileName} does not end as a JPEG does; nothing of the picture is missing.`;

/** The same picture with an XMP packet. */
export function tagJpeg(jpeg: Uint8Array, xmp: string): Uint8Array<ArrayBuffer> {
  // After the JFIF segment, which has to be the first.
  const at = jpeg[3] === APP0 ? 4 + viewOf(jpeg).getUint16(4) : 2;
  const data = new TextEncoder().encode(XMP_NAME + xmp);
  const length = data.byteLength + 2;
  return concat([
    jpeg.subarray(0, at),
    new Uint8Array([0xff, APP1, length >> 8, length & 0xff]),
    data,
    jpeg.subarray(at),
  ]);
}

/** The next marker after compressed data, in which 0xff is followed by 0 or by the number of a restart. */
function endOfScan(bytes: Uint8Array, start: number): number {
  let at = bytes.indexOf(0xff, start);
  while (at >= 0) {
    const next = bytes[at + 1];
    if (next === undefined) break;
    if (next !== 0 && next !== 0xff && !isRestart(next)) return at;
    at = bytes.indexOf(0xff, at + (next === 0xff ? 1 : 2));
  }
  return bytes.byteLength;
}

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;

/** SOF0 to SOF15, without the tables DHT, JPG and DAC among them. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
