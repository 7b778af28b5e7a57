import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { aText } from '../../checks/checks.js';
import { alike } from '../../checks/names.js';
import { shortName } from '../../checks/received.js';
import { FauveError } from '../../errors.js';
import { type ShippedStyle, styleIndex } from '../../styles/shipped.js';
import { decodeStyle, type Style } from '../../styles/style-file.js';
import { fileError, readFileChecked, writeFileAtomically } from './files.js';
import { inPackage } from './package.js';

/** A style and the file that it was read from. */
export interface StyleFile {
  readonly path: string;
  readonly sha256: string;
  readonly style: Style;
}

/** `models/styles/` of this installation. */
export const stylesFolder = inPackage('models/styles');

const swatchExtensions = ['.webp', '.jpg', '.png'];

/** Whether a style of this name comes with Fauve. */
export function isShippedStyle(name: string, folder = stylesFolder): boolean {
  aText(name, 'The name of a style');
  aText(folder, 'isShippedStyle, folder');
  return /^[a-z0-9-]+$/.test(name) && existsSync(join(folder, `${name}.style`));
}

/** The styles that come with Fauve, by artist and year. @throws FauveError `system` when the folder cannot be read */
export async function listStyles(folder = stylesFolder): Promise<ShippedStyle[]> {
  aText(folder, 'listStyles, folder');
  const names = await shippedNames(folder);
  const styles = await Promise.all(
    names.map(async (name): Promise<ShippedStyle> => {
      const path = join(folder, `${name}.style`);
      const bytes = await readFileChecked(path, 'Style file');
      const { networks, ...about } = decodeStyle(bytes, path);
      const swatch = swatchExtensions
        .map((extension) => join(folder, name + extension))
        .find((file) => existsSync(file));
      return {
        ...about,
        path,
        bytes: bytes.byteLength,
        sha256: sha256(bytes),
        networks: networks.map(({ network }) => network),
        ...(swatch === undefined ? {} : { swatch }),
      };
    }),
  );
  const lastName = ({ artist }: ShippedStyle) => artist.split(' ').at(-1)!;
  return styles.sort(
    (a, b) =>
      lastName(a).localeCompare(lastName(b), 'en') || (a.year ?? 0) - (b.year ?? 0) || (a.name < b.name ? -1 : 1),
  );
}

/**
 * A style by the name under which it comes with Fauve.
 * @throws FauveError `usage` for an unknown name, with those that are alike
 */
export async function loadStyle(name: string, folder = stylesFolder): Promise<StyleFile> {
  aText(name, 'The name of a style');
  aText(folder, 'loadStyle, folder');
  await requireShippedStyle(name, folder);
  return readStyle(join(folder, `${name}.style`)).catch((error: unknown) => {
    // What to do about a file of the user's is another matter.
    throw incompleteStyles(`${name}.style cannot be read`, error);
  });
}

/** @throws FauveError `usage` for a style that does not come with Fauve, with those that are alike */
export async function requireShippedStyle(name: string, folder = stylesFolder): Promise<void> {
  if (isShippedStyle(name, folder)) return;
  const names = await shippedNames(folder).catch(() => []);
  const meant = alike(name, names).slice(0, 4);
  const hint = meant.length > 0 ? ` Perhaps you mean ${meant.join(' or ')}.` : '';
  throw new FauveError(
    { kind: 'unknown-name', what: 'style', name, known: names },
    `There is no style '${shortName(name)}': it is neither a file nor a style that comes with Fauve.${hint}`,
  );
}

/** Reads a style file. @throws FauveError `input` when it is missing or damaged */
export async function readStyle(path: string | URL): Promise<StyleFile> {
  const bytes = await readFileChecked(path, 'Style file');
  return { path: String(path), sha256: sha256(bytes), style: decodeStyle(bytes, String(path)) };
}

/** Writes `index.json`, which lists the styles of a folder for a browser. @throws FauveError `input` for a damaged style */
export async function writeStyleIndex(folder = stylesFolder): Promise<void> {
  const text = styleIndex(await listStyles(folder), (path) => basename(path));
  await writeFileAtomically(join(folder, 'index.json'), new TextEncoder().encode(text));
}

async function shippedNames(folder: string): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files.flatMap((file) => /^([a-z0-9-]+)\.style$/.exec(file)?.[1] ?? []).sort();
  } catch (error) {
    throw new FauveError('installation', `The styles that come with Fauve are not there. Install Fauve again.`, {
      cause: fileError(error, 'read', folder),
    });
  }
}

function incompleteStyles(why: string, cause: unknown): FauveError {
  const message = `The styles that come with Fauve are not complete: ${why}. Install Fauve again.`;
  return new FauveError('installation', message, { cause });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
