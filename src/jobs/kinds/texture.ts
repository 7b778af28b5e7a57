import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { optionProblem } from '../../checks/option-problem.js';
import { type OptionSpec, optionSpecs } from '../../checks/option-specs.js';
import { FauveError } from '../../errors.js';
import { defaultNetworkName } from '../../networks/registry.js';
import type { Runtime } from '../../runtime/runtime.js';
import { type Checkpoint, decodeCheckpoint } from '../../stylize/checkpoint.js';
import type { StylizePlan } from '../../stylize/plan.js';
import { defaultTextureSteps, planTexture, runTexture, textureSide } from '../../stylize/texture.js';
import type { JobKind } from '../kind.js';
import { fileOf, type TextureRecipe } from '../recipe.js';
import { nameOf, styleReference } from '../reference.js';
import { namedOptions, requireSameOptions } from '../same-options.js';
import { someOptions } from '../some-options.js';
import { type OptimisedPicture, type OptimiseEvent, optimise } from './optimise.js';
import { named } from './stylize.js';

const optionsSchema = z.strictObject({
  size: z
    .number('expected a whole number from 32 to 4096')
    .int()
    .min(32)
    .max(4096)
    .default(256)
    .describe('side of the square in pixels'),
  steps: z.number().int().min(1).max(100_000).default(defaultTextureSteps).describe('steps at the full size'),
  seed: z.number().int().min(0).max(0xffffffff).default(0).describe('another seed gives another picture of the style'),
  styleScale: z.number().positive().max(8).default(1).describe('size of the strokes: smaller gives finer ones'),
});

/** All options in their order. */
export const textureOptionSpecs: readonly OptionSpec[] = optionSpecs(optionsSchema, 'Picture');

export type TextureOptions = z.output<typeof optionsSchema>;
export type TextureOptionsInput = z.input<typeof optionsSchema>;

/** The options of a texture, complete. @throws FauveError `usage` that names the option and what is wrong with it */
export function resolveTextureOptions(given: unknown): TextureOptions {
  const parsed = optionsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw optionProblem(parsed.error, given, Object.keys(optionsSchema.shape), ' of a texture');
}

const schema = z.strictObject({
  kind: z.literal('texture'),
  /** A captured style: a painting's picture does not do. */
  style: styleReference,
  /** The loss network. */
  network: z.string().default(defaultNetworkName),
  options: someOptions<TextureOptionsInput>(resolveTextureOptions),
});

export type TextureSpec = z.input<typeof schema>;

export interface TextureJobPlan {
  readonly runtime: Runtime;
  readonly plan: StylizePlan;
  readonly recipe: TextureRecipe;
  readonly notices: readonly string[];
}

/** Paints a picture from a style alone. */
export const textureKind: JobKind<typeof schema, TextureJobPlan, OptimisedPicture<TextureRecipe>, OptimiseEvent> = {
  schema,
  async check({ style }, host) {
    if ('shipped' in style) await host.requireShippedStyle(style.shipped);
  },
  async plan({ style: input, network, options: given }, host, { signal, resume }) {
    const interrupted = resume && decodeCheckpoint(resume.bytes, resume.name);
    const options = interrupted ? optionsOf(interrupted) : resolveTextureOptions(given);
    if (interrupted) requireSameOptions(namedOptions(given, resolveTextureOptions), options);
    const style = await host.style(input);
    if (!('style' in style)) {
      throw new FauveError(
        { kind: 'not-captured', path: nameOf(input) },
        `${nameOf(input)} is a picture, expected a captured style.`,
      );
    }
    const weights = await host.lossNetwork(network);
    stopIfAborted(signal);
    const runtime = await host.runtime();
    const { size, steps, seed, styleScale } = options;
    const plan = await planTexture({
      ...{ style: style.style, weights, runtime, size, steps, seed, options: { styleScale } },
      memoryLimit: host.freeMemory(),
      resume: interrupted,
    });
    const recipe: TextureRecipe = {
      kind: 'texture',
      fauve: host.version,
      engine: runtime.engine,
      network: named(weights),
      style: fileOf(style),
      options,
    };
    return { runtime, plan, recipe, notices: [] };
  },
  run: ({ plan, runtime, recipe }, control) =>
    optimise((context) => runTexture(plan, { ...context, runtime }), recipe, control),
};

/** The options of the job that was interrupted. */
function optionsOf(checkpoint: Checkpoint): TextureOptions {
  const { steps, seed, styleScale } = checkpoint.options;
  return { size: textureSide(checkpoint), steps, seed, styleScale };
}
