import type { WeightTensor } from '../../formats/tensor.js';
import { type AdamOptions, adamScalars } from '../../optim/adam.js';
import { joined } from '../../optim/vectors.js';
import type { Session } from '../../runtime/runtime.js';
import { type Random, randomFor } from '../crops.js';
import type { TrainingTask } from '../task.js';
import { initialState, weightsAt } from '../weights.js';
import { type Beginning, refitHeads } from './begin.js';
import type { DistilCheckpoint, DistilMoment, DistilRecord, DistilTest } from './checkpoint.js';
import { advance, copyOf, freshCrops, type Making, startMaking } from './pool.js';
import { realTest, teacherReferences } from './real-test.js';
import { DistilAborted, type DistillationRun, type DistilResult } from './run.js';
import type { trainingStep } from './step.js';

/** What the task works with. */
interface Parts extends Beginning {
  readonly trained: ReadonlyMap<string, WeightTensor>;
  readonly graph: ReturnType<typeof trainingStep>;
  readonly adam: AdamOptions;
  readonly session: Session;
}

/** `distil` as the loop sees it: beside the session it carries the pictures in the making, which each step moves. */
export async function distillationTask(
  run: DistillationRun,
  { start, makings: begun, trained, graph, adam, session }: Parts,
): Promise<TrainingTask<DistilMoment, DistilRecord, DistilCheckpoint, DistilResult>> {
  const { options, resume, teacher, elapsed } = run;
  const tests: DistilTest[] = [...(resume?.tests ?? [])];
  const references = options.testEvery > 0 ? await teacherReferences(run, tests[0]) : [];
  const current = async (step: number) =>
    new Map([...start, ...(await weightsAt(session, trained, step, options.averageDecay))]);
  const test = async (step: number, tensors: ReadonlyMap<string, WeightTensor>) => {
    if (references.length === 0) return;
    const result = await realTest(run, references, step, tensors);
    tests.push(result);
    await run.emit({ type: 'test', ...result });
  };
  if (!resume) await test(0, start);

  const first: DistilMoment = {
    ...{ step: 0, rateFactor: 1, makings: begun },
    state: initialState(session, graph.state, trained),
  };
  let makings: Making[] = [];
  let drawn: readonly { readonly slot: number; readonly making: Making }[] = [];
  return {
    session,
    outputs: [...graph.errorNames, 'x gradient'],
    carry: graph.carry,
    state: [...graph.names, ...graph.state],
    steps: options.steps,
    stepName: 'step',
    learningRate: options.learningRate,
    schedule: 'cosine',
    begin: { now: resume ?? first, lastGood: resume?.lastGood ?? first, history: resume?.history ?? [] },
    keepsBegin: true,
    async feeds(step) {
      const fresh = await freshCrops(run, options, step);
      return async () => {
        const slots = drawSlots(makings.length, options.triplets, randomFor(options.seed, 6, step - 1));
        drawn = slots.map((slot) => ({ slot, making: makings[slot]! }));
        const pictures = drawn.map(({ making }) => making);
        const contents = pictures.map(({ content }) => content);
        return {
          x: joined(pictures.map(({ image }) => image)),
          rest: joined([...contents, ...pictures.map(({ style }) => style), ...fresh]),
          'content weight': Float32Array.from(pictures, ({ contentWeight }) => contentWeight),
        };
      };
    },
    scalars: (step, rate) => adamScalars(step, rate, adam),
    async learn({ step, values }) {
      const gradient = values['x gradient']!;
      const length = gradient.length / drawn.length;
      for (const [i, { slot, making }] of drawn.entries()) {
        advance(making, gradient.subarray(i * length, (i + 1) * length), options.pictureRate);
        if (making.age >= making.life) makings[slot] = await startMaking(run, options, step, slot);
      }
    },
    record({ step, total, values }) {
      const errors = Object.fromEntries(graph.errorNames.map((name) => [name, values[name]![0]!]));
      return { step, total, errors, seconds: elapsed() };
    },
    remember: (moment) => ({ ...moment, makings: makings.map(copyOf) }),
    recall(moment) {
      makings = moment.makings.map(copyOf);
      // Tests of steps that are taken back.
      while (tests.length > 0 && tests.at(-1)!.step > moment.step) tests.pop();
    },
    tests: {
      due: (step) => options.testEvery > 0 && step % options.testEvery === 0 && step < options.steps,
      run: async (step) => test(step, await current(step)),
    },
    checkpoint: ({ now, lastGood, history }) => ({
      ...now,
      options,
      teacherSha256: teacher.sha256,
      seconds: elapsed(),
      history,
      tests: [...tests],
      start,
      lastGood,
    }),
    stopped: (checkpoint) => new DistilAborted(checkpoint),
    async finish(step, history) {
      const kernels = await current(step);
      const tensors = step > 0 ? await refitHeads(run, kernels, makings) : kernels;
      if (step > 0) await test(step, tensors);
      return { tensors, options, history, tests, seconds: elapsed() };
    },
  };
}

/** Different slots of the pool, at random: batches that follow each other must not show the same pictures. */
function drawSlots(pool: number, count: number, random: Random): number[] {
  const slots = Array.from({ length: pool }, (_, slot) => slot);
  return Array.from({ length: count }, () => slots.splice(Math.floor(random() * slots.length), 1)[0]!);
}
