import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { aText, listOf } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import {
  countKinds,
  type FolderEntry,
  isHidden,
  kindNames,
  kindOf,
  type PictureKind,
  pictureKinds,
} from '../../image/kinds.js';
import type { PictureSize, PictureSource } from '../../training/crops.js';
import { fileError } from './files.js';

/** What a folder holds. */
export interface FolderListing {
  /** Of the pictures, in order. */
  readonly names: readonly string[];
  /** A sentence about what else lies there, hidden files apart; `undefined` when there is nothing. */
  readonly leftOut: string | undefined;
}

/** HEIC is decoded as a whole, which takes seconds: too long for thousands of crops. */
const cropKinds = pictureKinds.filter(({ name }) => name !== 'HEIC');

/**
 * The names of the pictures in a folder, told by their extensions; none is read.
 * @param without names that are left out and not told
 * @throws FauveError `input` when the folder is missing or holds no picture
 */
export async function listPictures(
  folder: string,
  options: { without?: readonly string[]; kinds?: readonly PictureKind[] } = {},
): Promise<FolderListing> {
  const { without = [], kinds = pictureKinds } = options;
  aText(folder, 'The folder');
  listOf(aText, 'names')(without, 'pictureFolder, without');
  const names: string[] = [];
  const rest: FolderEntry[] = [];
  for (const entry of await entriesOf(folder)) {
    if (isHidden(entry.name) || without.includes(entry.name)) continue;
    const readable = kindOf(entry.name, kinds) !== undefined;
    // A link that leads nowhere is a picture that cannot be read: it is told when its turn comes.
    if (readable && entry.is === 'file') names.push(entry.name);
    else rest.push(entry);
  }
  const found = countKinds(rest, pictureKinds);
  const heic = rest.some(({ name, is }) => is === 'file' && kindOf(name, pictureKinds))
    ? ' HEIC is not read here: save it as JPEG.'
    : '';
  if (names.length === 0) {
    throw new FauveError(
      'input',
      `${folder} holds no picture (${kindNames(kinds)})${rest.length > 0 ? `, but ${found}` : ''}.${heic} Name a folder that does.`,
    );
  }
  const are = rest.length === 1 ? 'is' : 'are';
  return { names, leftOut: rest.length === 0 ? undefined : `In ${folder}, ${found} ${are} left out.${heic}` };
}

/** What is in a folder, by name; what links lead to. */
async function entriesOf(folder: string): Promise<FolderEntry[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const told = entries.map(async (entry) => {
      const at = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
      const is: FolderEntry['is'] = at?.isDirectory() ? 'folder' : at === undefined || at.isFile() ? 'file' : 'device';
      return { name: entry.name, is };
    });
    return (await Promise.all(told)).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw fileError(error, 'read', folder, 'The folder');
  }
}

/**
 * The pictures in a folder that training can take crops of, by their names' order; none is read yet.
 * @param without names that are left out
 * @param onLeftOut told in one sentence what else lies there, if anything
 * @throws FauveError `input` when the folder is missing or holds no picture
 */
export async function pictureFolder(
  folder: string,
  without: readonly string[] = [],
  onLeftOut: (sentence: string) => void = () => {},
): Promise<PictureSource[]> {
  const { names, leftOut } = await listPictures(folder, { without, kinds: cropKinds });
  if (leftOut !== undefined) onLeftOut(leftOut);
  return names.map((name) => pictureSource(folder, name));
}

/** Crops come straight from the decoder's own resizing, off this thread: training needs thousands of them. */
function pictureSource(folder: string, name: string): PictureSource {
  const path = join(folder, name);
  const fail = (error: unknown) =>
    new FauveError('input', `${path} is damaged or no picture: ${messageOf(error)}. Remove it from the folder.`, {
      cause: error,
    });
  let known: Promise<PictureSize> | undefined;
  return {
    name,
    size() {
      known ??= sharp(path)
        .metadata()
        .then(({ autoOrient, space, channels }) => ({
          width: autoOrient.width,
          height: autoOrient.height,
          colours: space === 'cmyk' ? ('cmyk' as const) : channels < 3 ? ('grey' as const) : ('rgb' as const),
        }))
        .catch((error) => {
          throw fail(error);
        });
      return known;
    },
    async crop({ left, top, mirrored, ...part }, width, height) {
      const pixels = await sharp(path, { autoOrient: true })
        .extract({ left, top, ...part })
        .resize(width, height, { kernel: 'cubic', fit: 'fill' })
        .flop(mirrored)
        .toColourspace('srgb')
        .removeAlpha()
        .raw()
        .toBuffer()
        .catch((error) => {
          throw fail(error);
        });
      const plane = width * height;
      const channels = pixels.length / plane;
      const data = new Float32Array(3 * plane);
      for (let i = 0; i < plane; i++) {
        for (let c = 0; c < 3; c++) data[c * plane + i] = pixels[i * channels + (channels === 3 ? c : 0)]! / 255;
      }
      return data;
    },
  };
}
