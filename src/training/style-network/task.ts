import type { WeightTensor } from '../../formats/tensor.js';
import type { Runtime, Session, Values } from '../../runtime/runtime.js';
import type { TrainingTask } from '../task.js';
import { initialState, weightsAt } from '../weights.js';
import type { TrainCheckpoint, TrainMoment, TrainRecord } from './checkpoint.js';
import type { TrainEvent } from './events.js';
import { feedsFor } from './feeds.js';
import { finishedModel } from './finish.js';
import { type SkippedPhoto, trainingPhotos } from './photos.js';
import type { TrainingPlan } from './plan.js';
import { rangesOnPhotos } from './ranges.js';
import { TrainAborted, type TrainResult } from './run.js';
import { openTester } from './tester.js';

/** What the task needs of the run. */
interface Run {
  readonly runtime: Runtime;
  /** Of the plan's step, its targets written. */
  readonly session: Session;
  readonly emit: (event: TrainEvent) => void | Promise<void>;
  readonly elapsed: () => number;
}

/** `train` as the loop sees it. Between two steps there is nothing to remember but what the session holds. */
export function styleNetworkTask(
  plan: TrainingPlan,
  { runtime, session, emit, elapsed }: Run,
): TrainingTask<TrainMoment, TrainRecord, TrainCheckpoint, TrainResult> {
  const { options, step: graph, trained, frozen, shape, styles, lossNetwork, fingerprint, resume } = plan;
  const { iterations, testEvery, averageDecay } = options;
  const skipped: SkippedPhoto[] = [];
  const photos = trainingPhotos(plan.photos, options.cropSize, (photo) => skipped.push(photo));
  const tester = openTester(runtime, shape, styles, plan.tests, options);
  const start: TrainMoment = { step: 0, rateFactor: 1, state: initialState(session, graph.state, trained) };
  const weightsNow = async (step: number): Promise<Map<string, WeightTensor>> => {
    const now = await weightsAt(session, trained, step, averageDecay);
    return new Map(plan.weightNames.map((name) => [name, now.get(name) ?? frozen.get(name)!]));
  };
  return {
    session,
    outputs: graph.terms.map(({ name }) => name),
    carry: graph.carry,
    state: [...graph.names, ...graph.state],
    steps: iterations,
    stepName: 'iteration',
    learningRate: options.learningRate,
    schedule: options.schedule,
    begin: { now: resume ?? start, lastGood: resume?.lastGood ?? start, history: resume?.history ?? [] },
    keepsBegin: false,
    async feeds(step) {
      const feeds: Values = await feedsFor(plan, photos, step);
      return async () => {
        for (const photo of skipped.splice(0)) await emit({ type: 'skipped', ...photo });
        return feeds;
      };
    },
    scalars: graph.scalars,
    record({ step, total, rate, values }) {
      const terms = Object.fromEntries(graph.terms.map(({ name }) => [name, values[name]![0]!]));
      return { step, total, terms, rate, seconds: elapsed() };
    },
    remember: (moment) => moment,
    recall: () => {},
    tests: {
      due: (step) => testEvery > 0 && (step % testEvery === 0 || step === iterations),
      run: async (step) => emit({ type: 'test', ...(await tester(step, await weightsNow(step))) }),
    },
    checkpoint: ({ now, lastGood, history }) => ({
      ...now,
      options,
      network: lossNetwork.sha256,
      styles: styles.map(({ name }) => name),
      photos: plan.photos.length,
      fingerprint,
      seconds: elapsed(),
      history,
      lastGood,
    }),
    stopped: (checkpoint) => new TrainAborted(checkpoint),
    async finish(step, history) {
      const made = finishedModel(plan, await weightsNow(step), history);
      const ranges = await rangesOnPhotos(runtime, made.weights, photos, options.seed);
      const model = ranges ? { ...made, ranges } : made;
      return { model, options, history, terms: graph.terms, seconds: elapsed() };
    },
  };
}
