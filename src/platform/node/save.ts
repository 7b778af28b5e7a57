import { dirname, relative, resolve, sep } from 'node:path';
import { anObject, aText } from '../../checks/checks.js';
import type { EncodeOptions } from '../../image/file.js';
import type { Image } from '../../image/image.js';
import { encodeRecipe, type Recipe, withPaths } from '../../jobs/recipe.js';
import { writeImage } from './images.js';

/**
 * Writes the picture of a job with its recipe, so that `fauve redo` makes it again.
 * @param path ends in .png, .jpg, .webp or .tif
 * @throws FauveError `usage` for another extension, `input` or `system` when the file cannot be written
 */
export async function savePicture(
  path: string,
  result: { readonly image: Image; readonly recipe: Recipe },
  options: Pick<EncodeOptions, 'quality' | 'bits'> = {},
): Promise<void> {
  aText(path, 'savePicture, path');
  anObject(result, 'savePicture, result');
  anObject(options, 'savePicture, options');
  const { quality, bits } = options;
  const recipe = encodeRecipe({ ...recipeBeside(path, result.recipe), quality });
  await writeImage(path, result.image, { quality, bits, recipe });
}

/** A recipe whose files are named from the folder of a picture, with forward slashes, so that it is the same on every system. */
export function recipeBeside<R extends Recipe>(picture: string, recipe: R): R {
  aText(picture, 'recipeBeside, picture');
  const folder = dirname(resolve(picture));
  return withPaths(recipe, (path) => relative(folder, resolve(path)).replaceAll(sep, '/'));
}
