import { dirname, relative, resolve, sep } from 'node:path';
import { type NetworkWeights, type Recipe, type StylizeOptions, version } from 'fauve';
import type { CapturedFile, PictureFile, Pictures } from './inputs.js';

/** The networks of a run. */
export interface Networks {
  readonly weights: NetworkWeights;
  /** Of the last steps, where there are such. */
  readonly polishWeights?: NetworkWeights;
  /** The trained network that `init: 'fast'` starts with. */
  readonly fast?: { readonly name: string; readonly sha256: string };
}

/** The recipe of a picture that is written to `output`: its files are named from that folder. */
export function recipeOf(
  output: string,
  { content, styles, init }: Pictures,
  { weights, polishWeights, fast }: Networks,
  engine: string,
  options: StylizeOptions,
): Recipe {
  const file = ({ path, sha256 }: PictureFile | CapturedFile) => ({ path: pathFrom(output, path), sha256 });
  return {
    fauve: version,
    network: { name: weights.name, sha256: weights.sha256 },
    ...(polishWeights ? { polish: { name: polishWeights.name, sha256: polishWeights.sha256 } } : {}),
    ...(fast ? { fast: { name: fast.name, sha256: fast.sha256 } } : {}),
    engine,
    content: file(content),
    styles: styles.map((style) =>
      'shipped' in style
        ? { path: style.path, sha256: style.sha256, weight: style.weight, shipped: true }
        : { ...file(style), weight: style.weight },
    ),
    ...(init ? { init: file(init) } : {}),
    options,
  };
}

/** A file of a recipe, from where the command runs. @param picture the one that holds the recipe */
export function pathTo(picture: string, file: string): string {
  const path = relative('', resolve(dirname(picture), file));
  return path.startsWith(`..${sep}..${sep}`) ? resolve(path) : path;
}

/** What is no longer as it was when the recipe was written, a line each. */
export function differences(recipe: Recipe, pictures: Pictures, { weights, polishWeights, fast }: Networks): string[] {
  const lines: string[] = [];
  const compare = (
    what: string,
    before: { sha256: string } | undefined,
    now: PictureFile | CapturedFile | undefined,
  ) => {
    if (now && before?.sha256 !== now.sha256) {
      lines.push(`${what} ${now.path} is not the file that the picture was made with: the result will differ.`);
    }
  };
  compare('The content image', recipe.content, pictures.content);
  for (const [i, style] of pictures.styles.entries())
    compare('style' in style ? 'The style' : 'The style image', recipe.styles[i], style);
  compare('The start image', recipe.init, pictures.init);
  const compareNetwork = (before: Recipe['network'] | undefined, now: Recipe['network'] | undefined) => {
    if (!before || !now || (before.name === now.name && before.sha256 === now.sha256)) return;
    lines.push(
      `The picture was made with other weights (${before.name}, SHA-256 ${before.sha256.slice(0, 12)}…) than these (${now.name}, ${now.sha256.slice(0, 12)}…): the result will differ.`,
    );
  };
  compareNetwork(recipe.network, weights);
  compareNetwork(recipe.polish, polishWeights);
  compareNetwork(recipe.fast, fast);
  if (recipe.fauve !== version) {
    lines.push(`The picture was made with Fauve ${recipe.fauve}, this is ${version}: the result may differ.`);
  }
  return lines;
}

/** A path from the folder of a picture, with forward slashes, so that it is the same on every system. */
function pathFrom(picture: string, file: string): string {
  return relative(dirname(resolve(picture)), resolve(file)).replaceAll(sep, '/');
}
