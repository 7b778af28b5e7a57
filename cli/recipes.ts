import { existsSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { FauveError, type NetworkWeights, type Recipe, type StylizeRecipe, version } from 'fauve';
import type { CapturedFile, PictureFile, Pictures } from './inputs.js';

/** The networks of a run. */
export interface Networks {
  readonly weights: NetworkWeights;
  /** Of the last steps, where there are such. */
  readonly polishWeights?: NetworkWeights;
  /** The trained network that `init: 'fast'` starts with. */
  readonly fast?: { readonly name: string; readonly sha256: string };
}

/** A file by its path and its checksum; what comes with Fauve by its name. */
interface UsedFile {
  readonly path: string;
  readonly sha256: string;
  readonly shipped?: true | undefined;
}

/** A file of the recipe of a picture that is written to `output`: named from that folder. `-` is a pipe, which has no folder. */
export function fileIn(output: string, { path, sha256, shipped }: UsedFile): UsedFile {
  if (shipped) return { path, sha256, shipped };
  return { path: path === '-' ? path : pathFrom(output, path), sha256 };
}

/** The pictures of a run, as the recipe of its output names them. */
export function picturesIn(
  output: string,
  { content, styles, init }: Pictures,
): Pick<StylizeRecipe, 'content' | 'styles' | 'init'> {
  return {
    content: fileIn(output, content),
    styles: styles.map((style) => ({ ...fileIn(output, style), weight: style.weight })),
    ...(init ? { init: fileIn(output, init) } : {}),
  };
}

/** A file of a recipe, from where the command runs. @param picture the one that holds the recipe */
export function pathTo(picture: string, file: string): string {
  const path = relative('', resolve(dirname(picture), file));
  return path.startsWith(`..${sep}..${sep}`) ? resolve(path) : path;
}

/** The same, made sure of. @throws FauveError `input` when the file is no longer where the recipe says */
export function found(picture: string, file: string, what: string, remedy: string): string {
  if (file === '-') {
    throw new FauveError('input', `The ${what} of ${picture} came from a pipe. Say which file it is with ${remedy}.`);
  }
  const path = pathTo(picture, file);
  if (existsSync(path)) return path;
  throw new FauveError(
    'input',
    `The ${what} that ${picture} was made from is no longer at ${resolve(path)}. Say where it is with ${remedy}.`,
  );
}

/** What is no longer as it was when the recipe of a picture of `stylize` was written, a line each. */
export function differences(
  recipe: StylizeRecipe,
  pictures: Pictures,
  { weights, polishWeights, fast }: Networks,
): string[] {
  const isStyle = (style: PictureFile | CapturedFile) => ('style' in style ? 'The style' : 'The style image');
  return [
    ...otherFile('The content image', recipe.content, pictures.content),
    ...pictures.styles.flatMap((style, i) => otherFile(isStyle(style), recipe.styles[i], style)),
    ...otherFile('The start image', recipe.init, pictures.init),
    ...otherNetwork(recipe.network, weights),
    ...otherNetwork(recipe.polish, polishWeights),
    ...otherNetwork(recipe.fast, fast),
    ...otherMaking(recipe),
  ];
}

/** Whether a file is another than before, in words. */
export function otherFile(what: string, before: { sha256: string } | undefined, now: UsedFile | undefined): string[] {
  if (!now || before?.sha256 === now.sha256) return [];
  return [`${what} ${now.path} is not the file that the picture was made with: the result will differ.`];
}

type NamedNetwork = { readonly name: string; readonly sha256: string };

/** Whether a network is another than before, in words. */
export function otherNetwork(before: NamedNetwork | undefined, now: NamedNetwork | undefined): string[] {
  if (!before || !now || (before.name === now.name && before.sha256 === now.sha256)) return [];
  return [
    `The picture was made with other weights (${before.name}, SHA-256 ${before.sha256.slice(0, 12)}…) than these (${now.name}, ${now.sha256.slice(0, 12)}…): the result will differ.`,
  ];
}

/** What of the making is not repeated, in words. */
export function otherMaking({ fauve, step, mix }: Recipe): string[] {
  return [
    ...(fauve === version
      ? []
      : [`The picture was made with Fauve ${fauve}, this is ${version}: the result may differ.`]),
    ...(step === undefined ? [] : [`The picture is how it was after step ${step}: this makes the finished one.`]),
    ...(mix === undefined ? [] : ['The studio mixed the picture with its photo: this makes it unmixed.']),
  ];
}

/** A path from the folder of a picture, with forward slashes, so that it is the same on every system. */
function pathFrom(picture: string, file: string): string {
  return relative(dirname(resolve(picture)), resolve(file)).replaceAll(sep, '/');
}
