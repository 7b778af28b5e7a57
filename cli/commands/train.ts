import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { FauveError, type TrainOptionsInput, type TrainRecord } from 'fauve';
import { defaultNetworkName } from 'fauve/jobs';
import { checkWritable, styleNetworkReferenceOf } from 'fauve/node';
import { decodeTrainCheckpoint, resolveTrainOptions, trainOptionSpecs } from 'fauve/training';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { parseStyle, type StyleArgument, styleOf } from '../inputs.js';
import { attempt } from '../keep.js';
import { addOptionFlags, optionsOf, parseCount } from '../option-flags.js';
import { plotFormat } from '../outputs.js';
import { noticeTo } from '../progress.js';
import { tellingErrors } from '../telling-errors.js';
import { doneText, trainReporter, writeTestPictures, writeTrainPlot, writeTrainTable } from '../train-report.js';
import { runTrainingJob } from '../training-job.js';

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
  addOptionFlags(command, trainOptionSpecs);
  addEngineFlags(command, defaultNetworkName);
  command.setOptionValueWithSource('network', defaultNetworkName, 'default');
}

async function run(values: Values): Promise<void> {
  const { output, plot, csv, data, network, from, json = false, overwrite = false, resume = false } = values;
  const engine = engineOf(values);
  if (extname(output).toLowerCase() !== '.onnx') {
    throw new FauveError(
      'request',
      `The network ${output} must end in .onnx; received '${extname(output) || 'no extension'}'.`,
    );
  }
  if (plot !== undefined) plotFormat(plot);
  const options: TrainOptionsInput = optionsOf(values, trainOptionSpecs, resolveTrainOptions);
  await checkWritable(output, { overwrite });
  for (const path of [plot, csv]) if (path !== undefined) await checkWritable(path, { overwrite: true });
  const reporter = trainReporter();
  let terms: readonly { readonly name: string; readonly weight: number }[] = [];
  const { model, bytes, seconds } = await runTrainingJob<'train'>({
    spec: {
      kind: 'train',
      styles: values.style.map(styleOf),
      photos: data,
      network,
      from: from === undefined ? undefined : styleNetworkReferenceOf(from),
      tests: (values.test ?? []).map((path) => ({ path })),
      name: values.name ?? nameOf(output),
      licence: values.license ?? values.licence,
      options,
    },
    ...{ output, saveEvery: values.saveEvery, overwrite, resume, json, engine, stepName: 'iteration' },
    progressOf: (checkpoint) => decodeTrainCheckpoint(checkpoint),
    reporter: {
      ...reporter,
      async tell(event) {
        if (event.type === 'start') terms = event.terms;
        if (!json) event.type === 'notice' ? reporter.say(event.message) : reporter.tell(event);
        if (event.type === 'test') {
          const folder = values.testFolder ?? `${output}.tests`;
          await attempt(() => writeTestPictures(folder, event), json ? noticeTo({ json, quiet: false }) : reporter.say);
        }
      },
      async draw({ history }: { readonly history: readonly TrainRecord[] }) {
        if (history.length === 0) return;
        if (plot !== undefined) await writeTrainPlot(plot, history, terms);
        if (csv !== undefined) await writeTrainTable(csv, history, terms);
      },
    },
  });
  if (!json) reporter.say(doneText(output, bytes.byteLength, model.styles.length, seconds));
}

const nameOf = (path: string) => basename(path, extname(path));

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function collectStyle(value: string, before: readonly StyleArgument[] = []): StyleArgument[] {
  return [...before, parseStyle(value)];
}
