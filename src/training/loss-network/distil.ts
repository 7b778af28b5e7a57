import { type DistilRequest, planDistillation } from './plan.js';
import { type DistilResult, runDistillation } from './run.js';

export type { DistilEvent } from './events.js';
export type { DistilRequest, TestPair } from './plan.js';
export { DistilAborted, type DistilResult } from './run.js';

/**
 * Makes a small network that reproduces a loss network's features: knowledge distillation (Hinton et al. 2015; of features: Romero et
 * al. 2015) for style transfer. It starts in closed form, layer by layer; then Adam fine-tunes it on crops and on pictures in
 * the making that it restyles itself, because pictures that only look good to the student are what it must not make.
 * @throws FauveError `usage` and `input` before the work starts; `aborted` when the signal fires before the closed form is
 *   done, `DistilAborted` when it fires later
 */
export async function distil(request: DistilRequest): Promise<DistilResult> {
  const plan = planDistillation(request);
  const { runtime, signal, onProgress } = request;
  return runDistillation(plan, { runtime, signal, onProgress });
}
