import { stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StyleNetworkModel } from '../../style-network/file.js';
import { trainingLoop } from '../loop.js';
import type { TrainCheckpoint, TrainRecord } from './checkpoint.js';
import type { TrainEvent } from './events.js';
import { targetsOf } from './feeds.js';
import type { TrainOptions } from './options.js';
import type { TrainingPlan } from './plan.js';
import { styleNetworkTask } from './task.js';

export interface TrainResult {
  readonly model: StyleNetworkModel;
  readonly options: TrainOptions;
  readonly history: readonly TrainRecord[];
  readonly terms: readonly { readonly name: string; readonly weight: number }[];
  readonly seconds: number;
}

/** The signal fired after a step was done; nothing is lost. */
export class TrainAborted extends FauveError {
  constructor(readonly checkpoint: TrainCheckpoint) {
    super('aborted', `Stopped after iteration ${checkpoint.step} of ${checkpoint.options.iterations}.`);
  }
}

/** What a run needs beside its plan. */
export interface TrainingContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: TrainEvent) => void | Promise<void>) | undefined;
}

/**
 * Trains the network of a plan.
 * @throws FauveError `aborted` before the first step begins, and {@link TrainAborted} after it; `input` when no photo can be used, or
 *   when the run diverges again and again
 */
export async function runTraining(
  plan: TrainingPlan,
  { runtime, signal, onProgress = () => {} }: TrainingContext,
): Promise<TrainResult> {
  const { options, step, trained, resume } = plan;
  stopIfAborted(signal);
  const targets = await targetsOf(plan, runtime);
  stopIfAborted(signal);
  const started = performance.now();
  const elapsed = () => (resume?.seconds ?? 0) + (performance.now() - started) / 1000;
  const session = await runtime.open(emitModel(step.outputs));
  try {
    await session.write(targets);
    const count = [...trained.values()].reduce((sum, { data }) => sum + data.length, 0);
    await onProgress({ type: 'start', options, trained: count, terms: step.terms, engine: runtime.engine });
    const task = styleNetworkTask(plan, { runtime, session, emit: onProgress, elapsed });
    return await trainingLoop(task, { signal, emit: onProgress });
  } finally {
    await session.close();
  }
}
