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

/** What becomes part of a command that people copy: a picture may come from anyone. */
const plainName = z.string().regex(/^[\w.-]+$/);

/** What the studio writes into a picture that was made in one pass. */
const onePassSchema = z.object({
  transformer: z.object({ name: plainName }),
  content: file,
  styles: z.array(z.object({ name: plainName, weight: z.number() })),
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

/** @throws FauveError `input` when the text is no recipe, or that of one pass of a trained network */
export function decodeRecipe(text: string, fileName = 'The picture'): Recipe {
  let value: unknown;
  try {
    value = JSON.parse(text);
    const recipe = schema.parse(value);
    return { ...recipe, options: resolveStylizeOptions(recipe.options) };
  } catch (error) {
    const onePass = onePassSchema.safeParse(value);
    if (onePass.success) throw madeInOnePass(fileName, onePass.data);
    throw new FauveError('input', `${fileName} has a recipe that this version of Fauve does not understand.`, {
      cause: error,
    });
  }
}

function madeInOnePass(fileName: string, { transformer, content, styles }: z.infer<typeof onePassSchema>): FauveError {
  const flags = styles.map(({ name, weight }) => ` --style ${name}${weight === 1 ? '' : `:${weight}`}`).join('');
  const photo = plainName.safeParse(content.path).success ? content.path : 'PHOTO';
  return new FauveError(
    'input',
    `${fileName} was made in one pass of a trained network, not by an optimisation. Make it again with: fauve apply ${transformer.name} ${photo}${flags} -o FILE`,
  );
}
