import { z } from 'zod';
import { anObject, aText } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import type { Size } from '../image/size.js';
import { outputSize } from '../image/size.js';
import type { NamedStyle } from '../style-network/code.js';
import type { Precision, StyleNetwork } from '../style-network/open.js';
import { type ApplyOptions, resolveApplyOptions } from '../style-network/options.js';
import { resolveStylizeOptions, type StylizeOptions } from '../stylize/options.js';
import { earlierScales } from '../stylize/scales.js';

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

/** What all recipes say, and every face knows. */
type Made = Pick<Recipe, 'fauve' | 'engine' | 'quality' | 'step'>;

/** A network by its name and checksum. */
interface Named {
  readonly name: string;
  readonly sha256: string;
}

const named = ({ name, sha256 }: Named): Named => ({ name, sha256 });

/** The recipe of a picture of `stylize`. @param run.size of the picture, in pixels */
export function stylizeRecipe({
  weights,
  polishWeights,
  fast,
  options,
  size: { width, height },
  ...run
}: Made &
  Pick<StylizeRecipe, 'content' | 'styles' | 'init'> & {
    readonly weights: Named;
    readonly polishWeights?: Named | undefined;
    readonly fast?: Named | undefined;
    readonly options: StylizeOptions;
    readonly size: Size;
  }): StylizeRecipe {
  return {
    kind: 'stylize',
    network: named(weights),
    polish: polishWeights && named(polishWeights),
    fast: fast && named(fast),
    ...run,
    options: { ...options, size: `${width}x${height}` },
  };
}

/**
 * The recipe of a picture of `apply`.
 * @param run.network the file of the trained network, which is open as `transformer`
 * @param run.size of the picture, for `auto`
 */
export function applyRecipe({
  network,
  transformer,
  precision = 'int8',
  styles,
  options,
  size: { width, height },
  ...run
}: Made &
  Pick<ApplyRecipe, 'content'> & {
    readonly styles: readonly NamedStyle[];
    readonly network: ApplyRecipe['transformer'];
    readonly transformer: Pick<StyleNetwork, 'styles' | 'range'>;
    readonly precision?: Precision | undefined;
    readonly options: ApplyOptions;
    readonly size: Size;
  }): ApplyRecipe {
  // Another program's network has a range and no precision, one of fauve train the other way round.
  const own = transformer.styles.length > 0;
  return {
    kind: 'apply',
    transformer: network,
    ...run,
    styles: styles.map(({ name, weight = 1 }) => ({ name, weight })),
    ...(own ? { precision } : { range: transformer.range }),
    options: options.size === 'auto' ? { ...options, size: `${width}x${height}` } : options,
  };
}

/** The recipe of a picture of `texture`. */
export function textureRecipe({
  weights,
  ...run
}: Made & Pick<TextureRecipe, 'style' | 'options'> & { readonly weights: Named }): TextureRecipe {
  return { kind: 'texture', network: named(weights), ...run };
}

/** A recipe as text. */
export function encodeRecipe(recipe: Recipe): string {
  anObject(recipe, 'encodeRecipe');
  return JSON.stringify(recipe);
}

/** @throws FauveError `input` when the text is no recipe */
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
