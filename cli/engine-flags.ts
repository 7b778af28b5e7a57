import { type Command, InvalidArgumentError, Option } from 'commander';
import { FauveError } from 'fauve';
import { lossNetworkNames } from 'fauve/jobs';
import { checkEngineOptions, type DeviceChoice, type EngineOptions } from 'fauve/node';
import { parseCount } from './option-flags.js';
import { flagMessage } from './remedies.js';

/** Where to compute. */
export interface EngineFlags {
  readonly engine: EngineOptions;
}

/** The flags as commander hands them over. */
export interface EngineValues {
  readonly device?: DeviceChoice;
  readonly threads?: number;
}

const devices: readonly DeviceChoice[] = ['auto', 'cpu', 'webgpu'];

/** Adds `--network`, `--device` and `--threads`. @param network said to be the default; without it there is no choice of networks */
export function addEngineFlags(command: Command, network?: string): void {
  const oneOf = (name: string, choices: readonly string[], description: string) =>
    new Option(`--${name} <${choices.join('|')}>`, description).argParser((value) => {
      if (choices.includes(value)) return value;
      throw new InvalidArgumentError(`Expected ${choices.join(' or ')}.`);
    });
  const flags = [
    ...(network === undefined
      ? []
      : [
          oneOf(
            'network',
            lossNetworkNames,
            `loss network (default: ${network}); vgg19 and vgg16 are pulled first: fauve models`,
          ),
        ]),
    oneOf('device', devices, 'where to compute (default: auto, the fastest)'),
    new Option('--threads <number>', 'threads of the processor (at most, and by default, one for each core)').argParser(
      parseCount,
    ),
  ];
  for (const flag of flags) command.addOption(flag.helpGroup('Engine:'));
}

/** @throws FauveError `usage` that names the flag, before any work */
export function engineOf({ device, threads }: EngineValues): EngineOptions {
  const options = { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) };
  try {
    checkEngineOptions(options);
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.reason, flagMessage(error), { cause: error });
  }
  return options;
}
