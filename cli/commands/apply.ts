import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type ApplyOptions,
  type CheckedStyleNetwork,
  checkStyleNetwork,
  FauveError,
  kindNames,
  loadStyleNetwork,
  type OutputFormat,
  type PixelRange,
  type Precision,
  resolveApplyOptions,
  styleShares,
} from 'fauve';
import { applyToPhotos } from '../apply-batch.js';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import type { StyleArgument } from '../inputs.js';
import { otherFlagsOf, parseNumber, withFlag } from '../option-flags.js';
import { findPhotos, planOutputs } from '../photos.js';
import { tellingErrors } from '../restyle.js';
import { filesHeading, styleOption } from '../run-flags.js';

interface Values extends EngineValues {
  readonly style?: readonly StyleArgument[];
  readonly output?: string;
  readonly overwrite?: true;
  readonly skipExisting?: true;
  readonly format?: OutputFormat;
  readonly quality?: number;
  readonly bits?: 8 | 16;
  readonly size?: number | string;
  readonly strength?: number;
  readonly colours?: string;
  readonly colors?: string;
  readonly range?: PixelRange;
  readonly precision?: Precision;
  readonly list?: true;
  readonly json?: true;
  readonly quiet?: true;
}

const examples = `
Examples:
  $ fauve apply styles.onnx --list                                               the styles that the network knows
  $ fauve apply styles.onnx photo.jpg --style great-wave -o out.png              one photo
  $ fauve apply styles.onnx photo.jpg -s great-wave:2 -s the-scream -o out.png   two styles, 2 : 1
  $ fauve apply styles.onnx photos/ more/*.png -s great-wave -o out/             many, with their names
  $ fauve apply styles.onnx photos/ -s great-wave -o out/ --skip-existing        goes on where it was stopped
  $ fauve apply styles.onnx photo.jpg -s great-wave -o out.jpg --strength 0.6    halfway to the photo
  $ fauve apply mosaic.onnx photo.jpg -o out.png --range 0-255                   a network of another program
  $ cat photo.jpg | fauve apply styles.onnx - -s great-wave -o - > out.png       from and to a pipe

A network is what fauve train makes, or a "fast neural style" network as ONNX: one picture [1,3,H,W] or [1,H,W,3] in, one out.
Folders: pictures in ${kindNames()} are read, by their names; what else lies there is counted.
A photo that cannot be read does not stop the others: it is named at the end, and the exit code is 1.
The memory grows with the photo. What does not fit is refused, with the largest --size that does.`;

/** `fauve apply`: restyles photos with a trained network. */
export function addApplyCommand(program: Command): void {
  const oneOf = (flag: string, choices: readonly string[], description: string) =>
    new Option(`${flag} <${choices.join('|')}>`, description).argParser((value) => {
      if (choices.includes(value)) return value;
      throw new InvalidArgumentError(`Expected ${choices.join(' or ')}.`);
    });
  const command = program
    .command('apply')
    .description('restyle photos with a trained network, in one pass')
    .argument('<model>', 'the network: an .onnx file')
    .argument('[photos...]', 'pictures, folders of pictures, patterns such as "photos/*.jpg", or - for standard input')
    .addOption(styleOption("one of the network's styles, with its share when several are mixed (repeatable)"));
  const files = [
    new Option('-o, --output <file|folder>', 'the picture or the folder for several; - for standard output'),
    new Option('--overwrite', 'replace existing pictures').conflicts('skipExisting'),
    new Option(
      '--skip-existing',
      'leave out photos whose picture is there already: goes on where an earlier run stopped',
    ),
    oneOf(
      '--format',
      ['png', 'jpeg', 'webp', 'tiff'],
      "format in a folder and on standard output (default: the photo's; png)",
    ),
    new Option('--quality <number>', 'JPEG and WebP: 1 to 100 (default: 95)').argParser(parseNumber),
    new Option('--bits <8|16>', 'PNG and TIFF: bits per channel (default: 8)').argParser((text) => {
      if (text !== '8' && text !== '16') throw new InvalidArgumentError('Expected 8 or 16.');
      return Number(text);
    }),
  ];
  const colours = ['style', 'luminance'];
  const picture = [
    new Option(
      '--size <size>',
      'longer side in pixels, or WIDTHxHEIGHT, original, or auto: as large as the memory allows (default: original)',
    ).argParser((text) => (/^\d+$/.test(text) ? Number(text) : text)),
    new Option('--strength <number>', "from 0, the photo, to 1, the network's picture (default: 1)").argParser(
      parseNumber,
    ),
    oneOf(
      '--colours',
      colours,
      "style: the network's; luminance: the photo's, only brightness is restyled (default: style)",
    ),
    ...otherFlagsOf('colours').map((flag) => oneOf(flag, colours, '').hideHelp()),
    oneOf('--range', ['0-1', '0-255'], 'black and white of a network of another program (default: found out)'),
    oneOf(
      '--precision',
      ['int8', 'float32'],
      'int8: most of the work in 8-bit integers, on a processor, if the network knows how; float32: all in floats (default: int8)',
    ),
  ];
  const run = [
    new Option('--list', 'print the styles of the network'),
    new Option('--json', 'print what happens as lines of JSON on stdout'),
    new Option('-q, --quiet', 'print nothing but errors'),
  ];
  for (const flag of files) command.addOption(flag.helpGroup(filesHeading));
  for (const flag of picture) command.addOption(flag.helpGroup('Picture:'));
  for (const flag of run) command.addOption(flag.helpGroup('Run:'));
  addEngineFlags(command);
  command
    .addHelpText('after', examples)
    .action((model: string, photos: readonly string[], values: Values) =>
      tellingErrors(values.json === true, () => apply(model, photos, values)),
    );
}

