import { basename, extname } from 'node:path';
import { styleText } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FauveError, type JobEvent, runJob, type Style } from 'fauve';
import { encodeStyle } from 'fauve/files';
import { checkWritable, createNodeHost, readStyle } from 'fauve/node';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { listenForInterrupt } from '../interrupt.js';
import { writeResult } from '../keep.js';
import { parseNumber } from '../option-flags.js';
import { note } from '../progress.js';
import { filesHeading } from '../run-flags.js';

interface Values extends EngineValues {
  readonly output?: string;
  readonly name?: string;
  readonly title?: string;
  readonly artist?: string;
  readonly year?: number;
  readonly source?: string;
  readonly cropBottom?: number;
  readonly add?: true;
  readonly overwrite?: true;
  readonly quiet?: true;
  readonly network?: string;
}

const examples = `
Examples:
  $ fauve capture wave.jpg -o wave.style --title "The Great Wave" --artist Hokusai --year 1831
  $ fauve stylize photo.jpg --style wave.style -o out.png
  $ fauve capture wave.jpg -o wave.style --add --network vgg19     also for VGG-19, where its weights are installed

A style is the statistics of a painting, without its pixels: at most 64 KB for each loss network.`;

/** `fauve capture`: the style of a painting as a file. */
export function addCaptureCommand(program: Command): void {
  const command = program
    .command('capture')
    .description('keep the style of a painting in a small file')
    .argument('<painting>', 'a picture of the painting');
  const files = [
    new Option('-o, --output <file>', 'the style file: NAME.style'),
    new Option('--crop-bottom <percent>', 'leave out a strip at the bottom, such as a mark').argParser(parsePercent),
    new Option('--add', 'keep the other networks of an existing style file'),
    new Option('--overwrite', 'replace an existing style file'),
  ];
  const words = [
    new Option('--name <name>', 'short name, as great-wave (default: that of the file)'),
    new Option('--title <text>', 'title of the painting (default: its name)'),
    new Option('--artist <text>', 'who painted it'),
    new Option('--year <number>', 'when').argParser(parseNumber),
    new Option('--source <text>', 'where the picture is from'),
  ];
  for (const flag of files) command.addOption(flag.helpGroup(filesHeading));
  for (const flag of words) command.addOption(flag.helpGroup('About the painting:'));
  command
    .addOption(new Option('-q, --quiet', 'print nothing but errors').helpGroup('Run:'))
    .addHelpText('after', examples)
    .action(capture);
  addEngineFlags(command, 'all that come with Fauve');
}

async function capture(painting: string, values: Values): Promise<void> {
  const { output, network, quiet = false } = values;
  const engine = engineOf(values);
  const path = await checkedOutput(output, values);
  const before = values.add ? (await readStyle(path)).style : undefined;
  const about = aboutOf(painting, path, values, before);
  const interrupt = listenForInterrupt();
  await using host = createNodeHost({ engine: { ...engine, onNotice: quiet ? () => {} : note } });
  try {
    const style = await runJob<'capture'>(
      {
        kind: 'capture',
        painting: { path: painting },
        cropBottom: (values.cropBottom ?? 0) / 100,
        about,
        networks: network === undefined ? undefined : [network],
        addTo: before && { path },
      },
      host,
      { signal: interrupt.signal, onEvent: quiet ? () => {} : tell },
    );
    const bytes = encodeStyle(style);
    await writeResult(path, bytes, { what: 'The style' });
    if (quiet) return;
    const held = style.networks.map(({ network }) => network).join(', ');
    const name = styleText('bold', path, { stream: process.stderr });
    process.stderr.write(`${name}  ${style.title}, for ${held}, ${Math.round(bytes.byteLength / 1024)} KB\n`);
  } finally {
    interrupt.release();
  }
}

async function checkedOutput(output: string | undefined, { add, overwrite }: Values): Promise<string> {
  if (output === undefined) throw new FauveError('request', 'There is no output. Name one: -o wave.style.');
  const extension = extname(output);
  if (extension.toLowerCase() !== '.style') {
    throw new FauveError(
      'request',
      `The output ${output} must end in .style; received '${extension || 'no extension'}'.`,
    );
  }
  await checkWritable(output, { overwrite: overwrite === true || add === true });
  return output;
}

/** The words about the painting: as they were where a network is added, unless they are given anew. */
function aboutOf(painting: string, output: string, values: Values, before: Style | undefined) {
  const name = values.name ?? before?.name ?? slug(basename(output, extname(output)));
  return {
    name,
    title: values.title ?? before?.title ?? titleOf(painting),
    artist: values.artist ?? before?.artist ?? '',
    year: values.year ?? before?.year ?? null,
    source: values.source ?? before?.source ?? '',
  };
}

/** `Great Wave (1831)` → `great-wave-1831`. */
function slug(text: string): string {
  const plain = text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss');
  const name = plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'style' : name;
}

/** `great_wave.jpg` → `great wave`. */
function titleOf(painting: string): string {
  const text = basename(painting, extname(painting))
    .replace(/[\p{C}\s_-]+/gu, ' ')
    .trim()
    .slice(0, 200);
  return text === '' ? 'A painting' : text;
}

function tell(event: JobEvent<'capture'>): void {
  if (event.type === 'notice') {
    note(event.message);
    return;
  }
  const { network, size, done, total } = event;
  const line = styleText('dim', `${done}/${total}  ${network} at ${size} pixels`, { stream: process.stderr });
  process.stderr.write(`${line}\n`);
}

function parsePercent(text: string): number {
  const value = parseNumber(text.replace(/%$/, ''));
  if (!(value >= 0 && value <= 90)) throw new InvalidArgumentError('Expected a percentage from 0 to 90.');
  return value;
}
