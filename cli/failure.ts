import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { FauveError } from 'fauve';
import { interruptedExitCode } from './interrupt.js';
import { messageFor } from './remedies.js';

/** How a command ends that did not succeed. */
export interface Failure {
  /** 1: the input or the machine; 2: the command line; 130: Ctrl-C, or 128 and the number of another signal. 0: help or the version. */
  readonly exitCode: number;
  /** For stderr; none where commander has printed what was asked for. */
  readonly text?: string;
}

const exitCodes = { usage: 2, input: 1, system: 1 } as const;

/**
 * What to say of an error, in one line, and how to exit.
 * @param verbose whether the stack follows, for a report
 * @param command the name of the command, for the hint at its help
 */
export function failureOf(error: unknown, verbose: boolean, command = ''): Failure {
  const stack = verbose ? `\n${inspect(error)}` : '';
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { exitCode: 0 };
    // Without a command there is nothing wrong, only nothing to do: the help was printed.
    if (error.code === 'commander.help') return { exitCode: 2 };
    const message = oneLine(error.message.replace(/^error: /, '')).replace(/[.\s]*$/, '.');
    return { exitCode: 2, text: `fauve: ${message} See fauve ${command ? `${command} ` : ''}--help.${stack}` };
  }
  if (error instanceof FauveError) {
    const exitCode = error.code === 'aborted' ? interruptedExitCode() : exitCodes[error.code];
    return { exitCode, text: `fauve: ${oneLine(messageFor(error))}${stack}` };
  }
  const what = oneLine(error instanceof Error ? error.message : String(error)).replace(/[.\s]*$/, '.');
  const request = verbose ? '' : ' Please report it, with what the same command says with --verbose.';
  return { exitCode: 1, text: `fauve: unexpected error: ${what}${request}${stack}` };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
