import {
  type ApplyRecipe,
  checkStyleNetwork,
  FauveError,
  loadStyleNetwork,
  outputFormat,
  readFileChecked,
  resolveApplyOptions,
  sha256Hex,
  styleShares,
  type TextureRecipe,
} from 'fauve';
import { applyToPhotos } from './apply-batch.js';
import type { StyleArgument } from './inputs.js';
import { flagOf, type GivenOptions, withFlag } from './option-flags.js';
import { checkOutputs } from './outputs.js';
import { paintTexture } from './paint-texture.js';
import { found, otherFile, otherMaking } from './recipes.js';
import type { RunSettings } from './run-flags.js';

/** A picture to make again, and what is to be different. */
export interface Repetition {
  /** The one that carries the recipe. */
  readonly picture: string;
  readonly job: RunSettings & { readonly output: string };
  readonly asked: { readonly options: GivenOptions; readonly init?: string };
  /** What the user names instead. */
  readonly named: {
    readonly content: string | undefined;
    readonly styles: readonly StyleArgument[] | undefined;
    readonly network: string | undefined;
    readonly model: string | undefined;
  };
}

/** Restyles a photo with a trained network again. @throws FauveError as `fauve apply`, and `usage` for what one pass does not have */
export async function repeatApply(recipe: ApplyRecipe, { picture, job, asked, named }: Repetition): Promise<void> {
  const { size, colours, ...others } = asked.options;
  refuse(
    { ...others, ...meaningless(job), init: asked.init, network: named.network },
    'was made in one pass of a trained network',
  );
  const options = withFlags(() => resolveApplyOptions({ ...recipe.options, ...defined({ size, colours }) }));
  const content = named.content ?? found(picture, recipe.content.path, 'photo', '--content FILE');
  await checkOutputs(job, [content]);
  const { path, shipped } = recipe.transformer;
  const model = named.model ?? (shipped ? path : found(picture, path, 'trained network', '--model FILE'));
  const network = checkStyleNetwork(await loadStyleNetwork(model), recipe.range);
  const styles =
    named.styles?.map(({ path, weight }, i) => {
      const before = named.styles!.length === recipe.styles.length ? recipe.styles[i]!.weight : 1;
      return { name: path, weight: weight ?? before };
    }) ?? recipe.styles;
  styleShares(network.styles, styles, network.fileName);
  const [before, now] = [
    recipe.content,
    { path: content, sha256: await sha256Hex(await readFileChecked(content, 'Photo')) },
  ];
  const used = { path: network.fileName, sha256: await sha256Hex(network.bytes) };
  const notices = [
    ...otherFile('The photo', before, now),
    ...otherFile('The trained network', recipe.transformer, used),
    ...otherMaking(recipe),
  ];
  const { output, quality, bits, engine, json, quiet } = job;
  const photo = { input: content, output, format: outputFormat(output), ...defined({ quality, bits }) };
  const { range, precision } = recipe;
  await applyToPhotos({
    ...{ network, styles, options, notices, engine, json, quiet, jobs: [photo] },
    ...defined({ range, precision }),
  });
}

/** Paints a texture again. @throws FauveError as `fauve texture`, and `usage` for what a texture does not have */
export async function repeatTexture(recipe: TextureRecipe, { picture, job, asked, named }: Repetition): Promise<void> {
  const { size, steps, seed, styleScale, ...others } = asked.options;
  const { content, model } = named;
  refuse({ ...others, ...meaningless(job), init: asked.init, content, model }, 'was painted from a style alone');
  if (size !== undefined && typeof size !== 'number') {
    throw new FauveError('usage', `--size is one side of a texture, such as 512; received ${size}.`);
  }
  const [style, ...more] = named.styles ?? [];
  if (more.length > 0) throw new FauveError('usage', `A texture has one style, received ${more.length + 1}. Name one.`);
  await checkOutputs(job, []);
  const { path, shipped } = recipe.style;
  const from = style
    ? { style: style.path }
    : shipped
      ? { style: path, shipped }
      : { style: found(picture, path, 'style', '--style FILE') };
  const { output, quality, bits, engine, json, quiet } = job;
  await paintTexture({
    ...{ ...from, output, engine, json, quiet, quality, bits, recipe },
    network: named.network ?? recipe.network.name,
    options: { ...recipe.options, ...defined({ size, steps, seed, styleScale }) },
  });
}

/** @throws FauveError `usage` for the first that was asked for @param why said of the picture */
export function refuse(flags: Readonly<Record<string, unknown>>, why: string): void {
  const [name] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new FauveError('usage', `The picture ${why}: it has no ${flagOf(name)}. Leave the flag out.`);
}

/** Flags of a run that has steps to look at, and to go on from. */
const meaningless = ({ saveEvery, plot, resume }: Repetition['job']) => ({
  ...{ saveEvery, plot, resume: resume || undefined },
});

/** Without what is undefined. */
function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

function withFlags<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.code, withFlag(error.message), { cause: error });
  }
}
