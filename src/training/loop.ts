import { stopIfAborted } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { scheduleFactor } from '../optim/schedule.js';
import type { Values } from '../runtime/runtime.js';
import { diverged, isRising } from './divergence.js';
import type { TrainingMoment, TrainingProgress, TrainingRecord, TrainingTask } from './task.js';

/** The loss was no number, or many times what it had been: back to an earlier step, at half the rate. */
export interface RollbackEvent {
  readonly type: 'rollback';
  /** The step that diverged, and the one that the run goes back to. */
  readonly step: number;
  readonly to: number;
  readonly loss: number;
}

/** What happens in the loop. */
export type LoopEvent<Entry, Checkpoint> =
  | (Entry & { readonly type: 'step'; readonly checkpoint: () => Promise<Checkpoint> })
  | RollbackEvent;

export interface LoopContext<Entry, Checkpoint> {
  readonly signal?: AbortSignal | undefined;
  readonly emit: (event: LoopEvent<Entry, Checkpoint>) => void | Promise<void>;
}

/** Steps between two moments that a diverging run goes back to. */
const KEEP_EVERY = 100;
const MOST_ROLLBACKS = 8;
/** Steps over which the rate rises from nothing. */
const WARM_UP = 20;

/**
 * Trains: the one loop under `train` and `distil`. The next feeds are prepared while the engine works. A run that diverges goes back to
 * its last good moment, at half the rate. One that goes on from a checkpoint ends in the same bytes as one that was never interrupted.
 * @throws FauveError `input` when the run diverges again and again; when the signal fires, what {@link TrainingTask.stopped} gives, or a
 *   plain `aborted` where there is nothing to keep yet
 */
export async function trainingLoop<Moment extends TrainingMoment, Entry extends TrainingRecord, Checkpoint, Result>(
  task: TrainingTask<Moment, Entry, Checkpoint, Result>,
  { signal, emit }: LoopContext<Entry, Checkpoint>,
): Promise<Result> {
  const { session, steps } = task;
  const first = task.begin.now.step;
  const outputs = ['total', 'gradient norm', ...task.outputs];
  const history = [...task.begin.history];
  let { step, rateFactor } = task.begin.now;
  let { lastGood } = task.begin;

  const goTo = async (moment: Moment): Promise<void> => {
    await session.write(copied(moment.state));
    task.recall(moment);
    step = moment.step;
  };
  const now = async (): Promise<Moment> =>
    task.remember({ step, rateFactor, state: copied(await session.read(task.state)) });
  const checkpoint = async (): Promise<Checkpoint> => {
    const progress: TrainingProgress<Moment, Entry> = { now: await now(), lastGood, history: [...history] };
    return task.checkpoint(progress);
  };
  const prepare = (step: number) => {
    const feeds = task.feeds(step);
    // Whoever waits for them is told; after a rollback nobody does.
    feeds.catch(() => undefined);
    return feeds;
  };

  await goTo(task.begin.now);
  let next: Promise<() => Promise<Values>> | undefined;
  while (step < steps) {
    if (step === first && !task.keepsBegin) stopIfAborted(signal);
    if (signal?.aborted) throw task.stopped(await checkpoint());
    const complete = await (next ?? prepare(step + 1));
    const feeds = await complete();
    const rate = task.learningRate * rateFactor * scheduleFactor(task.schedule, step + 1, steps, WARM_UP);
    const running = session.run({ ...feeds, ...task.scalars(step + 1, rate) }, outputs, task.carry);
    next = step + 2 <= steps ? prepare(step + 2) : undefined;
    const values = await running;
    step++;
    const total = values.total![0]!;
    // A gradient that is no number leaves none in the weights, before the loss shows it.
    if (diverged(total, history) || !Number.isFinite(values['gradient norm']![0]!)) {
      await emit({ type: 'rollback', step, to: lastGood.step, loss: total });
      if (rateFactor <= 2 ** -MOST_ROLLBACKS) throw givenUp(total, step, task.stepName);
      await goTo(lastGood);
      rateFactor /= 2;
      history.splice(history.findLastIndex((record) => record.step <= step) + 1);
      next = undefined;
      continue;
    }
    const result = { step, total, rate, values };
    await task.learn?.(result);
    const record = task.record(result);
    history.push(record);
    if (step >= lastGood.step + KEEP_EVERY && !isRising(total, history)) lastGood = await now();
    if (task.tests.due(step)) await task.tests.run(step);
    await emit({ type: 'step', ...record, checkpoint });
  }
  return task.finish(step, history);
}

function givenUp(total: number, step: number, stepName: string): FauveError {
  return new FauveError(
    { kind: 'divergence', step },
    `The loss became ${total} at ${stepName} ${step}, again after ${MOST_ROLLBACKS} attempts at lower rates. Start again with a lower learning rate.`,
  );
}

/** The arrays of a session are its own, those of a moment are the moment's. */
function copied(state: Values): Values {
  return Object.fromEntries(Object.entries(state).map(([name, data]) => [name, Float32Array.from(data)]));
}
