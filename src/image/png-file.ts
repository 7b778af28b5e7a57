import { unzlibSync, zlibSync } from 'fflate';
import { concat, latin1, uint32, viewOf } from './bytes.js';
import { exifOrientation } from './exif.js';
import type { FileFacts } from './header.js';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const XMP_KEYWORD = 'XML:com.adobe.xmp';

/** What a PNG says of itself. */
export interface PngFacts extends FileFacts {
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: number;
  readonly bitDepth: number;
  /** Whether a colour, or entries of the palette, are transparent (tRNS). */
  readonly hasTransparency: boolean;
  /** Whether its values mean something else than sRGB. */
  readonly otherColours: boolean;
}

/** 8 bits each, a row every `stride` bytes. */
export interface Levels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly stride: number;
  readonly data: Uint8Array;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Reads the chunks of a PNG (PNG specification, third edition); `undefined` where even its header is not whole. */
export function readPng(bytes: Uint8Array): PngFacts | undefined {
  const found = chunks(bytes);
  const header = found[0];
  if (header?.type !== 'IHDR' || header.data.byteLength !== 13) return undefined;
  const view = viewOf(header.data);
  const first = (type: string) => found.find((chunk) => chunk.type === type)?.data;
  const profile = first('iCCP');
  const exif = first('eXIf');
  const xmp = found.flatMap((chunk) => readXmp(chunk) ?? [])[0];
  return {
    format: 'png',
    width: view.getUint32(0),
    height: view.getUint32(4),
    orientation: exif ? exifOrientation(exif) : 1,
    complete: found.at(-1)!.type === 'IEND',
    bitDepth: header.data[8]!,
    colourType: header.data[9]!,
    hasTransparency: first('tRNS') !== undefined,
    otherColours: first('cICP') !== undefined || (profile !== undefined && !isSrgbProfile(profile)),
    ...(xmp === undefined ? {} : { xmp }),
  };
}

/** The same picture, said to be sRGB, with an XMP packet. */
export function tagPng(png: Uint8Array, xmp: string | undefined): Uint8Array<ArrayBuffer> {
  // Signature, length, type, 13 bytes and checksum of IHDR: the header's end.
  const end = 33;
  const has = new Set(chunks(png).map(({ type }) => type));
  const srgb = has.has('sRGB') || has.has('iCCP') ? [] : [encodeChunk('sRGB', new Uint8Array([0]))];
  const text =
    xmp === undefined ? [] : [encodeChunk('iTXt', new TextEncoder().encode(`${XMP_KEYWORD}\0\0\0\0\0${xmp}`))];
  return concat([png.subarray(0, end), ...srgb, ...text, png.subarray(end)]);
}

/** A PNG without compression, quickly made, with the colour profile that the levels have. */
export function plainPng(
  { width, height, channels, stride, data }: Levels,
  profile: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const row = width * channels;
  // No filter (0) before each row.
  const rows = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * stride, y * stride + row), y * (row + 1) + 1);
  const header = concat([uint32(width), uint32(height), new Uint8Array([8, channels === 4 ? 6 : 2, 0, 0, 0])]);
  // After its name, a zero and the method of compression, 0.
  const name = new TextEncoder().encode('profile\0\0');
  return concat([
    new Uint8Array(SIGNATURE),
    encodeChunk('IHDR', header),
    ...(profile === undefined ? [] : [encodeChunk('iCCP', concat([name, zlibSync(profile)]))]),
    encodeChunk('IDAT', zlibSync(rows, { level: 0 })),
    encodeChunk('IEND', new Uint8Array(0)),
  ]);
}

/** The chunks that are whole. */
function chunks(bytes: Uint8Array): Chunk[] {
  const found: Chunk[] = [];
  const view = viewOf(bytes);
  for (let at = SIGNATURE.length; at + 12 <= bytes.byteLength; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.byteLength) break;
    const type = latin1(bytes, at + 4, at + 8);
    found.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    if (type === 'IEND') break;
    at += 12 + length;
  }
  return found;
}

/** The XMP packet in a text chunk: of international text, where it belongs, or of compressed text, where some programs put it. */
function readXmp({ type, data }: Chunk): string | undefined {
  if (latin1(data, 0, XMP_KEYWORD.length + 1) !== `${XMP_KEYWORD}\0`) return undefined;
  // iTXt: keyword 0 compressed method language 0 keyword 0 text. zTXt: keyword 0 method text.
  const at = XMP_KEYWORD.length + 1;
  const start = type === 'zTXt' ? at + 1 : data.indexOf(0, data.indexOf(0, at + 2) + 1) + 1;
  const compressed = type === 'zTXt' || data[at] === 1;
  const text = data.subarray(start);
  try {
    return new TextDecoder().decode(compressed ? unzlibSync(text) : text);
  } catch {
    return undefined;
  }
}

/** Profiles are told by their description: all that are made for sRGB have its name in it. */
function isSrgbProfile(chunk: Uint8Array): boolean {
  try {
    const profile = unzlibSync(chunk.subarray(chunk.indexOf(0) + 2));
    // Version 2 of the format describes in ASCII, version 4 in UTF-16.
    return /s\0?R\0?G\0?B/.test(latin1Whole(profile));
  } catch {
    return false;
  }
}

const latin1Whole = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

function encodeChunk(type: string, data: Uint8Array): Uint8Array {
  const body = concat([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), data]);
  return concat([uint32(data.byteLength), body, uint32(crc32(body))]);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** PNG specification, annex D. */
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
