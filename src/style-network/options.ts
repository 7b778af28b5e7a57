import { z } from 'zod';
import { optionProblem } from '../checks/option-problem.js';
import { type OptionSpec, optionSpecs } from '../checks/option-specs.js';
import { type Respelled, respelled } from '../checks/spellings.js';

const schema = z.strictObject({
  size: z
    .union([
      z.number().int().min(1).max(16384),
      z.enum(['auto', 'original']),
      z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/),
    ])
    .default('original')
    .describe(
      'longer side in pixels, or WIDTHxHEIGHT, original, or auto: as large as the memory allows, up to the original',
    ),
  strength: z
    .number('expected a number from 0 to 1')
    .min(0)
    .max(1)
    .default(1)
    .describe("from 0, the photo, to 1, the network's picture"),
  colours: z
    .enum(['style', 'luminance'])
    .default('style')
    .describe("style: the network's; luminance: the photo's, only brightness is restyled"),
});

/** The options of `apply`, complete. */
export type ApplyOptions = z.infer<typeof schema>;
export type ApplyOptionsInput = Respelled<z.input<typeof schema>>;

/** All options in their order. */
export const applyOptionSpecs: readonly OptionSpec<keyof ApplyOptions>[] = optionSpecs(schema, 'Picture');

export const defaultApplyOptions: Readonly<ApplyOptions> = Object.freeze(schema.parse({}));

/** @throws FauveError `usage` that names the option and what is wrong with it */
export function resolveApplyOptions(input: unknown): ApplyOptions {
  const given = respelled(input);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw optionProblem(parsed.error, given, Object.keys(schema.shape), ' of apply');
}
