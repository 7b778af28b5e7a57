import { stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { isIdentity } from '../../networks/heads.js';
import { emitModel } from '../../onnx/model.js';
import { defaultAdamOptions } from '../../optim/adam.js';
import type { Runtime } from '../../runtime/runtime.js';
import { trainingLoop } from '../loop.js';
import { startInClosedForm } from './begin.js';
import type { DistilCheckpoint, DistilRecord, DistilTest } from './checkpoint.js';
import type { DistilEvent } from './events.js';
import type { DistilOptions } from './options.js';
import type { DistillationPlan } from './plan.js';
import { trainingStep } from './step.js';
import { distillationTask } from './task.js';

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

/** What a run needs beside its plan. */
export interface DistillationContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DistilEvent) => void | Promise<void>) | undefined;
}

/** A run on its way: what is decided, and who is told. */
export interface DistillationRun extends DistillationPlan {
  readonly runtime: Runtime;
  readonly emit: (event: DistilEvent) => void | Promise<void>;
  /** @throws FauveError `aborted`: before the closed form is done there is nothing to keep */
  readonly stopBeforeTraining: () => void;
  readonly elapsed: () => number;
}

/**
 * Makes the student of a plan: in closed form, then with Adam.
 * @throws FauveError `aborted` before the closed form is done, and {@link DistilAborted} after it; `input` when the run diverges again
 *   and again
 */
export async function runDistillation(
  plan: DistillationPlan,
  { runtime, signal, onProgress = () => {} }: DistillationContext,
): Promise<DistilResult> {
  const { options, resume, teacher, layers } = plan;
  const started = performance.now();
  const run: DistillationRun = {
    ...plan,
    runtime,
    emit: onProgress,
    stopBeforeTraining: () => stopIfAborted(signal, 'Stopped before the first training step.'),
    elapsed: () => (resume?.seconds ?? 0) + (performance.now() - started) / 1000,
  };
  run.stopBeforeTraining();
  const begun = resume ?? (await startInClosedForm(run));
  const weights = [...begun.start.values()].reduce((count, { data }) => count + data.length, 0);
  await onProgress({ type: 'start', options, weights, engine: runtime.engine });

  // A layer with all of its teacher's channels has the identity for a head, and keeps it.
  const trained = new Map([...begun.start].filter(([name, tensor]) => !(name.endsWith('.head') && isIdentity(tensor))));
  const adam = { ...defaultAdamOptions, beta2: 0.999, averageDecay: options.averageDecay };
  const graph = trainingStep(teacher, trained, layers, { ...options, size: options.cropSize }, adam);
  const session = await runtime.open(emitModel(graph.outputs));
  try {
    const task = await distillationTask(run, { ...begun, trained, graph, adam, session });
    return await trainingLoop(task, { signal, emit: onProgress });
  } finally {
    await session.close();
  }
}