async function apply(model: string, named: readonly string[], values: Values): Promise<void> {
  const network = checkStyleNetwork(await loadStyleNetwork(model), values.range);
  if (values.list) return list(network, values.json === true);
  const { output, style = [], json = false, quiet = false, range, precision } = values;
  if (named.length === 0)
    throw new FauveError('usage', 'There is no photo. Name one: fauve apply model.onnx photo.jpg -o out.png.');
  if (output === undefined)
    throw new FauveError('usage', 'There is no output. Name one: -o out.png, or -o out/ for several photos.');
  const engine = engineOf(values);
  const styles = style.map(({ path, weight = 1 }) => ({ name: path, weight }));
  styleShares(network.styles, styles, network.fileName);
  const options = optionsOf(values);
  if (named.includes('-') && process.stdin.isTTY) {
    throw new FauveError(
      'usage',
      'The photo - is read from a pipe, and this is a terminal. Name a file, or write cat photo.jpg | fauve apply …',
    );
  }
  if (output === '-' && json) {
    throw new FauveError(
      'usage',
      'The picture and the lines of --json cannot both go to standard output. Leave out one.',
    );
  }
  if (output === '-' && process.stdout.isTTY) {
    throw new FauveError(
      'usage',
      'The picture - is written to a pipe, and this is a terminal. Name a file, or add > out.png.',
    );
  }
  const { photos, notices } = await findPhotos(named);
  const { jobs, skipped } = await planOutputs(photos, output, {
    ...encodingOf(values),
    overwrite: values.overwrite === true,
    skipExisting: values.skipExisting === true,
  });
  await applyToPhotos({
    ...{ network, jobs, skipped, notices, styles, options, json, quiet },
    ...(range === undefined ? {} : { range }),
    ...(precision === undefined ? {} : { precision }),
    engine,
  });
}

function optionsOf({ size, strength, colours, colors }: Values): ApplyOptions {
  try {
    return resolveApplyOptions({ size, strength, colours, colors });
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.code, withFlag(error.message), { cause: error });
  }
}

const encodingOf = ({ format, quality, bits }: Values) => ({
  ...(format === undefined ? {} : { format }),
  ...(quality === undefined ? {} : { quality }),
  ...(bits === undefined ? {} : { bits }),
});

function list({ fileName, model, styles }: CheckedStyleNetwork, json: boolean): void {
  if (json) {
    const { name, licence, training } = model ?? {};
    process.stdout.write(`${JSON.stringify({ type: 'model', file: fileName, name, licence, styles, training })}\n`);
    return;
  }
  if (!model) {
    process.stdout.write(`${fileName} was not made by fauve train: it has one style, without a name.\n`);
    return;
  }
  const width = Math.max(...styles.map(({ name }) => name.length));
  for (const { name, title, artist, year } of styles) {
    const about = [title, artist, year ?? ''].filter((text) => text !== '').join(', ');
    process.stdout.write(`${`${name.padEnd(width)}  ${about}`.trimEnd()}\n`);
  }
}
