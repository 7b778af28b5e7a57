import { z } from 'zod';
import { aMap, anArray, anObject, objectWith } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { checkpointRemedy } from '../../stylize/checkpoint.js';
import type { TrainingMoment } from '../task.js';
import { type DistilOptions, resolveDistilOptions } from './options.js';
import type { Making } from './pool.js';

/** What a training step measured: relative errors by name, weighted into the total. */
export interface DistilRecord {
  readonly step: number;
  readonly total: number;
  /** `feature relu4_2`, `gram relu4_1`, `residual relu3_1`, … */
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** A real test: pictures made with the student, judged by its teacher. */
export interface DistilTest {
  readonly step: number;
  readonly pairs: readonly {
    readonly name: string;
    /** The teacher's loss of the photo itself, of the student's picture, and of the teacher's own. */
    readonly start: number;
    readonly student: number;
    readonly teacher: number;
  }[];
  /** Geometric mean of (start − student) / (start − teacher). */
  readonly share: number;
}

/** A run at one moment: the engine's state, and the pictures in the making. */
export interface DistilMoment extends TrainingMoment {
  readonly makings: readonly Making[];
}

/** A training run between two steps. */
export interface DistilCheckpoint extends DistilMoment {
  readonly options: DistilOptions;
  readonly teacherSha256: string;
  readonly seconds: number;
  readonly history: readonly DistilRecord[];
  readonly tests: readonly DistilTest[];
  /** Kernels, biases and heads, as they started: Adam's steps are shares of their sizes. */
  readonly start: ReadonlyMap<string, WeightTensor>;
  /** Where the run goes back to when it diverges. */
  readonly lastGood: DistilMoment;
}

const FORMAT = 'fauve-distil-checkpoint-1';
const number = z.number();
const numbers = z.array(z.object({ contentWeight: number, age: number, life: number }));
const schema = z.object({
  teacherSha256: z.string(),
  step: number,
  // Of before a run could diverge and go on: there was one rate, and nothing to go back to.
  rateFactor: number.default(1),
  lastGood: z.object({ step: number, rateFactor: number, makings: numbers }).optional(),
  seconds: number,
  history: z.array(z.object({ step: number, total: number, errors: z.record(z.string(), number), seconds: number })),
  tests: z.array(
    z.object({
      step: number,
      pairs: z.array(z.object({ name: z.string(), start: number, student: number, teacher: number })),
      share: number,
    }),
  ),
  makings: numbers,
});
const planes = ['content', 'style', 'image', 'first', 'second'] as const;

const isCheckpoint = objectWith(
  { options: anObject, state: anObject, start: aMap, makings: anArray, lastGood: anObject },
  'a checkpoint',
);

/** A checkpoint as a safetensors file. */
export function encodeDistilCheckpoint(checkpoint: DistilCheckpoint): Uint8Array {
  isCheckpoint(checkpoint, 'encodeDistilCheckpoint');
  const { options, start, state, makings, lastGood, ...rest } = checkpoint;
  const tensors = new Map<string, WeightTensor>();
  for (const [name, { shape, data }] of start) tensors.set(`start ${name}`, { shape, data });
  const put = (name: string, data: Float32Array) => tensors.set(name, { shape: [data.length], data });
  const putMoment = (prefix: string, moment: Pick<DistilMoment, 'state' | 'makings'>) => {
    for (const [name, data] of Object.entries(moment.state)) put(`${prefix}state ${name}`, data);
    for (const [i, making] of moment.makings.entries())
      for (const plane of planes) put(`${prefix}making ${i} ${plane}`, making[plane]);
  };
  putMoment('', { state, makings });
  // Most checkpoints are written where a moment is kept: one of the two is enough.
  const isNow = lastGood.step === checkpoint.step && lastGood.rateFactor === checkpoint.rateFactor;
  if (!isNow) putMoment('good ', lastGood);
  const numbersOf = (all: readonly Making[]) =>
    all.map(({ contentWeight, age, life }) => ({ contentWeight, age, life }));
  const good = { step: lastGood.step, rateFactor: lastGood.rateFactor, makings: numbersOf(lastGood.makings) };
  return writeSafetensors(tensors, {
    format: FORMAT,
    options: JSON.stringify(options),
    run: JSON.stringify({ ...rest, makings: numbersOf(makings), lastGood: isNow ? undefined : good }),
  });
}

/** @throws FauveError `input` for a file that is no such checkpoint, or is damaged */
export function decodeDistilCheckpoint(bytes: Uint8Array, fileName = 'The checkpoint'): DistilCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes, fileName, { remedy: checkpointRemedy });
  if (metadata.format !== FORMAT) {
    throw new FauveError('checkpoint', `${fileName} is not a checkpoint of distil. ${checkpointRemedy}`);
  }
  try {
    const { makings, lastGood, step, rateFactor, ...run } = schema.parse(JSON.parse(metadata.run ?? ''));
    const under = (prefix: string) =>
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
      );
    const momentOf = (prefix: string, moment: NonNullable<typeof lastGood>): DistilMoment => ({
      step: moment.step,
      rateFactor: moment.rateFactor,
      state: Object.fromEntries(under(`${prefix}state `).map(([name, { data }]) => [name, data])),
      makings: moment.makings.map((numbers, i) => {
        const arrays = planes.map((plane) => [plane, tensors.get(`${prefix}making ${i} ${plane}`)!.data] as const);
        return { ...numbers, ...(Object.fromEntries(arrays) as Record<(typeof planes)[number], Float32Array>) };
      }),
    });
    const now = momentOf('', { step, rateFactor, makings });
    return {
      ...run,
      ...now,
      options: resolveDistilOptions(JSON.parse(metadata.options ?? '')),
      start: new Map(under('start ')),
      lastGood: lastGood ? momentOf('good ', lastGood) : now,
    };
  } catch (error) {
    throw new FauveError('checkpoint', `${fileName} is damaged. ${checkpointRemedy}`, { cause: error });
  }
}
