import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { defaultNetworkName } from '../../networks/registry.js';
import type { Runtime } from '../../runtime/runtime.js';
import { encodeStyleNetwork } from '../../style-network/file.js';
import { decodeTrainCheckpoint, encodeTrainCheckpoint } from '../../training/style-network/checkpoint.js';
import type { TrainEvent } from '../../training/style-network/events.js';
import { resolveTrainOptions, type TrainOptionsInput } from '../../training/style-network/options.js';
import { planTraining, type TrainingPlan, type TrainStyle } from '../../training/style-network/plan.js';
import { runTraining, TrainAborted, type TrainResult } from '../../training/style-network/run.js';
import { JobAborted } from '../aborted.js';
import type { JobHost } from '../host.js';
import type { JobKind } from '../kind.js';
import {
  fileReference,
  nameOf,
  styleNetworkReference,
  type WeightedStyleReference,
  weightedStyleReference,
} from '../reference.js';
import { namedOptions, requireSameOptions } from '../same-options.js';
import { someOptions } from '../some-options.js';
import { type Filed, filed } from './filed.js';

const schema = z.strictObject({
  kind: z.literal('train'),
  /** The styles to learn; a weight is the factor of a style's loss. */
  styles: z.array(weightedStyleReference).min(1, 'expected at least one style').max(1000),
  /** Folder of photos to train on. */
  photos: z.string().min(1),
  /** The loss network. */
  network: z.string().default(defaultNetworkName),
  /** Starts from this style network. */
  from: styleNetworkReference.optional(),
  /** Photos that are restyled now and then. */
  tests: z.array(fileReference).default([]),
  /** Of the network that is made. */
  name: z.string().min(1),
  licence: z.string().default(''),
  options: someOptions<TrainOptionsInput>(resolveTrainOptions),
});

export type TrainSpec = z.input<typeof schema>;

export interface TrainJobPlan {
  readonly runtime: Runtime;
  readonly plan: TrainingPlan;
}

/** What happens while a style network is trained; checkpoints are files. */
export type TrainJobEvent = Filed<TrainEvent>;

/** A style network that was trained, also as a file. */
export interface TrainedNetwork extends TrainResult {
  readonly bytes: Uint8Array;
}

/** Trains a style network. */
export const trainKind: JobKind<typeof schema, TrainJobPlan, TrainedNetwork, TrainJobEvent> = {
  schema,
  async check({ styles }, host) {
    for (const style of styles) if ('shipped' in style) await host.requireShippedStyle(style.shipped);
  },
  async plan(
    { styles: references, photos: folder, network, from: source, tests: files, options, name, licence },
    host,
    control,
  ) {
    const { resume, signal } = control;
    const before = resume && decodeTrainCheckpoint(resume.bytes, resume.name);
    if (before) requireSameOptions(namedOptions(options, resolveTrainOptions), before.options);
    const photos = await host.pictures(folder);
    const styles: TrainStyle[] = [];
    for (const reference of references) styles.push(await styleToLearn(reference, host));
    const tests = [];
    for (const file of files) {
      const { image } = await host.picture(file, 'Test photo');
      tests.push({ name: stemOf(nameOf(file)), image });
    }
    const from = source && (await host.styleNetwork(source));
    if (from && !from.model) {
      throw new FauveError(
        'input',
        `${from.fileName} was not trained by Fauve, so that training cannot start from it.`,
      );
    }
    const weights = await host.lossNetwork(network);
    stopIfAborted(signal);
    const runtime = await host.runtime();
    const ingredients = { styles, photos, weights, tests, from: from?.model };
    const plan = await planTraining({ ...ingredients, runtime, name, licence, options, resume: before });
    return { runtime, plan };
  },
  async run({ runtime, plan }, { signal, onEvent = () => {} }) {
    const onProgress = (event: TrainEvent) => onEvent(filed(event, encodeTrainCheckpoint));
    try {
      const result = await runTraining(plan, { runtime, signal, onProgress });
      return { ...result, bytes: encodeStyleNetwork(result.model) };
    } catch (error) {
      if (!(error instanceof TrainAborted)) throw error;
      const { history, step } = error.checkpoint;
      throw new JobAborted({ history }, encodeTrainCheckpoint(error.checkpoint), step, { cause: error });
    }
  },
};

async function styleToLearn({ weight, ...reference }: WeightedStyleReference, host: JobHost): Promise<TrainStyle> {
  const read = await host.style(reference);
  if ('style' in read) {
    const { name, title, artist, year } = read.style;
    return { name, title, artist, year, weight, style: { style: read.style } };
  }
  return { name: stemOf(read.path), title: '', artist: '', year: null, weight, style: { image: read.image } };
}

/** `photos/me.jpg` → `me`. */
function stemOf(path: string): string {
  const name = path.split(/[\\/]/).at(-1)!;
  return name.replace(/(?<=.)\.[^.]*$/, '');
}
