import { z } from 'zod';
import { FauveError } from '../errors.js';
import { resolveStylizeOptions, type StylizeOptions } from './options.js';

const file = z.object({ path: z.string(), sha256: z.string() });
const schema = z.object({
  fauve: z.string(),
  network: z.object({ name: z.string(), sha256: z.string() }),
  /** The network that `polish` ended with. */
  polish: z.object({ name: z.string(), sha256: z.string() }).optional(),
  /** The trained network whose picture the optimisation started from. */
  fast: z.object({ name: z.string(), sha256: z.string() }).optional(),
  engine: z.string(),
  content: file,
  /** A style that comes with Fauve has `shipped`, and its name in place of a path. */
  styles: z.array(file.extend({ weight: z.number(), shipped: z.literal(true).optional() })).min(1),
  init: file.optional(),
  /** Of a JPEG or WebP file, 1–100; absent for the default. */
  quality: z.number().optional(),
  options: z.unknown(),
});

/**
 * How a picture was made: enough to make it again. It travels inside the picture's metadata.
 * Files are named by their paths, relative to the picture, and told by their SHA-256.
 */
export interface Recipe extends Omit<z.infer<typeof schema>, 'options'> {
  readonly options: StylizeOptions;
}

/** A recipe as text. */
export function encodeRecipe(recipe: Recipe): string {
  return JSON.stringify(recipe);
}

/** @throws FauveError `input` when the text is no recipe */
export function decodeRecipe(text: string, fileName = 'The picture'): Recipe {
  try {
    const recipe = schema.parse(JSON.parse(text));
    return { ...recipe, options: resolveStylizeOptions(recipe.options) };
  } catch (error) {
    throw new FauveError('input', `${fileName} has a recipe that this version of Fauve does not understand.`, {
      cause: error,
    });
  }
}
