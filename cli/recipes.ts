import { existsSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { decodeRecipe, encodeRecipe, FauveError, type Recipe } from 'fauve';
import { withPaths } from 'fauve/jobs';
import { decodeImage, readFileChecked } from 'fauve/node';

/** What a pipe is called where a job needs a name. */
export const pipeName = 'from standard input';

/** The recipe of a picture as it is written into it. @param output its file: the recipe names others from its folder */
export function recipeIn(output: string, recipe: Recipe, quality: number | undefined): string {
  // A pipe has no folder.
  const named = withPaths(recipe, (path) => (path === pipeName ? '-' : pathFrom(output, path)));
  return encodeRecipe({ ...named, quality });
}

/** The recipe that a picture carries. @throws FauveError `input` when it has none */
export async function readRecipe(picture: string): Promise<{ readonly recipe: Recipe; readonly bits: 8 | 16 }> {
  const what = 'Picture';
  const { recipe, bits } = await decodeImage(await readFileChecked(picture, what), { what, fileName: picture });
  if (recipe === undefined) {
    throw new FauveError(
      'input',
      `${picture} carries no recipe: Fauve did not make it, or another program took its metadata away. Use fauve stylize.`,
    );
  }
  return { recipe: decodeRecipe(recipe, picture), bits };
}

/**
 * A file of a recipe, from where the command runs.
 * @param picture the one that holds the recipe
 * @throws FauveError `input` when the file is no longer where the recipe says
 */
export function found(picture: string, file: string, what: string, remedy: string): string {
  if (file === '-') {
    throw new FauveError('input', `The ${what} of ${picture} came from a pipe. Say which file it is with ${remedy}.`);
  }
  const near = relative('', resolve(dirname(picture), file));
  const path = near.startsWith(`..${sep}..${sep}`) ? resolve(near) : near;
  if (existsSync(path)) return path;
  throw new FauveError(
    'input',
    `The ${what} that ${picture} was made from is no longer at ${resolve(path)}. Say where it is with ${remedy}.`,
  );
}

/** A path from the folder of a picture, with forward slashes, so that it is the same on every system. */
function pathFrom(picture: string, file: string): string {
  return relative(dirname(resolve(picture)), resolve(file)).replaceAll(sep, '/');
}
