import {
  freeMemory,
  type Image,
  type NetworkWeights,
  type Runtime,
  StylizeAborted,
  type StylizeEvent,
  type StylizeOptionsInput,
  type StylizeRequest,
  stylize,
  type WeightedStyle,
} from 'fauve';
import type { RunEvent } from './api.js';
import type { Job } from './job.js';
import { bitmapOf, pixelsOf } from './pixels.js';

/** Milliseconds between two pictures of the work, at least; a slow step shows each. */
const PACE = 250;

export interface Painting {
  readonly content: Image;
  readonly styles: readonly WeightedStyle[];
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
  readonly options: StylizeOptionsInput;
  /** What `init: 'fast'` starts with. */
  readonly fast?: StylizeRequest['fast'] & {};
}

export interface Painted {
  readonly image: Image;
  readonly steps: number;
  readonly seconds: number;
  readonly stopped?: true;
}

/**
 * `stylize`, told step by step, with pictures of the work.
 * @param shown longest side of those pictures
 * @throws FauveError as `stylize`; `aborted` when it was stopped before the first step
 */
export async function paint(
  painting: Painting,
  job: Job,
  onEvent: (event: RunEvent) => void,
  shown?: number,
): Promise<Painted> {
  let next = 0;
  let seconds = 0;
  const onProgress = async (event: StylizeEvent) => {
    if (event.type === 'start') {
      const { width, height, steps, terms, engine } = event;
      onEvent({ type: 'start', width, height, steps, terms, engine });
    } else if (event.type === 'notice') onEvent(event);
    else if (event.type === 'step') {
      const { step, loss, terms } = event;
      seconds = event.seconds;
      onEvent({ type: 'step', step, loss, terms, seconds });
      if (performance.now() >= next) {
        onEvent({ type: 'picture', step, bitmap: await bitmapOf(pixelsOf(await event.image()), shown) });
        next = performance.now() + PACE;
      }
      await job.turn();
    }
  };
  try {
    const result = await stylize({ ...painting, memoryLimit: freeMemory(), signal: job.signal, onProgress });
    return { image: result.image, steps: result.history.length, seconds: result.seconds };
  } catch (error) {
    if (error instanceof StylizeAborted) {
      return { image: error.image, steps: error.steps, seconds, stopped: true };
    }
    throw error;
  }
}
