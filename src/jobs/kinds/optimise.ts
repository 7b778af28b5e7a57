import type { Image } from '../../image/image.js';
import { encodeCheckpoint, type LossRecord } from '../../stylize/checkpoint.js';
import type { StylizeEvent } from '../../stylize/events.js';
import { type RunContext, StylizeAborted, type StylizeResult } from '../../stylize/run.js';
import { JobAborted } from '../aborted.js';
import type { JobControl } from '../kind.js';
import type { Recipe } from '../recipe.js';
import { type Filed, filed } from './filed.js';

/** What happens while a picture is optimised; checkpoints are files. */
export type OptimiseEvent = Filed<StylizeEvent>;

/** A picture that was optimised, with its recipe. */
export interface OptimisedPicture<R extends Recipe> extends Omit<StylizeResult, 'checkpoint' | 'options'> {
  readonly recipe: R;
  /** The file of the finished job: whoever goes on from it gets this picture, without another step. */
  readonly checkpoint: () => Uint8Array;
}

/** The picture of a job that was stopped. */
export interface UnfinishedPicture<R extends Recipe> {
  readonly image: Image;
  readonly recipe: R;
  readonly history: readonly LossRecord[];
}

/**
 * Runs an optimisation as a job.
 * @param run `runStylize` or `runTexture` of a plan
 * @param recipe of the finished picture
 * @throws JobAborted with the picture so far
 */
export async function optimise<R extends Recipe>(
  run: (context: Pick<RunContext, 'signal' | 'onProgress' | 'started'>) => Promise<StylizeResult>,
  recipe: R,
  { signal, onEvent = () => {} }: JobControl<OptimiseEvent>,
): Promise<OptimisedPicture<R>> {
  const onProgress = (event: StylizeEvent) => onEvent(filed(event, encodeCheckpoint));
  try {
    const result = await run({ signal, onProgress, started: performance.now() });
    const { checkpoint, options: _, ...picture } = result;
    return { ...picture, recipe, checkpoint: () => encodeCheckpoint(checkpoint) };
  } catch (error) {
    if (!(error instanceof StylizeAborted)) throw error;
    const { image, checkpoint, steps } = error;
    const unfinished = { image, recipe: { ...recipe, step: steps }, history: checkpoint.history };
    throw new JobAborted<UnfinishedPicture<R>>(unfinished, encodeCheckpoint(checkpoint), steps, { cause: error });
  }
}
