import { FauveError } from '../errors.js';

/** American spellings of options, each with the option's own name. */
export const spellings = { optimizer: 'optimiser', colors: 'colours', normalization: 'normalisation' } as const;

type Spelling = keyof typeof spellings;

/** Options that may also be given in their other spelling. */
export type Respelled<Input> = Input & {
  readonly [S in Spelling as (typeof spellings)[S] extends keyof Input ? S : never]?: Input[(typeof spellings)[S] &
    keyof Input];
};

/**
 * Options by their own names.
 * @param given anything: what is no object stays as it is
 * @throws FauveError `usage` for an option that is given in both spellings
 */
export function respelled<T>(given: T): T {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const found = Object.entries(given as Readonly<Record<string, unknown>>).filter(([, value]) => value !== undefined);
  const options: Record<string, unknown> = {};
  for (const [key, value] of found) {
    const name = Object.hasOwn(spellings, key) ? spellings[key as Spelling] : key;
    if (Object.hasOwn(options, name)) {
      const other = found.map(([each]) => each).find((each) => each !== name && spellings[each as Spelling] === name);
      throw new FauveError(
        { kind: 'option', name, expected: 'one spelling', received: `${name} and ${other}` },
        `The option ${name} is given twice, also as ${other}. Leave one of them out.`,
      );
    }
    options[name] = value;
  }
  return options as T;
}
