import { type Command, InvalidArgumentError, Option } from 'commander';
import { addEngineFlags, type EngineFlags, type EngineValues, engineOf } from './engine-flags.js';
import { parseStyle, type StyleArgument } from './inputs.js';
import { parseCount, parseNumber } from './option-flags.js';
import type { OutputSettings } from './outputs.js';

/** Flags of `stylize` and `redo` that do not decide about the picture, as commander hands them over. */
export interface RunValues extends EngineValues {
  readonly quality?: number;
  readonly bits?: 8 | 16;
  readonly overwrite?: true;
  readonly resume?: true;
  readonly saveEvery?: number;
  readonly plot?: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** What those flags say. */
export type RunSettings = Omit<OutputSettings, 'output'> &
  EngineFlags & { readonly json: boolean; readonly quiet: boolean };

/** Heading of the help for what is read and written. */
export const filesHeading = 'Input and output:';

/** @param network said to be the default */
export function addRunFlags(command: Command, network: string): void {
  const files = [
    new Option('--overwrite', 'replace an existing output'),
    new Option('--quality <number>', 'JPEG and WebP: 1 to 100 (default: 95)').argParser(parseNumber),
    bitsOption(),
  ];
  const run = [
    resumeOption(),
    new Option(
      '--save-every <steps>',
      'also save the picture so far, as out.step-0050.png, and a checkpoint',
    ).argParser(parseCount),
    new Option('--plot <file>', 'draw the loss curves, as .svg or .png'),
    new Option('--json', 'print what happens as lines of JSON on stdout'),
    new Option('-q, --quiet', 'print nothing but errors'),
  ];
  for (const flag of files) command.addOption(flag.helpGroup(filesHeading));
  for (const flag of run) command.addOption(flag.helpGroup('Run:'));
  addEngineFlags(command, network);
}

export function runSettingsOf(values: RunValues): RunSettings {
  const { quality, bits, saveEvery, plot, overwrite = false, resume = false, json = false, quiet = false } = values;
  return { quality, bits, saveEvery, plot, engine: engineOf(values), overwrite, resume, json, quiet };
}

/** `--style`, once for each style. */
export function styleOption(description: string): Option {
  return new Option('-s, --style <style[:weight]>', description)
    .argParser((text, before: readonly StyleArgument[] = []) => [...before, parseStyle(text)])
    .helpGroup(filesHeading);
}

/** `--bits`, of a picture that is written. */
export function bitsOption(): Option {
  return new Option('--bits <8|16>', 'PNG and TIFF: bits per channel (default: 8)').argParser((text) => {
    if (text !== '8' && text !== '16') throw new InvalidArgumentError('Expected 8 or 16.');
    return Number(text);
  });
}

/** `--resume`, of a run that leaves a checkpoint. */
export const resumeOption = (): Option =>
  new Option('--resume', 'go on with an interrupted run, from its checkpoint beside the output').helpGroup('Run:');
