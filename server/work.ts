import {
  encodeImage,
  encodeRecipe,
  FauveError,
  type Image,
  JobAborted,
  type JobEvent,
  type JobResult,
  type Recipe,
  type Report,
  runJob,
  type Work,
} from 'fauve';
import { planJob } from 'fauve/jobs';
import type { JobPicture, StepProgress } from './events.js';
import type { ServerHost } from './host.js';
import type { StudioSpec } from './spec.js';

/** Milliseconds from one picture of the work to the next, at least. */
const PREVIEW_PACE = 1000;

/** A job of the studio as work of the queue: the same picture as on the command line. */
export function workOf(spec: StudioSpec, host: ServerHost): Work<StepProgress, JobPicture> {
  return async (report, signal) => {
    try {
      if (spec.kind === 'stylize') return await painted(spec, host, report, signal);
      return await host.keepingNetwork(() => applied(spec, host, report, signal));
    } catch (error) {
      // The engine may have been the reason, and it holds memory.
      const harmless = signal.aborted || (error instanceof FauveError && error.code !== 'system');
      if (!harmless) await host.close();
      throw error;
    }
  };
}

type Reported = Report<StepProgress, JobPicture>;
type SpecOf<Kind> = Extract<StudioSpec, { readonly kind: Kind }>;

async function applied(spec: SpecOf<'apply'>, host: ServerHost, report: Reported, signal: AbortSignal) {
  const { image, recipe, seconds } = await runJob<'apply'>(spec, host, {
    signal,
    onEvent(event) {
      if (event.type !== 'start') return;
      const { width, height } = event;
      report.progress({ step: 0, steps: 1, width, height, seconds: 0 });
    },
  });
  return finished(image, recipe, 1, seconds);
}

async function painted(spec: SpecOf<'stylize'>, host: ServerHost, report: Reported, signal: AbortSignal) {
  // Both engines at once may be more than the memory holds.
  await host.release();
  const { plan, run } = await planJob<'stylize'>(spec, host, { signal });
  const previews = startPreviews(report, (image, step) => pngOf(image, { ...plan.recipe, step }, step));
  let started: Extract<JobEvent<'stylize'>, { type: 'start' }> | undefined;
  const onEvent = async (event: JobEvent<'stylize'>) => {
    if (event.type === 'start') {
      started = event;
      const { width, height } = event.scales[0]!;
      report.progress({ step: 0, steps: event.steps, width, height, seconds: 0 });
    }
    if (event.type !== 'step') return;
    const { step, loss, terms, seconds } = event;
    const { width, height } = started!.scales[event.scale]!;
    report.progress({ step, steps: started!.steps, width, height, loss, terms, seconds });
    await previews.offer(step, event.image);
  };
  try {
    const { image, recipe, history, seconds } = await run({ signal, onEvent });
    await previews.end();
    return await finished(image, recipe, history.length, seconds);
  } catch (error) {
    await previews.end();
    if (error instanceof JobAborted) {
      const { image, recipe } = error.result as Pick<JobResult<'stylize'>, 'image' | 'recipe'>;
      report.picture(await pngOf(image, recipe, error.steps));
    }
    throw error;
  }
}

async function finished(image: Image, recipe: Recipe, step: number, seconds: number): Promise<JobPicture> {
  const { width, height } = image;
  return { ...(await pngOf(image, recipe, step)), finished: { width, height, seconds } };
}

async function pngOf(image: Image, recipe: Recipe, step: number): Promise<JobPicture> {
  const png = await encodeImage(image, 'png', { recipe: encodeRecipe(recipe) });
  return { step, png, bytes: png.byteLength };
}

/** Encodes pictures of the work beside it, one at a time and not too often, so that it hardly slows down. */
function startPreviews(report: Reported, encode: (image: Image, step: number) => Promise<JobPicture>) {
  let next = 0;
  let encoding: Promise<void> | undefined;
  return {
    /** @param image of this step, valid until the promise is fulfilled */
    async offer(step: number, image: () => Promise<Image>): Promise<void> {
      if (encoding || performance.now() < next) return;
      const taken = await image();
      encoding = encode(taken, step)
        .then((picture) => report.picture(picture))
        // One that cannot be written is told of at the end, when it is the result.
        .catch(() => undefined)
        .finally(() => {
          next = performance.now() + PREVIEW_PACE;
          encoding = undefined;
        });
    },
    /** Waits until nothing is being encoded. */
    end: async () => encoding,
  };
}
