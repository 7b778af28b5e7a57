import { z } from 'zod';
import { FauveError } from '../../errors.js';
import { type Respelled, respelled, unknownOption } from '../spellings.js';

const schema = z.strictObject({
  /** Longer side in pixels, `WIDTHxHEIGHT`, `original`, or `auto`: as large as the memory allows, up to the original. */
  size: z
    .union([
      z.number().int().min(1).max(16384),
      z.enum(['auto', 'original']),
      z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/),
    ])
    .default('original'),
  /** 0 gives the photo, 1 the network's picture, between them their mean. */
  strength: z.number('expected a number from 0 to 1').min(0).max(1).default(1),
  /** `style`: the network's. `luminance`: the photo's, only brightness is restyled. */
  colours: z.enum(['style', 'luminance']).default('style'),
});

/** The options of `applyTransformer`, complete. */
export type ApplyOptions = z.infer<typeof schema>;
export type ApplyOptionsInput = Respelled<z.input<typeof schema>>;

export const defaultApplyOptions: Readonly<ApplyOptions> = Object.freeze(schema.parse({}));

/** @throws FauveError `usage` that names the option and what is wrong with it */
export function resolveApplyOptions(input: unknown): ApplyOptions {
  const given = respelled(input);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    throw unknownOption(issue.keys[0]!, Object.keys(schema.shape), ' of apply');
  }
  const [name] = issue.path;
  const received = (given as Readonly<Record<PropertyKey, unknown>> | undefined)?.[name ?? ''];
  throw new FauveError(
    'usage',
    `The option ${String(name)}: ${expectation(issue)}; received ${JSON.stringify(received)}.`,
  );
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      return `expected at least ${issue.minimum}`;
    case 'too_big':
      return `expected at most ${issue.maximum}`;
    case 'invalid_value':
      return `expected ${issue.values.join(' or ')}`;
    // Only `size` is text in a form of its own.
    case 'invalid_union':
    case 'invalid_format':
      return 'expected 512, 800x600, auto or original';
    default:
      return issue.message;
  }
}
