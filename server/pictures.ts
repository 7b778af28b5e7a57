import { basename } from 'node:path/posix';
import { decodeImage, decodeStyle, type Image, loadStyle, looksLikeStyle, type Style, sha256Hex } from 'fauve';

/** A file as the page sends it. */
export interface UploadedFile {
  /** Without folders: what is written into recipes and sentences, never a place on a disk. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A style that is ready, and what the recipe says of it. */
export type ReadStyle = ({ readonly image: Image } | { readonly style: Style }) & {
  readonly path: string;
  readonly sha256: string;
  readonly shipped?: true;
};

/** Names that are longer are cut: a disk takes 255 bytes. */
const LONGEST_NAME = 100;

/** The last part of a file's name, in characters that can be shown. */
export function cleanName(name: string, otherwise: string): string {
  const base = basename(name.replaceAll('\\', '/')).replace(/\p{C}/gu, '').trim();
  return base === '' || base === '.' || base === '..' ? otherwise : [...base].slice(-LONGEST_NAME).join('');
}

/** @throws FauveError `input` when it is no picture */
export async function readPhoto({ name, bytes }: UploadedFile): Promise<{ image: Image; sha256: string }> {
  const { image } = await decodeImage(bytes, { what: 'Photo', fileName: name });
  return { image, sha256: await sha256Hex(bytes) };
}

/** Reads a painting, or a style file. @throws FauveError `input` when it is neither */
export async function readUploadedStyle({ name, bytes }: UploadedFile): Promise<ReadStyle> {
  const sha256 = await sha256Hex(bytes);
  if (looksLikeStyle(bytes)) return { path: name, sha256, style: decodeStyle(bytes, name) };
  return { path: name, sha256, image: (await decodeImage(bytes, { what: 'Style image', fileName: name })).image };
}

/** @param name one of those that come with Fauve, checked */
export async function readShippedStyle(name: string): Promise<ReadStyle> {
  const { style, sha256 } = await loadStyle(name);
  return { path: name, sha256, style, shipped: true };
}
