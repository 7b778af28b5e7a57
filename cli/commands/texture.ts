import { type Command, Option } from 'commander';
import {
  checkWritable,
  createImage,
  defaultNetworkName,
  defaultTextureSteps,
  encodeImage,
  FauveError,
  outputFormat,
} from 'fauve';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { parseCount, parseNumber } from '../option-flags.js';
import { paintTexture } from '../paint-texture.js';
import { filesHeading } from '../run-flags.js';

interface Values extends EngineValues {
  readonly output?: string;
  readonly size?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly styleScale?: number;
  readonly quality?: number;
  readonly overwrite?: true;
  readonly quiet?: true;
  readonly network?: string;
}

const examples = `
Examples:
  $ fauve texture wave.style -o swatch.png
  $ fauve texture starry-night -o swatch.png --size 512 --seed 3`;

/** `fauve texture`: a picture from a style alone. */
export function addTextureCommand(program: Command): void {
  const command = program
    .command('texture')
    .description('paint a picture from a style alone: its colours and strokes, with no content')
    .argument('<style>', 'a style file, or the name of a style that comes with Fauve');
  const files = [
    new Option('-o, --output <file>', 'the picture: .png, .jpg, .webp or .tif'),
    new Option('--overwrite', 'replace an existing output'),
    new Option('--quality <number>', 'JPEG and WebP: 1 to 100 (default: 95)').argParser(parseNumber),
  ];
  const picture = [
    new Option('--size <pixels>', 'side of the square (default: 256)').argParser(parseCount),
    new Option('--steps <number>', `steps at the full size (default: ${defaultTextureSteps})`).argParser(parseCount),
    new Option('--seed <number>', 'another seed, another picture (default: 0)').argParser(parseNumber),
    new Option('--style-scale <number>', 'smaller gives finer strokes (default: 1)').argParser(parseNumber),
  ];
  for (const flag of files) command.addOption(flag.helpGroup(filesHeading));
  for (const flag of picture) command.addOption(flag.helpGroup('Picture:'));
  command
    .addOption(new Option('-q, --quiet', 'print nothing but errors').helpGroup('Run:'))
    .addHelpText('after', examples)
    .action(paint);
  addEngineFlags(command, defaultNetworkName);
}

async function paint(style: string, values: Values): Promise<void> {
  const { output, quality, quiet = false, network = defaultNetworkName } = values;
  if (output === undefined) throw new FauveError('usage', 'There is no output. Name one: -o swatch.png.');
  // A single pixel meets the same rules.
  await encodeImage(createImage(1, 1, new Float32Array(3)), outputFormat(output), { quality });
  await checkWritable(output, { overwrite: values.overwrite === true });
  const { size = 256, steps = defaultTextureSteps, seed = 0, styleScale = 1 } = values;
  const options = { size, steps, seed, styleScale };
  await paintTexture({ style, output, network, options, quality, engine: engineOf(values), json: false, quiet });
}
