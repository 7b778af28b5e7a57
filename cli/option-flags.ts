import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  FauveError,
  type OptionSpec,
  resolveStylizeOptions,
  respelled,
  type StylizeOptions,
  type StylizeOptionsInput,
  spellings,
  stylizeOptionSpecs,
} from 'fauve';

type OptionName = OptionSpec['name'];

/** Options of `stylize` that the user named, in flags or in a file. The rest has its default. */
export type GivenOptions = Partial<StylizeOptions>;

/** Headings of the help, in their order; what is named under none of them belongs to the optimisation. */
const groups: readonly { readonly heading: string; readonly names: readonly OptionName[] }[] = [
  { heading: 'Picture:', names: ['size', 'init', 'colours', 'seed'] },
  {
    heading: 'Losses:',
    names: [
      'contentWeight',
      'styleWeight',
      'tvWeight',
      'contentLayers',
      'styleLayers',
      'styleStatistics',
      'styleScale',
      'tvNorm',
      'normalisation',
      'pooling',
    ],
  },
];
const optimisation = 'Optimisation:';

/** What `measureLosses` looks at. */
export const lossOptionNames: readonly OptionName[] = ['colours', ...groups[1]!.names];

/** Flags of the other spellings of an option: `--colors`. */
export function otherFlagsOf(name: string): string[] {
  return Object.entries(spellings).flatMap(([spelling, own]) => (own === name ? [flagOf(spelling)] : []));
}

/** The message of an error about an option, with its flag in place of its name. */
export const withFlag = (message: string): string =>
  message
    .replace(/^The option (\w+)/, (_, name: string) => flagOf(name))
    .replace(/(is given twice, also as )(\w+)/, (_, text: string, name: string) => text + flagOf(name));

/** `contentWeight` → `--content-weight`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Adds a flag for each option of `stylize`: `contentWeight` becomes `--content-weight`, with the option's own description.
 * @param only the options that the command has; all by default
 * @param defaults what is said of the value that holds without the flag; by default the value itself
 */
export function addOptionFlags(
  command: Command,
  { only, defaults }: { readonly only?: readonly OptionName[]; readonly defaults?: string } = {},
): void {
  const specs = stylizeOptionSpecs.filter(({ name }) => !only || only.includes(name));
  const headingOf = (name: OptionName) => groups.find(({ names }) => names.includes(name))?.heading ?? optimisation;
  for (const heading of [...groups.map((group) => group.heading), optimisation]) {
    for (const spec of specs.filter(({ name }) => headingOf(name) === heading)) {
      const without = defaults ?? `default: ${shown(spec)}`;
      command.addOption(optionOf(spec, flagOf(spec.name), without).helpGroup(heading));
      // Takes back what a config file or a recipe says.
      if (spec.kind === 'switch')
        command.addOption(new Option(flagOf(spec.name).replace('--', '--no-')).helpGroup(heading).hideHelp());
      for (const flag of otherFlagsOf(spec.name))
        command.addOption(optionOf(spec, flag, without).helpGroup(heading).hideHelp());
    }
  }
}

/**
 * The options among the values of a command's flags, checked.
 * @returns the options, and the file that `--init` names
 * @throws FauveError `usage` that names the flag
 */
export function optionsOf(flags: object): { options: GivenOptions; init?: string } {
  const names: readonly string[] = [...stylizeOptionSpecs.map(({ name }) => name), ...Object.keys(spellings)];
  const given = Object.entries(flags).filter(([flag]) => names.includes(flag));
  return checkOptions(Object.fromEntries(given), withFlag);
}

/**
 * Checks options that may be incomplete and takes the name of a file out of `init`.
 * @param phrase turns the message of an error into one that names where the options come from
 * @throws FauveError `usage`
 */
