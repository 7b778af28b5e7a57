import { aText, checkRequest, listOf, objectWith, stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { checkImage, type Image } from '../../image/image.js';
import { isIdentity } from '../../networks/heads.js';
import { checkWeights, type NetworkWeights } from '../../networks/network.js';
import { emitModel } from '../../onnx/model.js';
import { adamScalars, averageCorrection, defaultAdamOptions } from '../../optim/adam.js';
import { scheduleFactor } from '../../optim/schedule.js';
import { joined } from '../../optim/vectors.js';
import { checkRuntime, type Runtime, type Session } from '../../runtime/runtime.js';
import { aCheckpoint, runFields, somePictures } from '../../stylize/request.js';
import { cropOf, distort, type Random, randomFor } from '../crops.js';
import type { DistilCheckpoint, DistilRecord, DistilTest } from './checkpoint.js';
import { type Batch, closedForm, fitHeads } from './closed-form.js';
import { type DistilOptions, type DistilOptionsInput, defaultDistilOptions, resolveDistilOptions } from './options.js';
import { advance, freshCrops, type Making, startMaking, type TrainingPictures } from './pool.js';
import { realTest, teacherReferences } from './real-test.js';
import { makingSteps, trainingStep } from './step.js';
import { layersOf } from './student.js';

/** A photo and a painting that training never sees. */
export interface TestPair {
  readonly name: string;
  readonly content: Image;
  readonly style: Image;
}

export interface DistilRequest extends TrainingPictures {
  readonly teacher: NetworkWeights;
  readonly runtime: Runtime;
  readonly tests: readonly TestPair[];
  readonly options?: DistilOptionsInput;
  /** Goes on from here; `options` are then the checkpoint's. */
  readonly resume?: DistilCheckpoint;
  /**
   * Ends the run after the step that is being computed, with {@link DistilAborted}. When it fires before the closed form is
   * done, nothing is there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: DistilEvent) => void | Promise<void>;
}

/** What happens during a run. */
export type DistilEvent =
  | { readonly type: 'start'; readonly options: DistilOptions; readonly weights: number; readonly engine: string }
  | { readonly type: 'closed form'; readonly round: number; readonly layer: string; readonly seconds: number }
  /** The student of the closed form restyles pictures for the next one. */
  | { readonly type: 'restyling'; readonly round: number; readonly seconds: number }
  /** Relative errors of the taps after the closed form, or after the heads' last fit. */
  | { readonly type: 'heads'; readonly errors: Readonly<Record<string, number>>; readonly seconds: number }
  | (DistilRecord & { readonly type: 'step'; readonly checkpoint: () => Promise<DistilCheckpoint> })
  | (DistilTest & { readonly type: 'test' });

export interface DistilResult {
  /** Kernels, biases and heads: what `encodeDistilled` writes. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly options: DistilOptions;
  readonly history: readonly DistilRecord[];
  readonly tests: readonly DistilTest[];
  readonly seconds: number;
}

/** The signal fired after the closed form was done; nothing is lost. */
export class DistilAborted extends FauveError {
  constructor(readonly checkpoint: DistilCheckpoint) {
    super('aborted', `Stopped after step ${checkpoint.step} of ${checkpoint.options.steps}.`);
  }
}

const BATCH = 8;
const ADAM = { ...defaultAdamOptions, beta2: 0.999 };

/**
 * Makes a small network that reproduces a loss network's features: knowledge distillation (Hinton et al. 2015; of features: Romero et
 * al. 2015) for style transfer. It starts in closed form, layer by layer; then Adam fine-tunes it on crops and on pictures in
 * the making that it restyles itself, because pictures that only look good to the student are what it must not make.
 * @throws FauveError `usage` and `input` before the work starts; `aborted` when the signal fires before the closed form is
 *   done, {@link DistilAborted} when it fires later
 */
export async function distil(request: DistilRequest): Promise<DistilResult> {
  checkDistilRequest(request);
  const { teacher, runtime, signal, onProgress = () => {}, resume } = request;
  const options = resume?.options ?? resolveDistilOptions(request.options ?? {});
  const layers = layersOf(options.shape, teacher);
  if (request.photos.length === 0 || request.paintings.length === 0) {
    throw new FauveError(
      'input',
      `Training needs photos and paintings, received ${request.photos.length} and ${request.paintings.length}.`,
    );
  }
  if (options.pool < options.triplets) {
    throw new FauveError(
      'request',
      `The pool holds at least the ${options.triplets} pictures of a batch, received ${options.pool}.`,
    );
  }
  if (resume && resume.teacherSha256 !== teacher.sha256) {
    throw new FauveError('input', 'The checkpoint is of another teacher. Use that one, or delete it and start again.');
  }
  stopBeforeTraining(request);
  const started = performance.now();
  const elapsed = () => (resume?.seconds ?? 0) + (performance.now() - started) / 1000;
  const begun = resume ?? (await startInClosedForm(request, options, layers, elapsed));
  const { start } = begun;
  const makings = [...begun.makings];
  const weights = [...start.values()].reduce((count, { data }) => count + data.length, 0);
  await onProgress({ type: 'start', options, weights, engine: runtime.engine });

  const history: DistilRecord[] = [...(resume?.history ?? [])];
  const tests: DistilTest[] = [...(resume?.tests ?? [])];
  const references = options.testEvery > 0 ? await teacherReferences(request, options, tests[0]) : [];
  const test = async (step: number, tensors: ReadonlyMap<string, WeightTensor>) => {
    if (references.length === 0) return;
    const result = await realTest(request, options, references, step, tensors);
    tests.push(result);
    await onProgress({ type: 'test', ...result });
  };
  if (!resume) await test(0, start);

  // A layer with all of its teacher's channels has the identity for a head, and keeps it.
  const trained = new Map([...start].filter(([name, tensor]) => !(name.endsWith('.head') && isIdentity(tensor))));
  const current = async (step: number) => new Map([...start, ...(await averaged(session, trained, step, options))]);

  const adam = { ...ADAM, averageDecay: options.averageDecay };
  const graph = trainingStep(teacher, trained, layers, { ...options, size: options.cropSize }, adam);
  const session = await runtime.open(emitModel(graph.outputs));
  try {
    const zeros = Object.fromEntries(graph.state.map((name) => [name, new Float32Array(sizeOf(session, name))]));
    const initial = Object.fromEntries([...trained].map(([name, { data }]) => [name, data]));
    await session.write({ ...zeros, ...initial, ...(resume?.state ?? {}) });
    const fetch = ['total', ...graph.errorNames, 'x gradient'];
    let step = resume?.step ?? 0;
    const checkpoint = async (): Promise<DistilCheckpoint> => ({
      options,
      teacherSha256: teacher.sha256,
      step,
      seconds: elapsed(),
      history: [...history],
      tests: [...tests],
      start,
      state: await session.read([...graph.names, ...graph.state]),
      makings: [...makings],
    });
    let next = freshCrops(request, options, step + 1);
    while (step < options.steps) {
      if (signal?.aborted) throw new DistilAborted(await checkpoint());
      const fresh = await next;
      const slots = drawSlots(makings.length, options.triplets, randomFor(options.seed, 6, step));
      const drawn = slots.map((slot) => makings[slot]!);
      const rate = options.learningRate * scheduleFactor('cosine', step + 1, options.steps, 20);
      const running = session.run(
        {
          x: joined(drawn.map(({ image }) => image)),
          rest: joined([...drawn.map(({ content }) => content), ...drawn.map(({ style }) => style), ...fresh]),
          'content weight': Float32Array.from(drawn, ({ contentWeight }) => contentWeight),
          ...adamScalars(step + 1, rate, adam),
        },
        fetch,
        graph.carry,
      );
      // Decoding the next crops while the engine works.
      next = freshCrops(request, options, step + 2);
      next.catch(() => undefined);
      const values = await running;
      step++;
      const total = values.total![0]!;
      if (!Number.isFinite(total)) {
        throw new FauveError(
          'input',
          `The loss became ${total} at step ${step}. Start again with a lower learning rate.`,
        );
      }
      const gradient = values['x gradient']!;
      const length = gradient.length / drawn.length;
      for (const [i, making] of drawn.entries()) {
        advance(making, gradient.subarray(i * length, (i + 1) * length), options.pictureRate);
        if (making.age >= making.life) makings[slots[i]!] = await startMaking(request, options, step, slots[i]!);
      }
      const errors = Object.fromEntries(graph.errorNames.map((name) => [name, values[name]![0]!]));
      const record = { step, total, errors, seconds: elapsed() };
      history.push(record);
      if (options.testEvery > 0 && step % options.testEvery === 0 && step < options.steps) {
        await test(step, await current(step));
      }
      await onProgress({ type: 'step', ...record, checkpoint });
    }
    const kernels = await current(step);
    const tensors = step > 0 ? await refitHeads(request, options, layers, kernels, makings, elapsed) : kernels;
    if (step > 0) await test(step, tensors);
    return { tensors, options, history, tests, seconds: elapsed() };
  } finally {
    await session.close();
  }
}

async function startInClosedForm(
  request: DistilRequest,
  options: DistilOptions,
  layers: readonly string[],
  elapsed: () => number,
): Promise<{ readonly start: Map<string, WeightTensor>; readonly makings: Making[] }> {
  const { teacher, runtime, onProgress = () => {} } = request;
  const slots = Array.from({ length: options.pool }, (_, slot) => slot);
  let makings = await Promise.all(slots.map((slot) => startMaking(request, options, 0, slot)));
  const batches = await cropBatches(request, options, 4);
  for (let round = 0; ; round++) {
    const kernels = await closedForm(
      runtime,
      teacher,
      options.shape,
      layers,
      batches,
      async (layer) => {
        await onProgress({ type: 'closed form', round, layer, seconds: elapsed() });
        stopBeforeTraining(request);
      },
      options.levels,
    );
    const start = await withHeads(request, kernels, layers, batches, elapsed);
    if (round === options.rounds) return { start, makings };
    await onProgress({ type: 'restyling', round: round + 1, seconds: elapsed() });
    const restyled = await restyle(request, options, layers, start, round + 1);
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
  request: DistilRequest,
  options: DistilOptions,
  layers: readonly string[],
  student: ReadonlyMap<string, WeightTensor>,
  round: number,
): Promise<{ readonly young: Making[]; readonly finished: Making[] }> {
  const { runtime, teacher } = request;
  const graphs = makingSteps(teacher, student, layers, { triplets: BATCH, size: options.cropSize });
  const targets = await runtime.open(emitModel(graphs.targets));
  const session = await runtime.open(emitModel(graphs.step));
  const young: Making[] = [];
  const finished: Making[] = [];
  try {
    for (let at = 0; at < options.pool; at += BATCH) {
      stopBeforeTraining(request);
      const slots = Array.from({ length: BATCH }, (_, i) => at + i);
      const makings = await Promise.all(slots.map((slot) => startMaking(request, options, -round, slot)));
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

function stopBeforeTraining({ signal }: DistilRequest): void {
  stopIfAborted(signal, 'Stopped before the first training step.');
}

function checkDistilRequest(request: unknown): void {
  const aTest = objectWith(
    { name: aText, content: checkImage, style: checkImage },
    'an object with name, content, style',
  );
  const fields = {
    teacher: checkWeights,
    photos: somePictures,
    paintings: somePictures,
    runtime: checkRuntime,
    tests: listOf(aTest, 'test pairs'),
    resume: aCheckpoint('decodeDistilCheckpoint'),
    ...runFields,
  };
  checkRequest(request, 'distil', fields, Object.keys(defaultDistilOptions));
}

/** A last fit of the heads to the averaged kernels, on crops and on the pictures in the making. */
async function refitHeads(
  request: DistilRequest,
  options: DistilOptions,
  layers: readonly string[],
  tensors: ReadonlyMap<string, WeightTensor>,
  makings: readonly Making[],
  elapsed: () => number,
): Promise<Map<string, WeightTensor>> {
  const batches = await cropBatches(request, options, 5);
  batches.push(...batchesOf(makings, options.cropSize));
  const kernels = new Map([...tensors].filter(([name]) => !name.endsWith('.head')));
  return withHeads(request, kernels, layers, batches, elapsed);
}

async function withHeads(
  { runtime, teacher, onProgress = () => {} }: DistilRequest,
  kernels: ReadonlyMap<string, WeightTensor>,
  layers: readonly string[],
  batches: readonly Batch[],
  elapsed: () => number,
): Promise<Map<string, WeightTensor>> {
  const { heads, errors } = await fitHeads(runtime, teacher, kernels, layers, batches);
  await onProgress({ type: 'heads', errors, seconds: elapsed() });
  return new Map([...kernels, ...heads]);
}

/** Crops for least squares: five photos for three paintings, each sixth distorted. */
async function cropBatches(
  pictures: TrainingPictures,
  { crops, cropSize, seed }: DistilOptions,
  use: number,
): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let b = 0; b < Math.ceil(crops / BATCH); b++) {
    const data = await Promise.all(
      Array.from({ length: BATCH }, async (_, i) => {
        const random = randomFor(seed, use, b, i);
        const crop = await cropOf(i % 8 < 5 ? pictures.photos : pictures.paintings, cropSize, random);
        if ((b * BATCH + i) % 6 === 0) distort(crop, random);
        return crop;
      }),
    );
    batches.push({ data: joined(data), count: BATCH, size: cropSize });
  }
  return batches;
}

/** Pictures in the making; the last batch is filled up from the front. */
function batchesOf(makings: readonly Making[], size: number): Batch[] {
  return Array.from({ length: Math.ceil(makings.length / BATCH) }, (_, b) => {
    const images = Array.from({ length: BATCH }, (_, i) => makings[(b * BATCH + i) % makings.length]!.image);
    return { data: joined(images), count: BATCH, size };
  });
}

/** Different slots of the pool, at random: batches that follow each other must not show the same pictures. */
function drawSlots(pool: number, count: number, random: Random): number[] {
  const slots = Array.from({ length: pool }, (_, slot) => slot);
  return Array.from({ length: count }, () => slots.splice(Math.floor(random() * slots.length), 1)[0]!);
}

/** The averaged weights; before the first step there is no average. */
async function averaged(
  session: Session,
  start: ReadonlyMap<string, WeightTensor>,
  step: number,
  { averageDecay }: DistilOptions,
): Promise<Map<string, WeightTensor>> {
  if (step === 0) return new Map(start);
  const names = [...start.keys()];
  const kept = averageDecay > 0 ? names.map((name) => `${name} average`) : names;
  const values = await session.read(kept);
  const correction = averageDecay > 0 ? averageCorrection(step, averageDecay) : 1;
  return new Map(
    names.map((name, i) => [
      name,
      { shape: start.get(name)!.shape, data: values[kept[i]!]!.map((value) => value * correction) },
    ]),
  );
}

function sizeOf({ model }: Session, name: string): number {
  return model.inputs[name]!.reduce((product, dim) => product * dim, 1);
}
