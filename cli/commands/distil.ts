import { existsSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DistilOptions, type DistilOptionsInput, FauveError, type JobEvent, type JobSpecOf } from 'fauve';
import { checkWritable, readFileChecked } from 'fauve/node';
import {
  decodeDistilCheckpoint,
  defaultDistilOptions,
  distilOptionSpecs,
  resolveDistilOptions,
  studentShapes,
} from 'fauve/training';
import { z } from 'zod';
import { writeDistilPlot } from '../distil-plot.js';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { addOptionFlags, optionsOf, parseCount } from '../option-flags.js';
import { plotFormat } from '../outputs.js';
import { tellingErrors } from '../telling-errors.js';
import { durationText } from '../time-left.js';
import { runTrainingJob } from '../training-job.js';

interface Values extends EngineValues, Readonly<Record<string, unknown>> {
  readonly photos: string;
  readonly paintings: string;
  readonly output: string;
  readonly teacher: string;
  readonly name?: string;
  readonly shape?: DistilOptions['shape'];
  readonly heldOut?: string;
  readonly tests: number;
  readonly saveEvery: number;
  readonly plot?: string;
  readonly json?: true;
  readonly overwrite?: true;
  readonly resume?: true;
}

const examples = `
Examples:
  $ fauve distil --photos photos/ --paintings paintings/ -o student.safetensors --shape distilled-small
  $ fauve distil … -o student.safetensors --resume              goes on after Ctrl-C, to the very same network
  $ fauve distil … --shape conv1_1:16,conv2_1:64/24,conv3_1:64/24,conv4_1:256/96,conv4_2:256/96,conv5_1:256/96

A student has some of its teacher's convolutions, under their names, with fewer channels. 64/24 is a separable one: 24 filters of 3×1
pixels, then 64 of 1×3 over what they find; most of a kernel fits into a third of its weights that way. It needs those that the losses look at:
conv1_1, conv2_1, conv3_1, conv4_1, conv4_2 and conv5_1. First it is fitted in closed form, then trained with Adam; --steps 0 leaves
it at the closed form. The list of --held-out is JSON: {"photos": [], "paintings": [], "pairs": [["photo.jpg", "painting.jpg"]]};
training never sees what it names, and its first pairs are those of the real test, in which the teacher judges pictures that were made
with the student.`;

/** `fauve distil`: makes a small loss network that reproduces a large one. */
export function addDistilCommand(program: Command): void {
  const command = program
    .command('distil')
    .description('make a small loss network that reproduces the features of a large one')
    .requiredOption('--photos <folder>', 'photos to train on')
    .requiredOption('--paintings <folder>', 'paintings to train on')
    .requiredOption('-o, --output <file>', 'the network: .safetensors')
    .addOption(new Option('--teacher <network>', 'the network that is reproduced').default('vgg19'))
    .option('--name <name>', `name of the network (default: ${defaultDistilOptions.name})`)
    .addOption(
      new Option(
        '--shape <shape>',
        `${Object.keys(studentShapes).join(', ')}, or convolutions and their channels (default: distilled)`,
      ).argParser(parseShape),
    )
    .option('--held-out <file>', 'names of pictures that are not trained on, and pairs to test with')
    .addOption(new Option('--tests <number>', 'how many of the pairs are tested').argParser(parseCount).default(3))
    .addOption(
      new Option('--save-every <steps>', 'save a checkpoint every so often').argParser(parseCount).default(100),
    )
    .option('--plot <file>', 'draw the curves, as .svg or .png')
    .option('--json', 'print what happens as lines of JSON on stdout')
    .option('--overwrite', 'replace an existing output')
    .option('--resume', 'go on with an interrupted run, from its checkpoint beside the output')
    .addHelpText('after', examples)
    .action((values: Values) => tellingErrors(values.json === true, () => run(values)));
  addOptionFlags(command, numbers);
  addEngineFlags(command);
}

/** Name and shape have flags of their own. */
const numbers = distilOptionSpecs.filter(({ kind }) => kind === 'number');

