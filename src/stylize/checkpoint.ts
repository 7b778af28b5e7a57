import { z } from 'zod';
import { anArray, anObject, objectWith } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { resolveStylizeOptions, type StylizeOptions } from './options.js';
import { earlierScales } from './scales.js';

/** What one step left behind, for the curves. */
export interface LossRecord {
  readonly step: number;
  readonly scale: number;
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** A run between two steps: with the same pictures and weights it continues to the very same result. */
export interface Checkpoint {
  readonly options: StylizeOptions;
  /** What the run was made from, as the caller names it; it has to be the same when it goes on. */
  readonly fingerprint: string;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** Steps that are done at this scale. */
  readonly scaleStep: number;
  readonly seconds: number;
  readonly history: readonly LossRecord[];
  readonly state: OptimiserState;
}

/** The state of an optimiser: the image and what it remembers, all of the image's size, and some numbers. */
export interface OptimiserState {
  readonly arrays: Readonly<Record<string, Float32Array>>;
  readonly numbers: Readonly<Record<string, number>>;
}

const FORMAT = 'fauve-checkpoint-2';
/** Of before `scales` could be 'auto'. */
const EARLIER_FORMAT = 'fauve-checkpoint-1';

/** What helps when a checkpoint cannot be used. */
export const checkpointRemedy = 'Delete it and start again.';

const number = z.number();
const record = z.object({ step: number, scale: number, loss: number, terms: z.record(z.string(), number) });
const schema = z.object({
  fingerprint: z.string(),
  width: number,
  height: number,
  scale: number,
  scaleStep: number,
  seconds: number,
  history: z.array(record),
  numbers: z.record(z.string(), number),
});

const isCheckpoint = objectWith({ options: anObject, state: anObject, history: anArray }, 'a checkpoint');

/** A checkpoint as a safetensors file: the arrays as tensors, the rest as JSON in its metadata. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  isCheckpoint(checkpoint, 'encodeCheckpoint');
  const { options, state, ...rest } = checkpoint;
  const tensors = new Map(Object.entries(state.arrays).map(([name, data]) => [name, { shape: [data.length], data }]));
  return writeSafetensors(tensors, {
    format: FORMAT,
    options: JSON.stringify(options),
    run: JSON.stringify({ ...rest, numbers: state.numbers }),
  });
}

/** @throws FauveError `input` for a file that is no checkpoint, or is damaged */
export function decodeCheckpoint(bytes: Uint8Array, fileName = 'The checkpoint'): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, fileName, { remedy: checkpointRemedy });
  if (metadata.format !== FORMAT && metadata.format !== EARLIER_FORMAT) {
    throw new FauveError('checkpoint', `${fileName} is not a checkpoint of this version of Fauve. ${checkpointRemedy}`);
  }
  let run: z.infer<typeof schema>;
  let options: StylizeOptions;
  try {
    options = resolveStylizeOptions(JSON.parse(metadata.options ?? ''));
    run = schema.parse(JSON.parse(metadata.run ?? ''));
    if (metadata.format === EARLIER_FORMAT) options = earlierScales(options, run);
  } catch (error) {
    throw new FauveError('checkpoint', `${fileName} is damaged. ${checkpointRemedy}`, { cause: error });
  }
  const { numbers, ...rest } = run;
  const arrays = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
  return { ...rest, options, state: { arrays, numbers } };
}
