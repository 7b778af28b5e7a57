import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FauveError } from '../errors.js';
import type { PictureSource } from '../pipelines/distil/crops.js';
import { fileError } from './files.js';
import { readImage } from './images.js';

const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.avif']);

/**
 * The pictures in a folder, by their names' order; none is read yet.
 * @param without names that are left out
 * @throws FauveError `input` when the folder is missing or holds no picture
 */
export async function pictureFolder(folder: string, without: readonly string[] = []): Promise<PictureSource[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw fileError(error, 'read', folder, 'The folder');
  }
  const pictures = names
    .filter((name) => extensions.has(extname(name).toLowerCase()) && !without.includes(name))
    .sort();
  if (pictures.length === 0) {
    throw new FauveError(
      'input',
      `${folder} holds no picture (${[...extensions].join(', ')}). Name a folder that does.`,
    );
  }
  return pictures.map((name) => ({ name, read: () => readImage(join(folder, name)) }));
}
