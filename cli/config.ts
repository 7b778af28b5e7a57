import { dirname, relative, resolve } from 'node:path';
import { FauveError } from 'fauve';
import { lossNetworkNames, perhaps, spellings, stylizeOptionSpecs } from 'fauve/jobs';
import { readFileChecked } from 'fauve/node';
import { z } from 'zod';
import { type StyleArgument, styleFrom } from './inputs.js';
import { checkOptions, type NamedStylizeOptions } from './option-flags.js';

/** What a config file says: some of the options, and which pictures. */
export interface Config {
  readonly options: NamedStylizeOptions['options'];
  readonly content?: string;
  readonly styles: readonly StyleArgument[];
  readonly init?: string;
  readonly output?: string;
  readonly network?: string;
}

const schema = z.looseObject({
  content: z.string().optional(),
  styles: z.array(z.string()).min(1).optional(),
  output: z.string().optional(),
  network: z.enum(lossNetworkNames).optional(),
});

/**
 * Reads a config file: JSON with options by their names in the library (`contentWeight`), and `content`, `styles` (as after
 * `--style`), `output` and `network`. Files are named from the folder of the config file.
 * @throws FauveError `input` for a file that is missing or no JSON, `usage` for what it says
 */
export async function readConfig(path: string): Promise<Config> {
  const bytes = await readFileChecked(path, 'Config file', 'Write the options into it, or leave it out.');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FauveError('input', `Config file ${path} is not JSON: ${reason}. Correct it.`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue!.path.join('.');
    throw new FauveError('request', `Config file ${path}: ${name ? `${name}: ` : ''}${issue!.message}.`);
  }
  const { content, styles = [], output, network, ...rest } = parsed.data;
  const options = stylizeOptionSpecs.map(({ name }): string => name);
  const unknown = Object.keys(rest).find((name) => !options.includes(name) && !Object.hasOwn(spellings, name));
  if (unknown !== undefined) {
    const known = [...Object.keys(schema.shape), ...options];
    const hint = perhaps(unknown, known) || ` Use one of ${known.join(', ')}.`;
    throw new FauveError('request', `Config file ${path}: There is no option '${unknown}'.${hint}`);
  }
  const { options: given, init } = checkOptions(rest, ({ message }) => `Config file ${path}: ${message}`);
  const fromHere = (file: string) => relative('', resolve(dirname(path), file));
  return {
    options: given,
    styles: styles.map((style) => styleFrom(style, fromHere)),
    ...(content === undefined ? {} : { content: fromHere(content) }),
    ...(init === undefined ? {} : { init: fromHere(init) }),
    ...(output === undefined ? {} : { output: fromHere(output) }),
    ...(network === undefined ? {} : { network }),
  };
}
