import { type Command, Option } from 'commander';
import { FauveError } from 'fauve';
import { defaultNetworkName, resolveTextureOptions, textureOptionSpecs } from 'fauve/jobs';
import { styleReferenceOf } from 'fauve/node';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { makePicture } from '../make-picture.js';
import { addOptionFlags, optionsOf, parseNumber } from '../option-flags.js';
import { filesHeading, resumeOption } from '../run-flags.js';

interface Values extends EngineValues {
  readonly output?: string;
  readonly quality?: number;
  readonly overwrite?: true;
  readonly resume?: true;
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
  for (const flag of files) command.addOption(flag.helpGroup(filesHeading));
  addOptionFlags(command, textureOptionSpecs);
  command
    .addOption(resumeOption())
    .addOption(new Option('-q, --quiet', 'print nothing but errors').helpGroup('Run:'))
    .addHelpText('after', examples)
    .action(paint);
  addEngineFlags(command, defaultNetworkName);
}

async function paint(style: string, values: Values): Promise<void> {
  const { output, quality, quiet = false, network = defaultNetworkName, overwrite = false, resume = false } = values;
  if (output === undefined) throw new FauveError('request', 'There is no output. Name one: -o swatch.png.');
  await makePicture({
    spec: {
      kind: 'texture',
      style: styleReferenceOf(style),
      network,
      options: optionsOf(values, textureOptionSpecs, resolveTextureOptions),
    },
    ...{ output, quality, overwrite, resume },
    ...{ engine: engineOf(values), json: false, quiet },
  });
}
