import { once } from 'node:events';
import { resolve } from 'node:path';
import { inspect, styleText } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { listenForInterrupt } from '../interrupt.js';
import { note } from '../progress.js';

interface Values extends EngineValues {
  readonly port?: number;
  readonly open: boolean;
  readonly page?: string;
}

const examples = `
Examples:
  $ fauve studio                          opens the page in the browser
  $ fauve studio --port 8080 --no-open    only says where it is

The page is for this computer only, and your pictures stay on it. Ctrl-C ends the server.`;

/** `fauve studio`: the page in the browser, and this computer's engine behind it. */
export function addStudioCommand(program: Command): void {
  const command = program
    .command('studio')
    .description('restyle pictures on a page in the browser')
    .addOption(
      new Option('--port <number>', 'port of the server on 127.0.0.1 (default: 1905, or a free one)').argParser(
        parsePort,
      ),
    )
    .addOption(new Option('--no-open', 'do not open the browser'))
    // For those who work on the page.
    .addOption(new Option('--page <folder>', 'serve another build of the page').hideHelp());
  addEngineFlags(command);
  command.addHelpText('after', examples).action(studio);
}

async function studio({ port, open, page, ...engine }: Values): Promise<void> {
  const dim = (text: string) => styleText('dim', text, { stream: process.stderr });
  // No other command waits for what only this one needs.
  const { startStudio } = await import('#server/server.js');
  const server = await startStudio({
    ...(port === undefined ? {} : { port }),
    ...(page === undefined ? {} : { folders: { page: resolve(page) } }),
    engine: { ...engineOf(engine), onNotice: note },
    log: (error) => process.stderr.write(`${inspect(error)}\n`),
  });
  const interrupt = listenForInterrupt({ say: (line) => process.stderr.write(`${dim(line)}\n`) });
  try {
    process.stdout.write(`The studio is at ${styleText('bold', server.url)}\n`);
    process.stderr.write(`${dim('For this computer only. Ctrl-C ends it.')}\n`);
    if (open) await openBrowser(server.url);
    if (!interrupt.signal.aborted) await once(interrupt.signal, 'abort');
  } finally {
    await server.close();
    interrupt.release();
  }
}

/** The page is there without it: that no browser opens is told, and no more. */
async function openBrowser(url: string): Promise<void> {
  try {
    const { default: open } = await import('open');
    await open(url);
  } catch {
    process.stderr.write('No browser could be opened. Open the address above.\n');
  }
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new InvalidArgumentError('Expected a whole number from 1 to 65535.');
  return port;
}
