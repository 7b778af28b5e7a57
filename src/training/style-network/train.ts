import { planTraining, type TrainRequest } from './plan.js';
import { runTraining, type TrainResult } from './run.js';

export type { TrainEvent } from './events.js';
export type { TrainRequest, TrainStyle } from './plan.js';
export { TrainAborted, type TrainResult } from './run.js';

/**
 * Trains a style network (Johnson, Alahi & Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer"), for one style or
 * for several (Dumoulin et al. 2017, "A Learned Representation for Artistic Style"). The same request gives the same network on the
 * same device, also when it was interrupted and resumed.
 * @throws FauveError `usage` and `input` before the work starts; `aborted` when the signal fires before the first step,
 *   {@link TrainAborted} when it fires later
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const plan = await planTraining(request);
  const { runtime, signal, onProgress } = request;
  return runTraining(plan, { runtime, signal, onProgress });
}
