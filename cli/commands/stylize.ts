import { type Command, Option } from 'commander';
import { FauveError, type JobSpecOf, resolveStylizeOptions } from 'fauve';
import { defaultNetworkName, fastStyleNetworkName, stylizeOptionSpecs } from 'fauve/jobs';
import { kindNames } from 'fauve/pictures';
import { applyToOne } from '../apply-batch.js';
import { type Config, readConfig } from '../config.js';
import { flagOf } from '../flag-name.js';
import { type StyleArgument, styleOf } from '../inputs.js';
import { makePicture, type PictureJob } from '../make-picture.js';
import { addOptionFlags, stylizeOptionsOf } from '../option-flags.js';
import { addRunFlags, filesHeading, type RunValues, runSettingsOf, styleOption } from '../run-flags.js';
import { tellingErrors } from '../telling-errors.js';

interface Values extends RunValues {
  readonly style?: readonly StyleArgument[];
  readonly output?: string;
  readonly config?: string;
  readonly network?: string;
  readonly fast?: true;
}

const examples = `
Examples:
  $ fauve stylize photo.jpg --style starry-night -o out.png                          a style that comes with Fauve
  $ fauve stylize photo.jpg --style painting.jpg -o out.png                          any painting that you have
  $ fauve stylize photo.jpg --style starry-night.jpg:2 --style wave.jpg -o out.png   two styles, 2 : 1
  $ fauve stylize photo.jpg -s wave.jpg -o out.jpg --size 1024 --style-weight 2      larger and stronger
  $ fauve stylize photo.jpg -s wave.jpg -o out.png --colours luminance               keeps the photo's colours
  $ fauve stylize photo.jpg -s great-wave -o out.png --fast                          at once, by a trained network
  $ fauve stylize photo.jpg -s wave.jpg -o out.png --resume                          goes on after Ctrl-C

Layers are written as relu4_2, or with their shares: --style-layers relu1_1,relu2_1:0.5,relu4_1:2
Ctrl-C stops after the step that is being computed, writes the picture so far and a checkpoint beside it.
Config file: JSON such as {"content": "photo.jpg", "styles": ["wave.jpg:2"], "output": "out.png", "styleWeight": 2};
its files are named from its own folder, and flags win over it.
The loss network that comes with Fauve stands in for VGG-19. The large one is optional: after fauve models pull vgg19,
--polish 30 ends with 30 steps of it, and --network vgg19 makes the whole picture with it.`;

/** `fauve stylize`: restyles a picture by optimising it. */
export function addStylizeCommand(program: Command): void {
  const command = program
    .command('stylize')
    .description('restyle a picture with the style of a painting, by optimising the picture itself')
    .argument('[content]', `the picture to restyle: ${kindNames()}`)
    .addOption(styleOption('a painting, with its share when there are several (repeatable)'))
    .addOption(new Option('-o, --output <file>', 'the result: .png, .jpg, .webp or .tif').helpGroup(filesHeading))
    .addOption(new Option('--config <file>', 'take options and pictures from a JSON file').helpGroup(filesHeading))
    .addOption(
      new Option(
        '--fast',
        'one pass of a trained network, in a fraction of a second, for the styles that it knows',
      ).helpGroup('Run:'),
    )
    .addHelpText('after', examples)
    .action((content: string | undefined, values: Values) =>
      tellingErrors(values.json === true, () => stylize(content, values)),
    );
  addOptionFlags(command, stylizeOptionSpecs, { files: ['init'] });
  addRunFlags(command, defaultNetworkName);
}

async function stylize(photo: string | undefined, values: Values): Promise<void> {
  const named = stylizeOptionsOf(values);
  const config: Config = values.config === undefined ? { options: {}, styles: [] } : await readConfig(values.config);
  const options = { ...config.options, ...named.options };
  const init = named.init ?? (named.options.init === undefined ? config.init : undefined);
  const content = required(
    photo ?? config.content,
    'content image',
    'fauve stylize photo.jpg --style painting.jpg -o out.png',
  );
  const styles = values.style ?? config.styles;
  required(styles[0], 'style image', '--style painting.jpg');
  const output = required(values.output ?? config.output, 'output', '-o out.png');
  const spec: JobSpecOf<'stylize'> = {
    kind: 'stylize',
    content: { path: content },
    styles: styles.map(styleOf),
    init: init === undefined ? undefined : { path: init },
    network: values.network ?? config.network ?? defaultNetworkName,
    options,
  };
  const job = { ...runSettingsOf(values), output };
  if (values.fast) return applyToOne(fastSpec(spec, styles, job), job);
  return makePicture({ ...job, spec });
}

/** The options of `stylize` that one pass of a network has, too. */
const fastOptions: readonly string[] = ['size', 'colours'];

/** The job of `--fast`. @throws FauveError `usage` for what only an optimisation has */
function fastSpec(
  { content, init, options = {} }: JobSpecOf<'stylize'>,
  styles: readonly StyleArgument[],
  { saveEvery, plot, resume }: Omit<PictureJob, 'spec'>,
): JobSpecOf<'apply'> {
  const meaningless = { ...options, init: init ?? options.init, saveEvery, plot, resume: resume || undefined };
  const other = Object.entries(meaningless).find(([name, value]) => value !== undefined && !fastOptions.includes(name));
  if (other) {
    throw new FauveError(
      'request',
      `--fast is one pass of a trained network, without ${flagOf(other[0])}. Leave one of them out; --init fast optimises on from its picture.`,
    );
  }
  const { size, colours } = resolveStylizeOptions(options);
  if (colours === 'match') {
    throw new FauveError('request', '--colours match needs an optimisation. Use style or luminance with --fast.');
  }
  return {
    kind: 'apply',
    content,
    network: { shipped: fastStyleNetworkName },
    styles: styles.map(({ path, weight = 1 }) => ({ name: path, weight })),
    options: { size, colours },
  };
}

function required<T>(value: T | undefined, what: string, example: string): T {
  if (value === undefined) throw new FauveError('request', `There is no ${what}. Name one: ${example}.`);
  return value;
}
