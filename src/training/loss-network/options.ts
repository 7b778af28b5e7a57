import { z } from 'zod';
import { optionProblem } from '../../checks/option-problem.js';
import { type OptionSpec, optionSpecs } from '../../checks/option-specs.js';
import { MOST_LEVELS } from '../../formats/rounding.js';
import { studentShapes } from './student.js';

const count = z.number().int().min(0).max(1_000_000);
const size = z.number().int().min(1);
const schema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('distilled')
    .describe('name of the network'),
  shape: z
    .record(z.string().regex(/^conv\d_\d$/), z.union([size, z.tuple([size, size]).readonly()]))
    .default(studentShapes.distilled)
    .describe("channels of each convolution, which are named as the teacher's; of a separable one also its rank"),
  levels: z
    .number()
    .int()
    .min(1)
    .max(MOST_LEVELS)
    .default(MOST_LEVELS)
    .describe('largest whole number in the kernels of the file'),
  steps: count.default(2000).describe('training steps after the closed form'),
  crops: count.min(8).default(96).describe('crops that the closed form is fitted to'),
  rounds: count
    .max(20)
    .default(2)
    .describe('closed forms after the first, each with pictures that the one before has restyled'),
  cropSize: z.number().int().min(64).max(512).default(160).describe('side of a crop in pixels'),
  pool: count.min(1).default(48).describe('pictures in the making'),
  triplets: count.min(1).default(2).describe('pictures in the making in each batch, with their contents and styles'),
  fresh: count.min(1).default(2).describe('other crops in each batch'),
  learningRate: z
    .number()
    .positive()
    .max(1)
    .default(3e-3)
    .describe("step of Adam, as a share of each tensor's own size"),
  gramWeight: z.number().min(0).default(5).describe('weight of the errors of Gram matrices; features have 1'),
  residualWeight: z.number().min(0).default(5).describe("weight of the errors of the style loss's residuals"),
  averageDecay: z.number().min(0).lt(1).default(0.995).describe('decay of the averaged weights, which are kept'),
  pictureRate: z.number().positive().default(0.04).describe('learning rate of the pictures in the making'),
  pictureLife: count
    .min(1)
    .default(60)
    .describe('steps that a picture in the making takes before it is replaced, at most'),
  testEvery: count.default(250).describe('steps between two real tests; 0 for none'),
  testSteps: count.min(1).default(60).describe('steps of the optimisation in a real test'),
  testSize: z.number().int().min(64).default(256).describe('longer side of the pictures of a real test'),
  seed: z.number().int().min(0).max(0xffffffff).default(0).describe('for every random choice'),
});

/** The options of `distil`, complete. */
export type DistilOptions = z.infer<typeof schema>;
export type DistilOptionsInput = z.input<typeof schema>;

export const defaultDistilOptions: Readonly<DistilOptions> = Object.freeze(schema.parse({}));

/** @throws FauveError `usage` that names the option and what is wrong with it */
export function resolveDistilOptions(given: unknown): DistilOptions {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw optionProblem(parsed.error, given, Object.keys(schema.shape), ' of distil');
}

/** All options in their order. */
export const distilOptionSpecs: readonly OptionSpec<keyof DistilOptions>[] = optionSpecs(schema, 'Training');
