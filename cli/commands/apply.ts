import { type Command, Option } from 'commander';
import {
  type CheckedStyleNetwork,
  FauveError,
  type JobSpecOf,
  type OutputFormat,
  type PixelRange,
  type Precision,
} from 'fauve';
import { applyOptionSpecs, resolveApplyOptions, styleShares } from 'fauve/jobs';
import { createNodeHost, styleNetworkReferenceOf } from 'fauve/node';
import { kindNames } from 'fauve/pictures';
import { applyToPhotos } from '../apply-batch.js';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import type { StyleArgument } from '../inputs.js';
import { addOptionFlags, choiceOption, optionsOf, parseNumber } from '../option-flags.js';
import { findPhotos, planOutputs } from '../photos.js';
import { noticeTo } from '../progress.js';
import { bitsOption, filesHeading, styleOption } from '../run-flags.js';
import { tellingErrors } from '../telling-errors.js';

interface Values extends EngineValues {
  readonly style?: readonly StyleArgument[];
  readonly output?: string;
  readonly overwrite?: true;
  readonly skipExisting?: true;
  readonly format?: OutputFormat;
  readonly quality?: number;
  readonly bits?: 8 | 16;
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
    choiceOption(
      '--format',
      ['png', 'jpeg', 'webp', 'tiff'],
      "format in a folder and on standard output (default: the photo's; png)",
    ),
    new Option('--quality <number>', 'JPEG and WebP: 1 to 100 (default: 95)').argParser(parseNumber),
    bitsOption(),
  ];
  const network = [
    choiceOption('--range', ['0-1', '0-255'], 'black and white of a network of another program (default: found out)'),
    choiceOption(
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
  addOptionFlags(command, applyOptionSpecs);
  for (const flag of network) command.addOption(flag.helpGroup('Network:'));
  for (const flag of run) command.addOption(flag.helpGroup('Run:'));
  addEngineFlags(command);
  command
    .addHelpText('after', examples)
    .action((model: string, photos: readonly string[], values: Values) =>
      tellingErrors(values.json === true, () => apply(model, photos, values)),
    );
}

async function apply(model: string, named: readonly string[], values: Values): Promise<void> {
  const { output, style = [], json = false, quiet = false, range, precision } = values;
  const host = createNodeHost({ engine: { ...engineOf(values), onNotice: noticeTo({ json, quiet }) } });
  const reference = styleNetworkReferenceOf(model);
  const network = await host.styleNetwork(reference, range);
  if (values.list) return list(network, json);
  if (named.length === 0)
    throw new FauveError('request', 'There is no photo. Name one: fauve apply model.onnx photo.jpg -o out.png.');
  if (output === undefined)
    throw new FauveError('request', 'There is no output. Name one: -o out.png, or -o out/ for several photos.');
  const styles = style.map(({ path, weight = 1 }) => ({ name: path, weight }));
  styleShares(network.styles, styles, network.fileName);
  const options: object = optionsOf(values, applyOptionSpecs, resolveApplyOptions);
  checkPipes(named, output, json);
  const { photos: found, notices } = await findPhotos(named);
  const { jobs: photos, skipped } = await planOutputs(found, output, {
    ...encodingOf(values),
    overwrite: values.overwrite === true,
    skipExisting: values.skipExisting === true,
  });
  const job: Omit<JobSpecOf<'apply'>, 'content'> = {
    kind: 'apply',
    network: reference,
    styles,
    range,
    precision,
    options,
  };
  await applyToPhotos({ host, job, networkName: network.fileName, photos, skipped, notices, json, quiet });
}

/** @throws FauveError `usage` for a pipe that is none */
function checkPipes(photos: readonly string[], output: string, json: boolean): void {
  if (photos.includes('-') && process.stdin.isTTY) {
    throw new FauveError(
      'request',
      'The photo - is read from a pipe, and this is a terminal. Name a file, or write cat photo.jpg | fauve apply …',
    );
  }
  if (output === '-' && json) {
    throw new FauveError(
      'request',
      'The picture and the lines of --json cannot both go to standard output. Leave out one.',
    );
  }
  if (output === '-' && process.stdout.isTTY) {
    throw new FauveError(
      'request',
      'The picture - is written to a pipe, and this is a terminal. Name a file, or add > out.png.',
    );
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
