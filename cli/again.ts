import { FauveError, type JobSpecOf, jobOfRecipe, type OptionSpec, type Recipe, type StyleReference } from 'fauve';
import { applyOptionSpecs, textureOptionSpecs } from 'fauve/jobs';
import { styleNetworkReferenceOf } from 'fauve/node';
import { flagOf } from './flag-name.js';
import { type StyleArgument, styleOf } from './inputs.js';
import type { NamedStylizeOptions } from './option-flags.js';
import { found } from './recipes.js';

/** What a user names instead of what a recipe says. */
export interface Changes extends NamedStylizeOptions {
  readonly content?: string | undefined;
  readonly style?: readonly StyleArgument[] | undefined;
  readonly network?: string | undefined;
  readonly model?: string | undefined;
  /** Flags of a run that has steps to look at, and to go on from. */
  readonly run: Readonly<Record<string, unknown>>;
}

/** A recipe of one kind and the picture that carries it. */
interface Carried<Kind extends Recipe['kind']> {
  readonly picture: string;
  readonly recipe: Extract<Recipe, { kind: Kind }>;
}

/** The job that makes a picture of `stylize` again. @throws FauveError for files that are gone, `usage` for flags without a meaning */
export function stylizeAgain({ picture, recipe }: Carried<'stylize'>, changes: Changes): JobSpecOf<'stylize'> {
  refuse({ model: changes.model }, 'is optimised, without a trained network');
  const before = jobOfRecipe(recipe) as JobSpecOf<'stylize'>;
  const { content, style, network = before.network, options, init } = changes;
  const keepsInit = init === undefined && options.init === undefined;
  const start =
    init ?? (keepsInit && recipe.init ? found(picture, recipe.init.path, 'start image', '--init FILE') : undefined);
  const remedy =
    recipe.styles.length === 1
      ? '--style FILE'
      : `--style FILE for each of the ${recipe.styles.length} styles, in their order`;
  return {
    ...before,
    content: { path: content ?? found(picture, recipe.content.path, 'content image', '--content FILE') },
    styles: style
      ? shares(style, recipe.styles).map(styleOf)
      : before.styles.map((each) => ({ ...located(each, picture, 'style', remedy), weight: each.weight })),
    init: start === undefined ? undefined : { path: start },
    network,
    options: { ...before.options, ...options },
  };
}

/** The job that makes a picture of `apply` again, but for its photo. @throws FauveError as {@link stylizeAgain} */
export function applyAgain({ picture, recipe }: Carried<'apply'>, changes: Changes): JobSpecOf<'apply'> {
  const { content, style, network, model, init, options } = changes;
  const others = { ...without(options, applyOptionSpecs), ...changes.run, init, network };
  refuse(others, 'was made in one pass of a trained network');
  const before = jobOfRecipe(recipe) as JobSpecOf<'apply'>;
  return {
    ...before,
    content: { path: content ?? found(picture, recipe.content.path, 'photo', '--content FILE') },
    network:
      model === undefined
        ? located(before.network, picture, 'trained network', '--model FILE')
        : styleNetworkReferenceOf(model),
    styles: style
      ? shares(style, recipe.styles).map(({ path, weight = 1 }) => ({ name: path, weight }))
      : before.styles,
    options: { ...before.options, ...options } as JobSpecOf<'apply'>['options'],
  };
}

/** The job that paints a texture again. @throws FauveError as {@link stylizeAgain} */
export function textureAgain({ picture, recipe }: Carried<'texture'>, changes: Changes): JobSpecOf<'texture'> {
  const { content, model, style, network, init, options } = changes;
  const { resume: _resume, ...run } = changes.run;
  refuse({ ...without(options, textureOptionSpecs), ...run, init, content, model }, 'was painted from a style alone');
  if (options.size !== undefined && typeof options.size !== 'number') {
    throw new FauveError('request', `--size is one side of a texture, such as 512; received ${options.size}.`);
  }
  const [named, ...more] = style ?? [];
  if (more.length > 0)
    throw new FauveError('request', `A texture has one style, received ${more.length + 1}. Name one.`);
  const before = jobOfRecipe(recipe) as JobSpecOf<'texture'>;
  const { weight: _, ...instead } = named ? styleOf(named) : { ...before.style, weight: 1 };
  return {
    ...before,
    style: named ? instead : located(before.style, picture, 'style', '--style FILE'),
    network: network ?? before.network,
    options: { ...before.options, ...options } as JobSpecOf<'texture'>['options'],
  };
}

/** As many styles as before keep their shares, unless others are given. */
function shares(named: readonly StyleArgument[], before: readonly { readonly weight: number }[]): StyleArgument[] {
  const same = named.length === before.length;
  return named.map(({ path, weight }, i) => ({ path, weight: weight ?? (same ? before[i]!.weight : 1) }));
}

/** A file of a recipe from where the command runs. What comes with Fauve is everywhere. */
function located(reference: StyleReference, picture: string, what: string, remedy: string): StyleReference {
  return 'path' in reference ? { path: found(picture, reference.path, what, remedy) } : reference;
}

/** The options that a kind of job does not have. */
function without(options: object, specs: readonly OptionSpec[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !specs.some((spec) => spec.name === name)));
}

/** @throws FauveError `usage` for the first that was named @param why said of the picture */
function refuse(flags: Readonly<Record<string, unknown>>, why: string): void {
  const [name] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new FauveError('request', `The picture ${why}: it has no ${flagOf(name)}. Leave the flag out.`);
}
