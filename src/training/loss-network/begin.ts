import type { WeightTensor } from '../../formats/tensor.js';
import { emitModel } from '../../onnx/model.js';
import { scheduleFactor } from '../../optim/schedule.js';
import { joined } from '../../optim/vectors.js';
import { BATCH, batchesOf, cropBatches } from './batches.js';
import { type Batch, closedForm, fitHeads } from './closed-form.js';
import { advance, type Making, startMaking } from './pool.js';
import type { DistillationRun } from './run.js';
import { makingSteps } from './step.js';

/** What training starts from: the student, and pictures in the making. */
export interface Beginning {
  /** Kernels, biases and heads. */
  readonly start: ReadonlyMap<string, WeightTensor>;
  readonly makings: readonly Making[];
}

/** The student in closed form, layer by layer, again with the pictures that the one before has restyled. */
export async function startInClosedForm(run: DistillationRun): Promise<Beginning> {
  const { teacher, runtime, options, layers, emit, elapsed } = run;
  const slots = Array.from({ length: options.pool }, (_, slot) => slot);
  let makings = await Promise.all(slots.map((slot) => startMaking(run, options, 0, slot)));
  const batches = await cropBatches(run, options, 4);
  for (let round = 0; ; round++) {
    const kernels = await closedForm(
      runtime,
      teacher,
      options.shape,
      layers,
      batches,
      async (layer) => {
        await emit({ type: 'closed form', round, layer, seconds: elapsed() });
        run.stopBeforeTraining();
      },
      options.levels,
    );
    const start = await withHeads(run, kernels, batches);
    if (round === options.rounds) return { start, makings };
    await emit({ type: 'restyling', round: round + 1, seconds: elapsed() });
    const restyled = await restyle(run, start, round + 1);
    batches.push(...batchesOf([...restyled.young, ...restyled.finished], options.cropSize));
    makings = restyled.young;
  }
}

/**
 * Pictures that a student has made of the training's own photos and paintings: where it is wrong, it leads them there, and the
 * next closed form sees it (Ross et al. 2011, DAgger).
 * @returns as many as the pool holds after a quarter of their lives, and the same ones finished
 */
async function restyle(
  run: DistillationRun,
  student: ReadonlyMap<string, WeightTensor>,
  round: number,
): Promise<{ readonly young: Making[]; readonly finished: Making[] }> {
  const { runtime, teacher, options, layers } = run;
  const graphs = makingSteps(teacher, student, layers, { triplets: BATCH, size: options.cropSize });
  const targets = await runtime.open(emitModel(graphs.targets));
  const session = await runtime.open(emitModel(graphs.step));
  const young: Making[] = [];
  const finished: Making[] = [];
  try {
    for (let at = 0; at < options.pool; at += BATCH) {
      run.stopBeforeTraining();
      const slots = Array.from({ length: BATCH }, (_, i) => at + i);
      const makings = await Promise.all(slots.map((slot) => startMaking(run, options, -round, slot)));
      const wanted = await targets.run(
        {
          contents: joined(makings.map(({ content }) => content)),
          styles: joined(makings.map(({ style }) => style)),
        },
        Object.keys(graphs.targets),
      );
      const contentWeight = Float32Array.from(makings, ({ contentWeight }) => contentWeight);
      await session.write({ ...wanted, 'content weight': contentWeight });
      for (let step = 1; step <= options.pictureLife; step++) {
        const values = await session.run({ x: joined(makings.map(({ image }) => image)) }, ['x gradient']);
        const gradient = values['x gradient']!;
        const length = gradient.length / BATCH;
        const rate = options.pictureRate * scheduleFactor('cosine', step, options.pictureLife);
        for (const [i, making] of makings.entries()) {
          advance(making, gradient.subarray(i * length, (i + 1) * length), rate);
          if (step === Math.ceil(making.life / 4)) young.push(structuredClone(making));
        }
      }
      finished.push(...makings);
    }
  } finally {
    await targets.close();
    await session.close();
  }
  return { young: young.slice(0, options.pool), finished: finished.slice(0, options.pool) };
}

/** A last fit of the heads to the averaged kernels, on crops and on the pictures in the making. */
export async function refitHeads(
  run: DistillationRun,
  tensors: ReadonlyMap<string, WeightTensor>,
  makings: readonly Making[],
): Promise<Map<string, WeightTensor>> {
  const { options } = run;
  const batches = await cropBatches(run, options, 5);
  batches.push(...batchesOf(makings, options.cropSize));
  const kernels = new Map([...tensors].filter(([name]) => !name.endsWith('.head')));
  return withHeads(run, kernels, batches);
}

async function withHeads(
  { runtime, teacher, layers, emit, elapsed }: DistillationRun,
  kernels: ReadonlyMap<string, WeightTensor>,
  batches: readonly Batch[],
): Promise<Map<string, WeightTensor>> {
  const { heads, errors } = await fitHeads(runtime, teacher, kernels, layers, batches);
  await emit({ type: 'heads', errors, seconds: elapsed() });
  return new Map([...kernels, ...heads]);
}
