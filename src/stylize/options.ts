import { z } from 'zod';
import { optionProblem } from '../checks/option-problem.js';
import { type OptionGroup, type OptionSpec, optionSpecs } from '../checks/option-specs.js';
import { type Respelled, respelled } from '../checks/spellings.js';
import type { LossSettings } from '../losses/total.js';
import { layerWeights } from '../networks/layers.js';

const positive = z.number().positive();
const weight = z.number().min(0).max(1e9);
const whole = z.number().int();

/**
 * Steps at the full size by default: with the distilled network less than a minute on two cores. A network that is looked at for itself goes on
 * longer.
 */
const DEFAULT_STEPS = 70;
const STEPS_WITH: Readonly<Record<string, number>> = { vgg16: 105, vgg19: 105 };

/** The largest `styleScale`. */
export const mostStyleScale = 8;

const picture = { group: 'Picture' satisfies OptionGroup };
const losses = { group: 'Losses' satisfies OptionGroup };

/** Everything that decides about the picture, beside the pictures and the weights of the network. */
const schema = z.strictObject({
  size: z
    .union([whole.min(1).max(16384), z.enum(['auto', 'original']), z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/)])
    .default(512)
    .describe(
      'longer side in pixels, or WIDTHxHEIGHT, original, or auto: as large as the memory allows, up to the original',
    )
    .meta(picture),
  contentWeight: weight.default(0.15).describe('how much the picture keeps of the content').meta(losses),
  styleWeight: weight.default(1).describe('how much the picture takes from the style').meta(losses),
  tvWeight: weight.default(0.5).describe('how smooth neighbouring pixels are').meta(losses),
  contentLayers: layerWeights
    .default({ relu4_2: 1 })
    .describe('layers of the content loss and their weights')
    .meta(losses),
  styleLayers: layerWeights
    .default({ relu1_1: 1, relu2_1: 1, relu3_1: 1, relu4_1: 1, relu5_1: 1 })
    .describe('layers of the style loss and their weights')
    .meta(losses),
  styleStatistics: z
    .enum(['gram', 'mean-variance'])
    .default('gram')
    .describe('what of the features is the style')
    .meta(losses),
  styleScale: positive
    .max(mostStyleScale)
    .default(1)
    .describe('size of the style image beside the picture: smaller gives finer strokes')
    .meta(losses),
  styleSizes: whole
    .min(1)
    .max(3)
    .default(1)
    .describe(
      'at how many sizes of the picture the style is compared: 2 adds half the size, 3 a quarter, for larger forms',
    )
    .meta(losses),
  tvNorm: z.enum(['squared', 'l1']).default('squared').describe('the form of the total variation').meta(losses),
  normalisation: z
    .enum(['relative', 'classic'])
    .default('relative')
    .describe("relative: each term over its target's own power; classic: as in the papers")
    .meta(losses),
  pooling: z.enum(['max', 'average']).default('max').describe('how the loss network halves its maps').meta(losses),
  colours: z
    .enum(['style', 'luminance', 'match'])
    .default('style')
    .describe(
      "style: the painting's; luminance: the photo's, only brightness is restyled; match: the painting recoloured as the photo",
    )
    .meta(picture),
  init: z
    .enum(['content', 'noise', 'fast'])
    .default('content')
    .describe("where the optimisation starts; fast: with a trained network's picture")
    .meta(picture),
  optimiser: z.enum(['lbfgs', 'adam']).default('lbfgs').describe('how the image is optimised'),
  steps: whole
    .min(1)
    .max(100_000)
    .default(DEFAULT_STEPS)
    .describe(`steps at the full size; unless given, ${STEPS_WITH.vgg19} with ${Object.keys(STEPS_WITH).join(', ')}`),
  scales: z
    .union([whole.min(1).max(8), z.literal('auto')])
    .default('auto')
    .describe(
      'sizes that are worked through, each half the next; auto: 2, or 1 where the smaller would be below 300 pixels, 96 from noise or without content',
    ),
  coarseSteps: whole.min(1).max(100_000).default(30).describe('steps at each of the smaller sizes'),
  polish: whole
    .min(0)
    .max(100_000)
    .default(0)
    .describe('steps of VGG-19 at the end, where it is installed, for the last few per cent'),
  history: whole.min(1).max(200).default(20).describe('L-BFGS: pairs that are remembered (m)'),
  preconditioner: z
    .enum(['pyramid', 'none'])
    .default('pyramid')
    .describe('L-BFGS: start each direction from an image pyramid, or from the plain gradient as in the papers'),
  learningRate: positive.max(10).default(0.03).describe('Adam: size of a step, for pixels in 0..1'),
  schedule: z.enum(['cosine', 'constant']).default('cosine').describe('Adam: how the learning rate changes'),
  beta1: z.number().min(0).lt(1).default(0.9).describe('Adam: memory of the mean gradient'),
  beta2: z.number().min(0).lt(1).default(0.99).describe('Adam: memory of the mean squared gradient'),
  epsilon: positive.default(1e-8).describe('Adam: added to the denominator'),
  amsgrad: z.boolean().default(false).describe('Adam: the AMSGrad variant'),
  averageDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Adam: decay of the moving average of the image, 0 for none'),
  seed: whole.min(0).max(0xffffffff).default(0).describe('for the noise that init starts from').meta(picture),
});

/** The options of `stylize`, complete. */
export type StylizeOptions = z.infer<typeof schema>;

/** The options of `stylize` as a user gives them: what is left out has its default, and American spellings do as well. */
export type StylizeOptionsInput = Respelled<z.input<typeof schema>>;

export const defaultStylizeOptions: Readonly<StylizeOptions> = Object.freeze(schema.parse({}));

/** Names of all options. */
export const stylizeOptionNames: readonly string[] = Object.keys(schema.shape);

/** An option of `stylize`, described. */
export interface StylizeOptionSpec extends OptionSpec<keyof StylizeOptions> {
  readonly default: StylizeOptions[keyof StylizeOptions];
}

/** All options in their order. */
export const stylizeOptionSpecs = optionSpecs(schema, 'Optimisation') as readonly StylizeOptionSpec[];

/**
 * Checks options and fills in the defaults.
 * @example
 * ```ts
 * import { resolveStylizeOptions } from 'fauve';
 *
 * const { size, steps } = resolveStylizeOptions({ steps: 50, colors: 'luminance' });
 * console.log(size, steps); // 512 50
 * ```
 * @param network name of the loss network, where its defaults are wanted
 * @throws FauveError `usage` that names the option, what is expected and what was received
 */
export function resolveStylizeOptions(given: unknown, network = ''): StylizeOptions {
  const input = respelled(given);
  const parsed = schema.safeParse(input);
  if (parsed.success) {
    const steps = Object.hasOwn(STEPS_WITH, network) ? STEPS_WITH[network] : undefined;
    const isAsked = (input as StylizeOptionsInput).steps !== undefined;
    return steps === undefined || isAsked ? parsed.data : { ...parsed.data, steps };
  }
  throw optionProblem(parsed.error, input, stylizeOptionNames);
}

/** The part of the options that the losses are made from. */
export function lossSettings(options: StylizeOptions): LossSettings {
  const { contentWeight, styleWeight, tvWeight, contentLayers, styleLayers } = options;
  const { styleStatistics, styleSizes, tvNorm, normalisation } = options;
  return {
    ...{ contentWeight, styleWeight, tvWeight, contentLayers, styleLayers },
    ...{ styleStatistics, styleSizes, tvNorm, normalisation },
  };
}
