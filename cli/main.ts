#!/usr/bin/env node
import { Command } from 'commander';
import { fileError, version } from 'fauve/node';
import { addApplyCommand } from './commands/apply.js';
import { addCaptureCommand } from './commands/capture.js';
import { addDistilCommand } from './commands/distil.js';
import { addLossesCommand } from './commands/losses.js';
import { addModelsCommand } from './commands/models.js';
import { addRedoCommand } from './commands/redo.js';
import { addStudioCommand } from './commands/studio.js';
import { addStylesCommand } from './commands/styles.js';
import { addStylizeCommand } from './commands/stylize.js';
import { addTextureCommand } from './commands/texture.js';
import { addTrainCommand } from './commands/train.js';
import { failureOf } from './failure.js';
import { outliveTerminal } from './interrupt.js';
import { isReaderGone } from './keep.js';

const examples = `
Examples:
  $ fauve stylize photo.jpg --style starry-night -o out.png    a restyled picture, in a style that comes with Fauve
  $ fauve stylize photo.jpg --style painting.jpg -o out.png    in the style of any painting
  $ fauve studio                                               the same on a page in the browser
  $ fauve redo out.png --size 1024 -o large.png                the same, larger
  $ fauve losses --content photo.jpg --style starry-night out.png

Exit codes: 0 done, 1 the input or the machine, 2 the command line, 130 stopped by Ctrl-C
(by another signal: 128 and its number).`;

const program = new Command('fauve')
  .description('Neural style transfer: restyle photographs with the style of a painting.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  .option('--verbose', 'show where an error comes from (or set FAUVE_DEBUG=1)')
  .configureHelp({ showGlobalOptions: true, minWidthToWrap: 30 })
  // All errors are told in one place and in one line, those of commander too.
  .configureOutput({ outputError: () => {} })
  .exitOverride()
  .addHelpText('after', examples);
addStylizeCommand(program);
addRedoCommand(program);
addLossesCommand(program);
addStylesCommand(program);
addCaptureCommand(program);
addTextureCommand(program);
addTrainCommand(program);
addApplyCommand(program);
addStudioCommand(program);
addModelsCommand(program);
addDistilCommand(program);

// Told once, and no reason to stop: the work may be long, and its result may go elsewhere.
let stdoutFailed = false;
process.stdout.on('error', (error) => {
  if (stdoutFailed || isReaderGone(error)) return;
  stdoutFailed = true;
  process.exitCode = tell(fileError(error, 'write', 'standard output'));
});
// A terminal that was closed takes no more words; what can be saved is saved all the same.
process.stderr.on('error', () => {});
outliveTerminal();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error);
}

/** @returns the exit code */
function tell(error: unknown): number {
  const verbose = program.opts<{ verbose?: boolean }>().verbose === true || Boolean(process.env.FAUVE_DEBUG);
  const { exitCode, text } = failureOf(error, verbose, commandPath());
  if (text !== undefined) process.stderr.write(`${text}\n`);
  return exitCode;
}

/** The command that was asked for, as far as there is one: `models pull`. */
function commandPath(): string {
  const path: string[] = [];
  for (let command: Command | undefined = program; command; ) {
    command = command.commands.find((each) => each.name() === program.args[path.length]);
    if (command) path.push(command.name());
  }
  return path.join(' ');
}
