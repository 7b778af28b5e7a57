import { rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import {
  FauveError,
  type StyleNetworkModel,
  type TrainCheckpoint,
  type TrainEvent,
  type TrainOptions,
  type TrainOptionsInput,
  type TrainStyle,
} from 'fauve';
import { decodeStyleNetwork, encodeStyleNetwork } from 'fauve/files';
import { defaultNetworkName, respelled, spellings } from 'fauve/jobs';
import {
  checkWritable,
  createNodeHost,
  loadNetworkWeights,
  loadStyleNetwork,
  pictureFolder,
  readImage,
  startEngine,
  styleReferenceOf,
  writeFileAtomically,
} from 'fauve/node';
import {
  decodeTrainCheckpoint,
  defaultTrainOptions,
  encodeTrainCheckpoint,
  resolveTrainOptions,
  TrainAborted,
  train,
  trainOptionSpecs,
} from 'fauve/training';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { parseStyle, type StyleArgument } from '../inputs.js';
import { listenForInterrupt } from '../interrupt.js';
import { attempt, keepCheckpoint, writeResult } from '../keep.js';
import { flagOf, otherFlagsOf, parseCount, parseLayers, parseNumber } from '../option-flags.js';
import { checkInterrupted, checkpointPath, plotFormat, readCheckpointFile } from '../outputs.js';
import { note } from '../progress.js';
import { flagMessage } from '../remedies.js';
import { tellingErrors } from '../telling-errors.js';
import { doneText, trainReporter, writeTestPictures, writeTrainPlot, writeTrainTable } from '../train-report.js';

interface Values extends EngineValues, Readonly<Record<string, unknown>> {
  readonly style: readonly StyleArgument[];
  readonly data: string;
  readonly output: string;
  readonly network: string;
  readonly from?: string;
  readonly name?: string;
  readonly licence: string;
  readonly license?: string;
  readonly test?: readonly string[];
  readonly testFolder?: string;
  readonly plot?: string;
  readonly csv?: string;
  readonly saveEvery: number;
  readonly json?: true;
  readonly overwrite?: true;
  readonly resume?: true;
}

const examples = `
Examples:
  $ fauve train --style wave.jpg --data photos/ -o wave.onnx --plot loss.svg
  $ fauve train --style great-wave --style starry-night --data photos/ -o two.onnx      one network, two styles
  $ fauve train --from fast --train styles --iterations 500 --style hat.jpg --data photos/ -o more.onnx
  $ fauve train … -o wave.onnx --resume         goes on after Ctrl-C, to the very same network
  $ fauve apply wave.onnx photo.jpg -o out.png

A style is an image, a .style file, or the name of one that comes with Fauve (fauve styles), with the weight of its style loss:
--style wave.jpg:1.5. Pictures in the data folder that cannot be used are left out and named.`;

/** `fauve train`: learns styles, so that one pass of a small network restyles a photo. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('learn a style once, to apply it in milliseconds: trains a style network')
    .requiredOption('--style <image|file|name[:weight]>', 'a style to learn; may be given several times', collectStyle)
    .requiredOption('--data <folder>', 'photos to train on')
    .requiredOption('-o, --output <file>', 'the network: .onnx')
    .option(
      '--from <file|name>',
      'start from this network of fauve train, or from one that comes with Fauve; with --train styles its styles stay',
    )
    .option('--name <name>', 'name of the network (default: that of the file)')
    .option('--licence <text>', 'licence of the network, which is written into it', '')
    .addOption(new Option('--license <text>').hideHelp())
    .option('--test <photo>', 'a photo that is restyled now and then; may be given several times', collect)
    .option('--test-folder <folder>', 'where those pictures go (default: OUTPUT.tests)')
    .option('--plot <file>', 'draw the loss curves, as .svg or .png')
    .option('--csv <file>', 'write the losses of each iteration as a table')
    .addOption(
      new Option('--save-every <iterations>', 'save a checkpoint every so often').argParser(parseCount).default(500),
    )
    .option('--json', 'print what happens as lines of JSON on stdout')
    .option('--overwrite', 'replace an existing output')
    .option('--resume', 'go on with an interrupted run, from its checkpoint beside the output')
    .addHelpText('after', examples)
    .action((values: Values) => tellingErrors(values.json === true, () => run(values)));
  for (const { name, description } of trainOptionSpecs) {
    command.addOption(optionFlag(name, description));
    for (const flag of otherFlagsOf(name)) command.addOption(optionFlag(name, description, flag).hideHelp());
  }
  addEngineFlags(command, defaultNetworkName);
  command.setOptionValueWithSource('network', defaultNetworkName, 'default');
}

async function run(values: Values): Promise<void> {
  const { output, plot, csv, json } = values;
  const engine = engineOf(values);
  if (extname(output).toLowerCase() !== '.onnx') {
    throw new FauveError(
      'request',
      `The network ${output} must end in .onnx; received '${extname(output) || 'no extension'}'.`,
    );
  }
  if (plot !== undefined) plotFormat(plot);
  const overwrite = values.overwrite === true;
  await checkInterrupted({ output, overwrite, resume: values.resume === true });
  await checkWritable(output, { overwrite });
  for (const path of [plot, csv]) if (path !== undefined) await checkWritable(path, { overwrite: true });
  const options = optionsOf(values);
  const photos = await pictureFolder(values.data, [], note);
  const styles = await readStyles(values.style);
  const tests = await Promise.all(
    (values.test ?? []).map(async (path) => ({ name: nameOf(path), image: await readImage(path, 'Test photo') })),
  );
  const from = values.from === undefined ? undefined : await trainedNetwork(values.from);
  const weights = await loadNetworkWeights(values.network);
  const file = checkpointPath(output);
  const interrupted = values.resume ? await readCheckpointFile(output) : undefined;
  const resume = interrupted && decodeTrainCheckpoint(interrupted.bytes, interrupted.name);
  if (resume) requireSame(options, resume.options);

  const reporter = trainReporter();
  const interrupt = listenForInterrupt({ after: 'this iteration', say: reporter.say, close: reporter.close });
  const notice = (message: string) =>
    json ? process.stdout.write(`${JSON.stringify({ type: 'notice', message })}\n`) : reporter.say(message);
  let terms: readonly { readonly name: string; readonly weight: number }[] = [];
  const draw = async (history: TrainCheckpoint['history']) => {
    if (history.length === 0) return;
    if (plot !== undefined) await writeTrainPlot(plot, history, terms);
    if (csv !== undefined) await writeTrainTable(csv, history, terms);
  };
  const save = async (checkpoint: TrainCheckpoint) => {
    await writeFileAtomically(file, encodeTrainCheckpoint(checkpoint));
    await draw(checkpoint.history);
  };
  const onProgress = async (event: TrainEvent) => {
    if (event.type === 'start') terms = event.terms;
    if (json) process.stdout.write(`${JSON.stringify(plain(event))}\n`);
    else reporter.tell(event);
    if (event.type === 'test')
      await attempt(() => writeTestPictures(values.testFolder ?? `${output}.tests`, event), notice);
    if (event.type === 'step' && event.step % values.saveEvery === 0) {
      const checkpoint = await event.checkpoint();
      await attempt(() => save(checkpoint), notice);
    }
  };
  const runtime = await startEngine({ ...engine, onNotice: notice });
  try {
    const { model, history, seconds } = await train({
      styles,
      photos,
      weights,
      runtime,
      tests,
      options,
      name: values.name ?? nameOf(output),
      licence: values.license ?? values.licence,
      ...(from ? { from } : {}),
      ...(resume ? { resume } : {}),
      signal: interrupt.signal,
      onProgress,
    });
    const bytes = encodeStyleNetwork(model);
    await writeResult(output, bytes, { what: 'The network' });
    await draw(history);
    await rm(file, { force: true });
    reporter.close();
    if (!json) reporter.say(doneText(output, bytes.byteLength, model.styles.length, seconds));
  } catch (error) {
    if (!(error instanceof TrainAborted)) throw error;
    const { sentence } = await keepCheckpoint(output, encodeTrainCheckpoint(error.checkpoint));
    await attempt(() => draw(error.checkpoint.history), notice);
    throw new FauveError('aborted', `${error.message} ${sentence}`, { cause: error });
  } finally {
    reporter.close();
    interrupt.release();
    await runtime.close();
  }
}

/** An event without what is no plain data. */
async function trainedNetwork(name: string): Promise<StyleNetworkModel> {
  const { bytes, fileName } = await loadStyleNetwork(name);
  return decodeStyleNetwork(bytes, fileName);
}

function plain(event: TrainEvent): unknown {
  if (event.type === 'step') return { ...event, checkpoint: undefined };
  if (event.type === 'test')
    return { ...event, pictures: event.pictures.map(({ photo, style }) => ({ photo, style })) };
  return event;
}

async function readStyles(args: readonly StyleArgument[]): Promise<TrainStyle[]> {
  const styles: TrainStyle[] = [];
  for (const { path, weight = 1 } of args) {
    const read = await createNodeHost().style(styleReferenceOf(path));
    if ('style' in read) {
      const { name, title, artist, year } = read.style;
      styles.push({ name, title, artist, year, weight, style: { style: read.style } });
    } else {
      const name = nameOf(path);
      styles.push({ name, title: '', artist: '', year: null, weight, style: { image: read.image } });
    }
  }
  return styles;
}

const nameOf = (path: string) => basename(path, extname(path));

/** A flag for each option of training. */
function optionFlag(name: keyof TrainOptions, description: string, flag = flagOf(name)): Option {
  const standard = defaultTrainOptions[name];
  if (typeof standard === 'boolean') return new Option(flag, description).helpGroup('Training:');
  const shown =
    typeof standard === 'object' && !Array.isArray(standard) ? Object.keys(standard).join(',') : String(standard);
  const text = `${description} (default: ${shown})`;
  const parser =
    typeof standard === 'number'
      ? parseNumber
      : typeof standard === 'string'
        ? (value: string) => value
        : Array.isArray(standard)
          ? parseNumbers
          : parseLayers;
  return new Option(`${flag} <${typeof standard === 'number' ? 'number' : 'value'}>`, text)
    .argParser<unknown>(parser)
    .helpGroup('Training:');
}

/** `0,32,64` */
const parseNumbers = (text: string): number[] => text.split(',').map(parseNumber);

function optionsOf(values: Values): TrainOptionsInput {
  const names = [...trainOptionSpecs.map(({ name }) => name), ...Object.keys(spellings)];
  const given = names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const]));
  try {
    const options = respelled(Object.fromEntries(given)) as TrainOptionsInput;
    resolveTrainOptions(options);
    return options;
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.reason, flagMessage(error), { cause: error });
  }
}

/** @throws FauveError `usage` for an option that the interrupted run does not have */
function requireSame(given: TrainOptionsInput, before: TrainOptions): void {
  for (const [name, value] of Object.entries(given)) {
    const known = before[name as keyof TrainOptions];
    if (JSON.stringify(known) === JSON.stringify(value)) continue;
    throw new FauveError(
      'request',
      `--resume goes on with the options of the interrupted run, where ${flagOf(name)} is ${JSON.stringify(known)}; received ${JSON.stringify(value)}.`,
    );
  }
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function collectStyle(value: string, before: readonly StyleArgument[] = []): StyleArgument[] {
  return [...before, parseStyle(value)];
}
