import { z } from 'zod';
import { anArray, anObject, objectWith } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { checkpointRemedy } from '../../stylize/checkpoint.js';
import type { TrainingMoment } from '../task.js';
import { resolveTrainOptions, type TrainOptions } from './options.js';

/** What a training step measured. */
export interface TrainRecord {
  /** From 1. */
  readonly step: number;
  /** Σ weight · term. */
  readonly total: number;
  /** `content relu4_2`, `style relu1_1`, …, `total variation`, `stability`: means over the batch, without their weights. */
  readonly terms: Readonly<Record<string, number>>;
  readonly rate: number;
  readonly seconds: number;
}

/** A training run at one moment. */
export type TrainMoment = TrainingMoment;

/** A training run between two steps. */
export interface TrainCheckpoint extends TrainMoment {
  readonly options: TrainOptions;
  /** SHA-256 of the loss network. */
  readonly network: string;
  readonly styles: readonly string[];
  /** How many photos there are to draw from. */
  readonly photos: number;
  /** SHA-256 of all that the run is made from: with other pictures it would go on differently. */
  readonly fingerprint: string;
  readonly seconds: number;
  readonly history: readonly TrainRecord[];
  /** Where the run goes back to when it diverges. */
  readonly lastGood: TrainMoment;
}

const FORMAT = 'fauve-train-checkpoint-1';
const number = z.number();
const schema = z.object({
  step: number,
  rateFactor: number,
  network: z.string(),
  styles: z.array(z.string()),
  photos: number,
  fingerprint: z.string(),
  seconds: number,
  lastGood: z.object({ step: number, rateFactor: number }),
});

const isCheckpoint = objectWith(
  { options: anObject, state: anObject, lastGood: anObject, history: anArray },
  'a checkpoint',
);

/** A checkpoint as a safetensors file. */
export function encodeTrainCheckpoint(checkpoint: TrainCheckpoint): Uint8Array {
  isCheckpoint(checkpoint, 'encodeTrainCheckpoint');
  const { options, state, lastGood, history, ...run } = checkpoint;
  const tensors = new Map<string, WeightTensor>();
  const put = (name: string, data: Float32Array) => tensors.set(name, { shape: [data.length], data });
  for (const [name, data] of Object.entries(state)) put(`state ${name}`, data);
  for (const [name, data] of Object.entries(lastGood.state)) put(`good ${name}`, data);
  const { step, rateFactor } = lastGood;
  return writeSafetensors(tensors, {
    format: FORMAT,
    options: JSON.stringify(options),
    run: JSON.stringify({ ...run, lastGood: { step, rateFactor } }),
    history: JSON.stringify(history),
  });
}

/** @throws FauveError `input` for a file that is no such checkpoint, or is damaged */
export function decodeTrainCheckpoint(bytes: Uint8Array, fileName = 'The checkpoint'): TrainCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes, fileName, { remedy: checkpointRemedy });
  if (metadata.format !== FORMAT) {
    throw new FauveError('checkpoint', `${fileName} is no checkpoint of train. ${checkpointRemedy}`);
  }
  try {
    const run = schema.parse(JSON.parse(metadata.run ?? ''));
    const under = (prefix: string) =>
      Object.fromEntries(
        [...tensors].flatMap(([name, { data }]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), data] as const] : [],
        ),
      );
    return {
      ...run,
      // A checkpoint that does not say is from before there was a choice.
      options: resolveTrainOptions({ optimiser: 'adam', ...JSON.parse(metadata.options ?? '') }),
      history: JSON.parse(metadata.history ?? '') as TrainRecord[],
      state: under('state '),
      lastGood: { ...run.lastGood, state: under('good ') },
    };
  } catch (error) {
    throw new FauveError('checkpoint', `${fileName} is damaged. ${checkpointRemedy}`, { cause: error });
  }
}
