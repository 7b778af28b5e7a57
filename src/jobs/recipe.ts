import { z } from 'zod';
import { anObject, aText } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { outputSize } from '../image/size.js';
import { resolveApplyOptions } from '../style-network/options.js';
import { resolveStylizeOptions } from '../stylize/options.js';
import { earlierScales } from '../stylize/scales.js';
import type { ReadFile } from './host.js';

/** A file, named by its path from the picture (what the studio has by its name alone), and told by its SHA-256. */
const file = z.object({ path: z.string(), sha256: z.string() });
const network = z.object({ name: z.string(), sha256: z.string() });
/** What comes with Fauve has `shipped`, and its name in place of a path. */
const shipped = z.literal(true).optional();

const common = {
  /** The version. */
  fauve: z.string(),
  engine: z.string(),
  /** Of a JPEG or WebP file, 1–100; absent for the default. */
  quality: z.number().optional(),
  /** Steps that were done, of a picture that is not the finished one. */
  step: z.number().optional(),
  /** How the studio mixed the picture with its photo; the recipe makes it unmixed. */
  mix: z.record(z.string(), z.number()).optional(),
};

const stylize = z.object({
  ...common,
  kind: z.literal('stylize'),
  network,
  /** The network that `polish` ended with. */
  polish: network.optional(),
  /** The trained network whose picture the optimisation started from. */
  fast: network.optional(),
  content: file,
  styles: z
    .array(file.extend({ weight: z.number(), shipped }))
    .min(1)
    .readonly(),
  /** The picture that it started from. */
  init: file.optional(),
  /** The size is in pixels. */
  options: z.unknown().transform((options) => resolveStylizeOptions(options)),
});

const apply = z.object({
  ...common,
  kind: z.literal('apply'),
  /** The trained network. */
  transformer: file.extend({ shipped }),
  content: file,
  /** Of the network's; none for a network of one style without a name. */
  styles: z.array(z.object({ name: z.string(), weight: z.number().default(1) })).readonly(),
  options: z.unknown().transform((options) => resolveApplyOptions(options)),
  /** What white is in the pictures of another program's network. */
  range: z.enum(['0-1', '0-255']).optional(),
  precision: z.enum(['int8', 'float32']).optional(),
});

const texture = z.object({
  ...common,
  kind: z.literal('texture'),
  network,
  style: file.extend({ shipped }),
  options: z.object({ size: z.number(), steps: z.number(), seed: z.number(), styleScale: z.number() }),
});

const schema = z.discriminatedUnion('kind', [stylize, apply, texture]);

/** How a picture of `stylize` was made: enough to make it again. */
export type StylizeRecipe = z.infer<typeof stylize>;
/** How a picture of `apply` was made. */
export type ApplyRecipe = z.infer<typeof apply>;
/** How a picture of `texture` was made. */
export type TextureRecipe = z.infer<typeof texture>;

/** How a picture was made: enough to make it again. It travels inside the picture's metadata. */
export type Recipe = StylizeRecipe | ApplyRecipe | TextureRecipe;

/** A file as recipes name it. */
export const fileOf = ({ path, sha256, shipped }: ReadFile): ReadFile => ({ path, sha256, shipped });

/**
 * The same recipe with other paths: a face names files from the folder of the picture.
 * @param rename is not told of what comes with Fauve, which has no path
 */
export function withPaths<R extends Recipe>(recipe: R, rename: (path: string) => string): R {
  anObject(recipe, 'withPaths');
  const file = <F extends ReadFile>(each: F): F => (each.shipped ? each : { ...each, path: rename(each.path) });
  const changed: Partial<Record<string, unknown>> = {};
  if ('content' in recipe) changed.content = file(recipe.content);
  if (recipe.kind === 'stylize') {
    changed.styles = recipe.styles.map(file);
    if (recipe.init) changed.init = file(recipe.init);
  }
  if (recipe.kind === 'apply') changed.transformer = file(recipe.transformer);
  if (recipe.kind === 'texture') changed.style = file(recipe.style);
  return { ...recipe, ...changed };
}

/**
 * A recipe as text.
 * @example
 * ```ts
 * import { createFauve, encodeImage, encodeRecipe } from 'fauve';
 *
 * await using fauve = await createFauve();
 * const { image, recipe } = await fauve.apply({ photo: 'photo.jpg', style: 'great-wave' });
 * const png = await encodeImage(image, 'png', { recipe: encodeRecipe(recipe) });
 * console.log(png.byteLength);
 * ```
 */
export function encodeRecipe(recipe: Recipe): string {
  anObject(recipe, 'encodeRecipe');
  return JSON.stringify(recipe);
}

/**
 * @example
 * ```ts
 * import { createFauve, decodeRecipe } from 'fauve';
 * import { decodeImage, savePicture } from 'fauve/node';
 * import { readFile } from 'node:fs/promises';
 *
 * await using fauve = await createFauve();
 * await savePicture('out.png', await fauve.apply({ photo: 'photo.jpg', style: 'great-wave' }));
 * const { recipe } = await decodeImage(await readFile('out.png'), { what: 'Picture', fileName: 'out.png' });
 * console.log(decodeRecipe(recipe).styles); // [ { name: 'great-wave', weight: 1 } ]
 * ```
 * @throws FauveError `input` when the text is no recipe
 */
export function decodeRecipe(text: string, fileName = 'The picture'): Recipe {
  aText(text, fileName);
  try {
    return schema.parse(ofToday(JSON.parse(text)));
  } catch (error) {
    throw new FauveError('input', `${fileName} has a recipe that this version of Fauve does not understand.`, {
      cause: error,
    });
  }
}

/** Recipes from before there were kinds, in the form of today. */
function ofToday(value: unknown): unknown {
  const old = z.looseObject({ kind: z.undefined().optional() }).safeParse(value);
  if (!old.success) return value;
  const onePass = z.looseObject({ transformer: z.object({ name: z.string(), sha256: z.string() }) });
  const applied = onePass.safeParse(value);
  if (applied.success) {
    const { name, sha256 } = applied.data.transformer;
    // The studio had no other than those that come with Fauve.
    return { ...old.data, kind: 'apply', transformer: { path: name, sha256, shipped: true } };
  }
  const options = resolveStylizeOptions(old.data.options);
  const size = outputSize({ width: 1, height: 1 }, options.size);
  return { ...old.data, kind: 'stylize', options: earlierScales(options, size) };
}
