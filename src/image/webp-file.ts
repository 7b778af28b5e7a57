import { concat, latin1, uint32, viewOf } from './bytes.js';
import { exifOrientation } from './exif.js';
import type { FileFacts } from './header.js';

const ALPHA = 0x10;
const XMP = 0x04;

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

export function isWebp(bytes: Uint8Array): boolean {
  return latin1(bytes, 0, 4) === 'RIFF' && latin1(bytes, 8, 12) === 'WEBP';
}

/** Reads the chunks of a WebP (RFC 9649); `undefined` where it ends before its size is said. */
export function readWebp(bytes: Uint8Array): FileFacts | undefined {
  const found = chunks(bytes);
  const size = found[0] && sizeOf(found[0]);
  if (!size) return undefined;
  const first = (type: string) => found.find((chunk) => chunk.type === type)?.data;
  const exif = first('EXIF');
  const xmp = first('XMP ');
  return {
    format: 'webp',
    width: size.width,
    height: size.height,
    orientation: exif ? exifOrientation(exif) : 1,
    complete: viewOf(bytes).getUint32(4, true) + 8 <= bytes.byteLength,
    ...(xmp === undefined ? {} : { xmp: new TextDecoder().decode(xmp) }),
  };
}

/** The same picture with an XMP packet. */
export function tagWebp(webp: Uint8Array, xmp: string): Uint8Array<ArrayBuffer> {
  const found = chunks(webp);
  const { width, height, alpha } = sizeOf(found[0]!)!;
  const flags = (found[0]!.type === 'VP8X' ? found[0]!.data[0]! : alpha ? ALPHA : 0) | XMP;
  const three = (value: number) => uint32(value, true).subarray(0, 3);
  const header = concat([new Uint8Array([flags, 0, 0, 0]), three(width - 1), three(height - 1)]);
  const body = concat([
    latin1Bytes('WEBP'),
    ...[{ type: 'VP8X', data: header }, ...found.filter(({ type }) => type !== 'VP8X')].map(encodeChunk),
    encodeChunk({ type: 'XMP ', data: new TextEncoder().encode(xmp) }),
  ]);
  return concat([latin1Bytes('RIFF'), uint32(body.byteLength, true), body]);
}

function chunks(bytes: Uint8Array): Chunk[] {
  const found: Chunk[] = [];
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    found.push({ type: latin1(bytes, at, at + 4), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length & 1);
  }
  return found;
}

/** Of the first chunk: extended, lossy (RFC 6386, 9.1) or lossless (RFC 9649, 3.4). */
function sizeOf({ type, data }: Chunk): { width: number; height: number; alpha: boolean } | undefined {
  if (data.byteLength < (type === 'VP8L' ? 5 : 10)) return undefined;
  const view = viewOf(data);
  switch (type) {
    case 'VP8X': {
      const three = (at: number) => view.getUint16(at, true) + (data[at + 2]! << 16) + 1;
      return { width: three(4), height: three(7), alpha: (data[0]! & ALPHA) !== 0 };
    }
    case 'VP8 ':
      return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff, alpha: false };
    case 'VP8L': {
      const bits = view.getUint32(1, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha: (bits >>> 28) % 2 === 1 };
    }
    default:
      return undefined;
  }
}

function encodeChunk({ type, data }: Chunk): Uint8Array {
  return concat([latin1Bytes(type), uint32(data.byteLength, true), data, new Uint8Array(data.byteLength & 1)]);
}

const latin1Bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
