import { z } from 'zod';
import { FauveError } from '../errors.js';
import type { StyleAbout } from './style-file.js';

/** A style that comes with Fauve, without its numbers. */
export interface ShippedStyle extends StyleAbout {
  /** The style file: a path, in a browser its URL. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 (hex) of the file. */
  readonly sha256: string;
  /** Loss networks that it is for. */
  readonly networks: readonly string[];
  /** A picture that Fauve made from the style alone: a path, in a browser its URL. */
  readonly swatch?: string;
}

const fileName = z.string().regex(/^[\w.-]+$/);

const indexSchema = z.array(
  z.object({
    name: z.string(),
    title: z.string(),
    artist: z.string(),
    year: z.number().nullable(),
    source: z.string(),
    palette: z.array(z.string()),
    path: fileName,
    bytes: z.int().positive(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    networks: z.array(z.string()),
    swatch: fileName.optional(),
  }),
);

/**
 * Reads `models/styles/index.json`, which lists the styles where a folder cannot be listed.
 * @param json the parsed file
 * @param place where the style files are: the path or URL of a file in that folder
 * @throws FauveError `system` when it is no such list
 */
export function parseStyleIndex(json: unknown, place: (file: string) => string, fileName: string): ShippedStyle[] {
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new FauveError(
      'machine',
      `${fileName} is no list of styles: ${path.join('.') || 'the whole'}: ${message}. Get the files of Fauve again.`,
    );
  }
  return parsed.data.map(({ path, swatch, ...about }) => ({
    ...about,
    path: place(path),
    ...(swatch === undefined ? {} : { swatch: place(swatch) }),
  }));
}

/** The list that {@link parseStyleIndex} reads, as a file. @param nameOf the name of a file, from its path */
export function styleIndex(styles: readonly ShippedStyle[], nameOf: (path: string) => string): string {
  const entries = styles.map(({ path, swatch, ...about }) => ({
    ...about,
    path: nameOf(path),
    ...(swatch === undefined ? {} : { swatch: nameOf(swatch) }),
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}
