import { type Command, Option } from 'commander';
import {
  checkWritable,
  createImage,
  defaultNetworkName,
  defaultTextureSteps,
  encodeImage,
  FauveError,
  freeMemory,
  type Image,
  loadNetworkWeights,
  outputFormat,
  StylizeAborted,
  startEngine,
  texture,
} from 'fauve';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { readStyleArgument } from '../inputs.js';
import { listenForInterrupt } from '../interrupt.js';
import { writeResult } from '../keep.js';
import { parseCount, parseNumber } from '../option-flags.js';
import { quietReporter, textReporter } from '../progress.js';
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

async function paint(name: string, values: Values): Promise<void> {
  const { output, size, steps, seed, styleScale, quality, network = defaultNetworkName } = values;
  const engine = engineOf(values);
  if (output === undefined) throw new FauveError('usage', 'There is no output. Name one: -o swatch.png.');
  const encode = (image: Image) => encodeImage(image, outputFormat(output), { quality });
  // A single pixel meets the same rules.
  await encode(createImage(1, 1, new Float32Array(3)));
  await checkWritable(output, { overwrite: values.overwrite === true });
  const read = await readStyleArgument(name);
  if (!('style' in read)) {
    throw new FauveError(
      'usage',
      `${name} is a picture, expected a style. Capture it first: fauve capture ${name} -o NAME.style.`,
    );
  }
  const weights = await loadNetworkWeights(network);
  const reporter = values.quiet ? quietReporter : textReporter();
  const interrupt = listenForInterrupt({ after: 'this step', say: reporter.say, close: reporter.close });
  const runtime = await startEngine(engine);
  try {
    const result = await texture({
      style: read.style,
      weights,
      runtime,
      ...(size === undefined ? {} : { size }),
      ...(steps === undefined ? {} : { steps }),
      ...(seed === undefined ? {} : { seed }),
      ...(styleScale === undefined ? {} : { options: { styleScale } }),
      memoryLimit: freeMemory(),
      signal: interrupt.signal,
      onProgress: (event) => {
        if (event.type !== 'step') return reporter.tell(event);
        const { image: _, checkpoint: __, ...step } = event;
        reporter.tell(step);
      },
    });
    await writeResult(output, await encode(result.image), { what: 'The picture' });
    const { loss, terms, seconds, history } = result;
    const { width, height } = result.image;
    reporter.tell({ type: 'done', path: output, width, height, steps: history.length, loss, terms, seconds });
  } catch (error) {
    if (!(error instanceof StylizeAborted) || error.steps === 0) throw error;
    await writeResult(output, await encode(error.image), { what: 'The picture so far' });
    throw new FauveError('aborted', `Stopped after step ${error.steps}. The picture so far is in ${output}.`);
  } finally {
    reporter.close();
    interrupt.release();
    await runtime.close();
  }
}
