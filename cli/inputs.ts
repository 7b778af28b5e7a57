import { existsSync } from 'node:fs';
import { decodeImage, FauveError, type Image, readFileChecked, sha256Hex } from 'fauve';

/** A style as a command line names it. */
export interface StyleArgument {
  readonly path: string;
  /** As given; without it the styles share equally. */
  readonly weight?: number;
}

/** A picture that was read, and the checksum of its file. */
export interface PictureFile {
  readonly path: string;
  readonly sha256: string;
  readonly image: Image;
}

/** The pictures that a run starts from. */
export interface Pictures {
  readonly content: PictureFile;
  readonly styles: readonly (PictureFile & { readonly weight: number })[];
  readonly init?: PictureFile;
  readonly generated?: PictureFile;
}

/** Which files those are. */
export interface PicturePaths {
  readonly content: string;
  readonly styles: readonly { readonly path: string; readonly weight: number }[];
  readonly init?: string;
  /** A picture that is measured. */
  readonly generated?: string;
}

/**
 * A style image with an optional weight: `starry-night.jpg`, `waves.jpg:0.5`. Names may hold colons (`C:\waves.jpg`): only a
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
      `The weight of the style ${path} is a positive number, received '${weight}'. Write --style IMAGE or --style IMAGE:0.5.`,
    );
  }
  return { path, weight: value };
}

/**
 * Reads the pictures.
 * @throws FauveError `input` for a file that is missing, damaged or no picture; `aborted` when the signal fires meanwhile
 */
export async function readPictures(paths: PicturePaths, signal?: AbortSignal): Promise<Pictures> {
  const read = async (path: string, what: string): Promise<PictureFile> => {
    const bytes = await readFileChecked(path, what);
    const { image } = await decodeImage(bytes, { what, fileName: path });
    const sha256 = await sha256Hex(bytes);
    throwIfStopped(signal);
    return { path, sha256, image };
  };
  const content = await read(paths.content, 'Content image');
  const styles: Pictures['styles'][number][] = [];
  for (const { path, weight } of paths.styles) styles.push({ ...(await read(path, 'Style image')), weight });
  const { init, generated } = paths;
  return {
    content,
    styles,
    ...(init === undefined ? {} : { init: await read(init, 'Start image') }),
    ...(generated === undefined ? {} : { generated: await read(generated, 'Picture') }),
  };
}

/** @throws FauveError `aborted` */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new FauveError('aborted', 'Stopped before the first step; nothing was written.');
}
