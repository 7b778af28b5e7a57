import { type Command, InvalidArgumentError, Option } from 'commander';
import { FauveError, type OptionSpec, resolveStylizeOptions, type StylizeOptionsInput } from 'fauve';
import { optionGroups, optionText, respelled, spellings, stylizeOptionSpecs } from 'fauve/jobs';
import { flagOf } from './flag-name.js';
import { flagMessage } from './remedies.js';

/** Flags of the other spellings of an option: `--colors`. */
export function otherFlagsOf(name: string): string[] {
  return Object.entries(spellings).flatMap(([spelling, own]) => (own === name ? [flagOf(spelling)] : []));
}

/** How a command shows the options of a kind of job. */
export interface FlagSettings {
  /** What is said of the value that holds without the flag; by default the value itself. */
  readonly defaults?: string;
  /** Words that an option also takes beside its choices: the name of a file. */
  readonly files?: readonly string[];
}

/** Adds a flag for each option: `contentWeight` becomes `--content-weight`, with the option's own description. */
export function addOptionFlags(
  command: Command,
  specs: readonly OptionSpec[],
  { defaults, files = [] }: FlagSettings = {},
): void {
  for (const group of optionGroups) {
    const heading = `${group}:`;
    for (const spec of specs.filter((each) => each.group === group)) {
      const without = defaults ?? `default: ${optionText(spec.default)}`;
      const flag = (name: string) => optionOf(spec, name, without, files.includes(spec.name));
      command.addOption(flag(flagOf(spec.name)).helpGroup(heading));
      // Takes back what a config file or a recipe says.
      if (spec.kind === 'switch')
        command.addOption(new Option(flagOf(spec.name).replace('--', '--no-')).helpGroup(heading).hideHelp());
      for (const other of otherFlagsOf(spec.name)) command.addOption(flag(other).helpGroup(heading).hideHelp());
    }
  }
}

/**
 * The options among the values of a command's flags, by their names in the library, checked.
 * @param resolve checks them
 * @throws FauveError `usage` that names the flag
 */
export function optionsOf<Options extends object>(
  flags: object,
  specs: readonly OptionSpec[],
  resolve: (options: unknown) => unknown,
): Options {
  const names: readonly string[] = [...specs.map(({ name }) => name), ...Object.keys(spellings)];
  const given = Object.entries(flags).filter(([flag, value]) => names.includes(flag) && value !== undefined);
  return checkedOptions(Object.fromEntries(given), resolve, flagMessage);
}

/** @param phrase says what is wrong, and where the options come from */
function checkedOptions<Options extends object>(
  given: object,
  resolve: (options: unknown) => unknown,
  phrase: (error: FauveError) => string,
): Options {
  try {
    const options = respelled(given) as Options;
    resolve(options);
    return options;
  } catch (error) {
    if (error instanceof FauveError) throw new FauveError(error.reason, phrase(error), { cause: error });
    throw error;
  }
}

/** Options of `stylize` that a user named, and the file that `init` names. */
export interface NamedStylizeOptions {
  readonly options: StylizeOptionsInput;
  readonly init?: string;
}

/** The options of `stylize` among the values of flags. @throws FauveError `usage` that names the flag */
export function stylizeOptionsOf(flags: object): NamedStylizeOptions {
  const { init, ...others } = flags as { readonly init?: unknown };
  return withInit(init, (named) => optionsOf({ ...others, init: named }, stylizeOptionSpecs, resolveStylizeOptions));
}

/** The same from a config file. @param phrase says what is wrong, and names the file */
export function checkOptions(
  given: Readonly<Record<string, unknown>>,
  phrase: (error: FauveError) => string,
): NamedStylizeOptions {
  const { init, ...others } = given;
  return withInit(init, (named) => {
    const options = named === undefined ? others : { ...others, init: named };
    return checkedOptions(options, resolveStylizeOptions, phrase);
  });
}

/** Takes the name of a file out of `init`. */
function withInit(init: unknown, options: (named: unknown) => StylizeOptionsInput): NamedStylizeOptions {
  const isFile = typeof init === 'string' && !initChoices().includes(init);
  return isFile ? { options: options(undefined), init } : { options: options(init) };
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

/** `0,32,64` */
const parseNumbers = (text: string): number[] => text.split(',').map(parseNumber);

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

/** A flag that takes one of several words. */
export function choiceOption(flag: string, choices: readonly string[], description: string): Option {
  return new Option(`${flag} <${choices.join('|')}>`, description).argParser((value) => {
    if (choices.includes(value)) return value;
    throw new InvalidArgumentError(`Expected ${choices.join(' or ')}.`);
  });
}

function optionOf({ name, kind, description, choices = [] }: OptionSpec, flag: string, without: string, file: boolean) {
  const text = without ? `${description} (${without})` : description;
  if (file) return new Option(`${flag} <${choices.join('|')}|file>`, text);
  switch (kind) {
    case 'switch':
      return new Option(flag, description);
    case 'number':
      return new Option(`${flag} <number>`, text).argParser(parseNumber);
    case 'numbers':
      return new Option(`${flag} <numbers>`, text).argParser<unknown>(parseNumbers);
    case 'layers':
      return new Option(`${flag} <layers>`, text).argParser<unknown>(parseLayers);
    case 'choice':
      return choiceOption(flag, choices, text);
    case 'text':
      return new Option(`${flag} <${name}>`, text).argParser((value) => (/^\d+$/.test(value) ? Number(value) : value));
  }
}

const initChoices = (): readonly string[] => stylizeOptionSpecs.find(({ name }) => name === 'init')?.choices ?? [];
