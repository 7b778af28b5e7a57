import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import { FauveError, messageOf } from '../errors.js';
import type { PictureSize, PictureSource } from '../pipelines/crops.js';
import { fileError } from './files.js';

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
  return pictures.map((name) => pictureSource(folder, name));
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
