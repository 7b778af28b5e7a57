import { z } from 'zod';
import { optionProblem } from '../../checks/option-problem.js';
import { type OptionSpec, optionSpecs } from '../../checks/option-specs.js';
import { type Respelled, respelled } from '../../checks/spellings.js';
import { layerWeights } from '../../networks/layers.js';

const whole = z.number().int();
const weight = z.number().min(0).max(1e9);

const schema = z.strictObject({
  iterations: whole.min(1).max(10_000_000).default(10_000).describe('training steps'),
  batch: whole.min(1).max(64).default(4).describe('photos in each step'),
  cropSize: whole
    .min(64)
    .max(1024)
    .default(256)
    .describe('side of the squares that the photos are cropped to, in pixels'),
  styleSize: whole
    .min(0)
    .max(4096)
    .default(0)
    .describe('longer side of the style images in pixels, larger gives larger strokes; 0: as the crops'),
  contentWeight: weight.default(0.15).describe('how much the pictures keep of the content'),
  styleWeight: weight.default(1).describe('how much the pictures take from the style'),
  tvWeight: weight.default(0.5).describe('how smooth neighbouring pixels are'),
  stabilityWeight: weight
    .default(0)
    .describe('how closely a shifted photo with noise gives the shifted picture, so that film does not flicker'),
  contentLayers: layerWeights.default({ relu4_2: 1 }).describe('layers of the content loss and their weights'),
  styleLayers: layerWeights
    .default({ relu1_1: 1, relu2_1: 1, relu3_1: 1, relu4_1: 1, relu5_1: 1 })
    .describe('layers of the style loss and their weights'),
  channels: z
    .tuple([whole.min(0).max(512), whole.min(1).max(512), whole.min(1).max(1024), whole.min(1).max(1024).optional()], {
      error: 'expected 3 or 4 numbers, at full, half, quarter and an eighth of the size',
    })
    .default([0, 32, 64, 128])
    .describe('channels at full, half, quarter and, if there are four, an eighth of the size; 0: none at full size'),
  blocks: whole.min(0).max(64).default(3).describe('residual blocks, at the smallest size'),
  kernels: z
    .tuple([whole.min(1).max(31), whole.min(1).max(31)], { error: 'expected 2 numbers' })
    .refine((sides) => sides.every((side) => side % 2 === 1), 'odd numbers')
    .default([5, 3])
    .describe('sides of the first and of the last kernel'),
  train: z
    .enum(['all', 'styles'])
    .default('all')
    .describe('all: every weight; styles: only the scales and shifts of the new styles, of a network that is given'),
  optimiser: z
    .enum(['muon', 'adam'])
    .default('muon')
    .describe('muon: orthogonal steps for the kernels, Adam for all else; adam: Adam for everything'),
  learningRate: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('step size; 0: what suits the optimiser, 0.005 for muon, 0.001 for adam'),
  schedule: z.enum(['cosine', 'constant']).default('cosine').describe('how the learning rate changes'),
  beta1: z.number().min(0).lt(1).default(0.9).describe('memory of the mean gradient'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('memory of the mean squared gradient'),
  epsilon: z.number().positive().default(1e-8).describe('added to the denominator'),
  amsgrad: z.boolean().default(false).describe('the AMSGrad variant, for all that Adam moves'),
  clipNorm: z.number().min(0).default(0).describe('longest gradient of all weights together; 0: any'),
  averageDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.99)
    .describe('decay of the moving average of the weights, which is what is kept; 0: the last weights'),
  testEvery: whole.min(0).default(500).describe('steps between two tests with photos and flat cards; 0: none'),
  testSize: whole.min(32).max(2048).default(256).describe('longer side of the test pictures in pixels'),
  seed: whole.min(0).max(0xffffffff).default(0).describe('for every random choice'),
});

/** The options of `train`, complete. */
export type TrainOptions = z.infer<typeof schema>;
export type TrainOptionsInput = Respelled<z.input<typeof schema>>;

export const defaultTrainOptions: Readonly<TrainOptions> = Object.freeze(schema.parse({}));

/** All options in their order. */
export const trainOptionSpecs: readonly OptionSpec<keyof TrainOptions>[] = optionSpecs(schema, 'Training');

/** @throws FauveError `usage` that names the option and what is wrong with it */
export function resolveTrainOptions(given: unknown): TrainOptions {
  const input = respelled(given);
  const parsed = schema.safeParse(input);
  if (parsed.success) {
    const { optimiser, learningRate } = parsed.data;
    return { ...parsed.data, learningRate: learningRate || (optimiser === 'muon' ? 5e-3 : 1e-3) };
  }
  throw optionProblem(
    parsed.error,
    input,
    trainOptionSpecs.map(({ name }) => name),
    ' of training',
  );
}