async function run(values: Values): Promise<void> {
  const { output, plot, photos, paintings, teacher, json = false, overwrite = false, resume = false } = values;
  const engine = engineOf(values);
  if (extname(output) !== '.safetensors') {
    throw new FauveError('request', `The network ${output} must end in .safetensors; received '${extname(output)}'.`);
  }
  if (plot !== undefined) plotFormat(plot);
  const options: DistilOptionsInput = optionsOf(values, distilOptionSpecs, resolveDistilOptions);
  await checkWritable(output, { overwrite });
  if (plot !== undefined) await checkWritable(plot, { overwrite: true });
  const held = values.heldOut === undefined ? undefined : await readHeldOut(values.heldOut);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  let steps = 0;
  const { bytes, seconds } = await runTrainingJob<'distil'>({
    spec: {
      ...{ kind: 'distil', photos, paintings, teacher, options },
      heldOut: held && { photos: held.photos, paintings: held.paintings },
      tests: held ? testPairs(held, values) : [],
    },
    ...{ output, saveEvery: values.saveEvery, overwrite, resume, json, engine, stepName: 'step' },
    progressOf: (checkpoint) => decodeDistilCheckpoint(checkpoint),
    reporter: {
      say,
      close: () => {},
      tell(event) {
        if (event.type === 'start') steps = event.options.steps;
        const text = textOf(event, steps);
        if (!json && text !== undefined) say(text);
      },
      async draw({ history, tests }) {
        if (plot !== undefined) await writeDistilPlot(plot, history, tests);
      },
    },
  });
  say(`${output}  ${(bytes.byteLength / 1e6).toFixed(2)} MB, ${durationText(seconds)}`);
}

/** An event in words; nothing for most of the steps. */
function textOf(event: JobEvent<'distil'>, steps: number): string | undefined {
  const errors = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, error]) => `${name} ${(100 * error).toFixed(1)} %`)
      .join(', ');
  switch (event.type) {
    case 'start':
      return `${(event.weights / 1e6).toFixed(2)} million weights, ${event.options.steps} steps; ${event.engine}`;
    case 'closed form':
      return `closed form ${event.round + 1}: ${event.layer}, ${durationText(event.seconds)}`;
    case 'restyling':
      return `restyling pictures for closed form ${event.round + 1}, ${durationText(event.seconds)}`;
    case 'heads':
      return `error of the features: ${errors(event.errors)}`;
    case 'step':
      if (event.step % 20 !== 0) return undefined;
      return `step ${event.step}/${steps}, loss ${event.total.toFixed(4)}, ${durationText(event.seconds)}`;
    case 'rollback':
      return `The loss became ${event.loss} at ${event.step}: back to ${event.to}, at half the rate.`;
    case 'notice':
      return event.message;
    case 'test': {
      const pairs = event.pairs.map(({ name, start, student, teacher }) =>
        [name, start.toFixed(4), student.toFixed(4), teacher.toFixed(4)].join(' '),
      );
      return `real test: share ${(100 * event.share).toFixed(1)} % (photo, student's, teacher's: ${pairs.join('; ')})`;
    }
  }
}

/** A known shape, or `conv1_1:16,conv1_2:32/16,…`. */
function parseShape(text: string): DistilOptions['shape'] {
  if (text in studentShapes) return studentShapes[text as keyof typeof studentShapes];
  const entries = text.split(',').map((part) => {
    const [, layer, channels, rank] = /^\s*(conv\d_\d):(\d+)(?:\/(\d+))?\s*$/.exec(part) ?? [];
    if (!layer)
      throw new InvalidArgumentError(`Expected convolutions as conv1_1:16,conv1_2:32/16; received '${part.trim()}'.`);
    return [layer, rank === undefined ? Number(channels) : ([Number(channels), Number(rank)] as const)] as const;
  });
  return Object.fromEntries(entries);
}

const heldOutSchema = z.object({
  photos: z.array(z.string()),
  paintings: z.array(z.string()),
  pairs: z.array(z.tuple([z.string(), z.string()])),
});
type HeldOut = z.infer<typeof heldOutSchema>;

async function readHeldOut(path: string): Promise<HeldOut> {
  try {
    return heldOutSchema.parse(JSON.parse(new TextDecoder().decode(await readFileChecked(path, 'The list'))));
  } catch (error) {
    if (error instanceof FauveError) throw error;
    throw new FauveError(
      'input',
      `The list ${path} is not as expected: {"photos": [], "paintings": [], "pairs": []}.`,
      {
        cause: error,
      },
    );
  }
}

/** The first pairs. A photo is looked for in the folder of photos, then in `photos` beside the list, and in Fauve's `examples/photos`. */
function testPairs(
  { pairs }: HeldOut,
  { photos, paintings, tests, heldOut }: Values,
): NonNullable<JobSpecOf<'distil'>['tests']> {
  const beside = dirname(resolve(heldOut!));
  const folders = [photos, join(beside, 'photos'), join(beside, '..', 'examples', 'photos')];
  return pairs.slice(0, tests).map(([photo, painting]) => {
    const places = folders.map((folder) => join(folder, photo));
    const path = places.find((place) => existsSync(place)) ?? places[0]!;
    return { name: photo.replace(/\.\w+$/, ''), content: { path }, style: { path: join(paintings, painting) } };
  });
}
