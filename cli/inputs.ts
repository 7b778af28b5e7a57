import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import {
  decodeImage,
  decodeStyle,
  FauveError,
  type Image,
  isShippedStyle,
  loadStyle,
  looksLikeStyle,
  readFileChecked,
  type Style,
  sha256Hex,
} from 'fauve';

/** A style as a command line names it. */
export interface StyleArgument {
  /** Of a painting or a style file, or the name of a style that comes with Fauve. */
  readonly path: string;
  /** As given; without it the styles share equally. */
  readonly weight?: number;
}

/** A picture that was read, and the checksum of its file. */
export interface PictureFile {
  readonly path: string;
  readonly sha256: string;
  readonly image: Image;
  /** What is unusual about it. */
  readonly notices?: readonly string[];
}

/** A captured style that was read, and the checksum of its file. */
export interface CapturedFile {
  /** Of one that comes with Fauve: its name. */
  readonly path: string;
  readonly sha256: string;
  readonly style: Style;
  readonly shipped?: true;
}

/** The pictures that a run starts from. */
export interface Pictures {
  readonly content: PictureFile;
  readonly styles: readonly ((PictureFile | CapturedFile) & { readonly weight: number })[];
  readonly init?: PictureFile;
  readonly generated?: PictureFile;
}

/** Which files those are. */
export interface PicturePaths {
  readonly content: string;
  /** `shipped`: the path is the name of a style that comes with Fauve, even where there is a file of that name. */
  readonly styles: readonly { readonly path: string; readonly weight: number; readonly shipped?: true }[];
  readonly init?: string;
  /** A picture that is measured. */
  readonly generated?: string;
}

/**
 * A style with an optional weight: `starry-night.jpg`, `waves.jpg:0.5`, `great-wave:2`. Names may hold colons (`C:\waves.jpg`): only a
 * number after the last one is a weight, and an existing file of the whole name comes first.
 * @throws FauveError `usage` for a weight that is not a positive number
 */
export function parseStyle(text: string): StyleArgument {
  const [, path, weight] = /^(.+):([^:\\/]*)$/s.exec(text) ?? [];
  if (path === undefined || weight === undefined || existsSync(text)) return { path: text };
  const value = weight.trim() === '' ? Number.NaN : Number(weight);
  // What looks like no number may still belong to the name, unless the file is there without it.
  if (Number.isNaN(value) && !existsSync(path)) return { path: text };
  if (!(value > 0 && Number.isFinite(value))) {
    throw new FauveError(
      'usage',
      `The weight of the style ${path} is a positive number, received '${weight}'. Write --style NAME or --style NAME:0.5.`,
    );
  }
  return { path, weight: value };
}

/**
 * Reads a style: an existing file, or else a style that comes with Fauve.
 * @param shipped that it is one of the latter
 * @throws FauveError `input` for a file that is missing or damaged, `usage` for an unknown name
 */
export async function readStyleArgument(path: string, shipped = false): Promise<PictureFile | CapturedFile> {
  // What has a folder or an extension was meant as a file.
  const named = shipped || (!existsSync(path) && extname(path) === '' && !/[\\/]/.test(path));
  if (named) {
    const { style, sha256 } = await loadStyle(path);
    return { path, sha256, style, shipped: true };
  }
  const what = extname(path).toLowerCase() === '.style' ? 'Style file' : 'Style image';
  const bytes = await readFileChecked(path, what);
  const sha256 = await sha256Hex(bytes);
  if (what === 'Style file' || looksLikeStyle(bytes)) return { path, sha256, style: decodeStyle(bytes, path) };
  const { image, notices = [] } = await decodeImage(bytes, { what, fileName: path });
  return { path, sha256, image, notices };
}

/** The style that a config file names: a file from the folder of the config file, unless it comes with Fauve. */
export function styleFrom(text: string, fromFolder: (file: string) => string): StyleArgument {
  const there = parseStyle(fromFolder(text));
  const named = parseStyle(text);
  return !existsSync(there.path) && isShippedStyle(named.path) ? named : there;
}

/**
 * Reads the pictures.
 * @throws FauveError `input` for a file that is missing, damaged or no picture; `aborted` when the signal fires meanwhile
 */
export async function readPictures(paths: PicturePaths, signal?: AbortSignal): Promise<Pictures> {
  const read = async (path: string, what: string): Promise<PictureFile> => {
    const bytes = await readFileChecked(path, what);
    const { image, notices = [] } = await decodeImage(bytes, { what, fileName: path });
    const sha256 = await sha256Hex(bytes);
    throwIfStopped(signal);
    return { path, sha256, image, notices };
  };
  const content = await read(paths.content, 'Content image');
  const styles: Pictures['styles'][number][] = [];
  for (const { path, weight, shipped } of paths.styles) {
    styles.push({ ...(await readStyleArgument(path, shipped)), weight });
    throwIfStopped(signal);
  }
  const { init, generated } = paths;
  return {
    content,
    styles,
    ...(init === undefined ? {} : { init: await read(init, 'Start image') }),
    ...(generated === undefined ? {} : { generated: await read(generated, 'Picture') }),
  };
}

/** What is unusual about the pictures' files. */
export function noticesOf({ content, styles, init, generated }: Pictures): readonly string[] {
  return [content, ...styles, init, generated].flatMap((each) => (each && 'image' in each && each.notices) || []);
}

/** @throws FauveError `aborted` */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new FauveError('aborted', 'Stopped before the first step; nothing was written.');
}