export function checkOptions(
  given: Readonly<Record<string, unknown>>,
  phrase: (message: string) => string,
): { options: GivenOptions; init?: string } {
  try {
    const { init, ...rest } = respelled(given);
    const isFile = typeof init === 'string' && !initChoices().includes(init);
    const named = init === undefined || isFile ? rest : { ...rest, init };
    const resolved = resolveStylizeOptions(named as StylizeOptionsInput);
    const options = Object.fromEntries(Object.keys(named).map((name) => [name, resolved[name as OptionName]]));
    return isFile ? { options, init } : { options };
  } catch (error) {
    if (error instanceof FauveError) throw new FauveError(error.code, phrase(error.message), { cause: error });
    throw error;
  }
}

/**
 * Makes sure that what was asked for beside `--resume` is what the interrupted run does anyway. The size is not looked at: it
 * depends on the picture.
 * @throws FauveError `usage` that names the flag
 */
export function requireSameOptions(given: GivenOptions, interrupted: StylizeOptions): void {
  for (const [key, value] of Object.entries(given)) {
    const name = key as OptionName;
    if (name !== 'size' && !isDeepStrictEqual(value, interrupted[name])) throw conflict(name, interrupted[name], value);
  }
}

/** What is wrong with an option that is not the interrupted run's. */
export function conflict(name: OptionName, before: unknown, received: unknown): FauveError {
  const text = (value: unknown) => (typeof value === 'object' ? layersText(value as LayerWeights) : String(value));
  return new FauveError(
    'usage',
    `--resume goes on with the options of the interrupted run, where ${flagOf(name)} is ${text(before)}; received ${text(received)}. Leave the flag out, or start again with --overwrite instead of --resume.`,
  );
}

/** A parser of flags whose value is a number. Ranges are the option's own business. */
export function parseNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** A parser of flags whose value is a whole number from 1. */
export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number from 1.');
  return value;
}

type LayerWeights = Readonly<Record<string, number>>;

/** `relu4_2:1,relu3_1:0.5`; a layer without a number has weight 1. */
export function parseLayers(text: string): LayerWeights {
  const layers: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [, name, weight] = /^\s*(relu\d_\d)\s*(?::(.*))?$/.exec(part) ?? [];
    if (!name) {
      throw new InvalidArgumentError(`Expected layers as relu4_2 or relu4_2:0.5,relu3_1:1; received '${part.trim()}'.`);
    }
    if (name in layers) throw new InvalidArgumentError(`${name} is named twice.`);
    const value = weight === undefined ? 1 : weight.trim() === '' ? Number.NaN : Number(weight);
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new InvalidArgumentError(`The weight of ${name} is a number from 0, received '${weight}'.`);
    }
    layers[name] = value;
  }
  return layers;
}

function optionOf(spec: OptionSpec, flag: string, without: string): Option {
  const { name, kind, description } = spec;
  if (kind === 'switch') return new Option(flag, description);
  const text = without ? `${description} (${without})` : description;
  if (name === 'init') {
    return new Option(`${flag} <${initChoices().join('|')}|file>`, text);
  }
  switch (kind) {
    case 'number':
      return new Option(`${flag} <number>`, text).argParser(parseNumber);
    case 'layers':
      return new Option(`${flag} <layers>`, text).argParser(parseLayers);
    case 'choice':
      return new Option(`${flag} <${spec.choices!.join('|')}>`, text).argParser((value) => {
        if (spec.choices!.includes(value)) return value;
        throw new InvalidArgumentError(`Expected ${spec.choices!.join(' or ')}.`);
      });
    case 'text':
      return new Option(`${flag} <${name}>`, text).argParser((value) => (/^\d+$/.test(value) ? Number(value) : value));
  }
}

const initChoices = (): readonly string[] => stylizeOptionSpecs.find(({ name }) => name === 'init')?.choices ?? [];

function shown({ kind, default: value }: OptionSpec): string {
  return kind === 'layers' ? layersText(value as LayerWeights) : String(value);
}

function layersText(layers: LayerWeights): string {
  return Object.entries(layers)
    .map(([layer, weight]) => (weight === 1 ? layer : `${layer}:${weight}`))
    .join(',');
}
