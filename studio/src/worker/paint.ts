import { type Image, JobAborted, type JobEvent, type JobHost, type JobSpecOf, type Recipe, runJob } from 'fauve';
import type { RunEvent } from './api.js';
import type { Job } from './job.js';
import { bitmapOf, pixelsOf } from './pixels.js';

/** Milliseconds between two pictures of the work, at least; a slow step shows each. */
const PACE = 250;

export interface Painted {
  readonly image: Image;
  readonly recipe: Recipe;
  readonly steps: number;
  readonly seconds: number;
  readonly stopped?: true;
}

/**
 * A job of `stylize`, told step by step, with pictures of the work.
 * @throws FauveError as `runJob`; `aborted` when it was stopped before the first step
 */
export async function paint(
  spec: JobSpecOf<'stylize'>,
  host: JobHost,
  job: Job,
  onEvent: (event: RunEvent) => void,
): Promise<Painted> {
  let next = 0;
  let seconds = 0;
  const follow = async (event: JobEvent<'stylize'>) => {
    if (event.type === 'start') {
      const { width, height, steps, terms, engine } = event;
      onEvent({ type: 'start', width, height, steps, terms, engine });
    } else if (event.type === 'notice') onEvent(event);
    else if (event.type === 'step') {
      const { step, loss, terms } = event;
      seconds = event.seconds;
      onEvent({ type: 'step', step, loss, terms, seconds });
      if (performance.now() >= next) {
        onEvent({ type: 'picture', step, bitmap: await bitmapOf(pixelsOf(await event.image())) });
        next = performance.now() + PACE;
      }
      await job.turn();
    }
  };
  try {
    const result = await runJob<'stylize'>(spec, host, { signal: job.signal, onEvent: follow });
    return { image: result.image, recipe: result.recipe, steps: result.history.length, seconds: result.seconds };
  } catch (error) {
    if (!(error instanceof JobAborted)) throw error;
    const { image, recipe } = error.result as Pick<Painted, 'image' | 'recipe'>;
    return { image, recipe, steps: error.steps, seconds, stopped: true };
  }
}
