import { existsSync } from 'node:fs';
import { FauveError, type StyleReference } from 'fauve';
import { isShippedStyle, styleReferenceOf } from 'fauve/node';

/** A style as a command line names it. */
export interface StyleArgument {
  /** Of a painting or a style file, or the name of a style that comes with Fauve. */
  readonly path: string;
  /** As given; without it the styles share equally. */
  readonly weight?: number;
}

/** A style and its share, as a job names them. */
export type WeightedReference = StyleReference & { readonly weight: number };

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
      'request',
      `The weight of the style ${path} is a positive number, received '${weight}'. Write --style NAME or --style NAME:0.5.`,
    );
  }
  return { path, weight: value };
}

/** The same for a job: an existing file, or else a style that comes with Fauve. */
export function styleOf({ path, weight = 1 }: StyleArgument): WeightedReference {
  return { ...styleReferenceOf(path), weight };
}

/** The style that a config file names: a file from the folder of the config file, unless it comes with Fauve. */
export function styleFrom(text: string, fromFolder: (file: string) => string): StyleArgument {
  const there = parseStyle(fromFolder(text));
  const named = parseStyle(text);
  return !existsSync(there.path) && isShippedStyle(named.path) ? named : there;
}
