import { decodeRecipe, type JobSpecOf, type Reason, type Recipe, resolveStylizeOptions } from 'fauve';
import { decodeImage } from 'fauve/browser';
import { encodeSpec } from 'fauve/jobs';
import { lossTerms } from 'fauve/pictures';
import type { RunEvent } from './api.js';
import type { Job } from './job.js';
import type { Opened } from './photos.js';
import { type Pixels, pixelsOf } from './pixels.js';
import { ProblemError, problemOfReason } from './problem-error.js';

export interface NativeRequest {
  readonly spec: JobSpecOf<'stylize' | 'apply'>;
  /** The files that the spec names by their checksums. */
  readonly files: readonly Opened[];
}

export interface NativePicture {
  readonly pixels: Pixels;
  /** How it was made, as the server wrote it into the file. */
  readonly recipe: Recipe;
  readonly seconds: number;
  readonly steps: number;
  readonly stopped?: true;
}

/** What the server tells of a job that runs; while it waits for others there are no steps. */
interface Progress {
  readonly step?: number;
  readonly steps?: number;
  readonly width?: number;
  readonly height?: number;
  readonly loss?: number;
  readonly terms?: Readonly<Record<string, number>>;
  readonly seconds?: number;
}

/**
 * A job of the local server, to its end.
 * @throws ProblemError `server` when it does not answer, `other` with the server's sentence, `stopped` when there is no picture yet
 */
export async function runNative(
  page: string,
  engine: string,
  request: NativeRequest,
  job: Job,
  onEvent: (event: RunEvent) => void,
): Promise<NativePicture> {
  const id = await submit(page, request, job.signal);
  const address = (path: string) => new URL(path, page);
  const cancel = () => void fetch(address(`api/jobs/${id}`), { method: 'DELETE' }).catch(() => undefined);
  if (job.signal.aborted) cancel();
  else job.signal.addEventListener('abort', cancel, { once: true });
  const state = { started: false, step: 0, seconds: 0, newest: '' };
  const pictures = newestOnly(async (url: string, step: number) => {
    const file = await blobAt(address(url));
    onEvent({ type: 'picture', step, bitmap: await createImageBitmap(file) });
  });
  try {
    const end = await new Promise<{ readonly url?: string; readonly seconds?: number }>((resolve, reject) => {
      const source = new EventSource(address(`api/jobs/${id}/events`));
      const close =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          source.close();
          settle(value);
        };
      const on = (type: string, listener: (data: Record<string, unknown>) => void) =>
        source.addEventListener(type, (event) => {
          if (event instanceof MessageEvent) listener(JSON.parse(event.data as string) as Record<string, unknown>);
        });
      on('progress', (data) => {
        const progress = data as Progress;
        if (progress.steps === undefined) return;
        if (!state.started) {
          state.started = true;
          const { width = 0, height = 0 } = progress;
          const { spec } = request;
          const paints = spec.kind === 'stylize';
          const terms = paints ? lossTerms(resolveStylizeOptions(spec.options ?? {})) : [];
          onEvent({ type: 'start', width, height, steps: paints ? progress.steps : 0, terms, engine });
        }
        const { step = 0, loss, terms, seconds = 0 } = progress;
        state.step = step;
        state.seconds = seconds;
        if (step > 0 && loss !== undefined && terms) onEvent({ type: 'step', step, loss, terms, seconds });
      });
      on('picture', ({ url }) => {
        state.newest = String(url);
        pictures.offer(state.newest, state.step);
      });
      on('done', close(resolve) as (data: Record<string, unknown>) => void);
      on('cancelled', close(() => resolve({})) as (data: Record<string, unknown>) => void);
      on('failed', (refusal: Refusal) => close(reject)(failureOf(refusal)));
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) reject(new ProblemError('server', ''));
        // The browser tries again by itself; when the server is gone, that would never end.
        else
          void fetch(address('api/health')).catch((error: unknown) =>
            close(reject)(new ProblemError('server', '', error)),
          );
      };
    });
    await pictures.end();
    const url = end.url ?? state.newest;
    if (!url) throw new ProblemError('stopped', '');
    const bytes = new Uint8Array(await (await blobAt(address(url))).arrayBuffer());
    const { image, recipe } = await decodeImage(bytes, { what: 'Picture', fileName: 'of this computer' });
    const { step: steps } = state;
    return {
      ...{ pixels: pixelsOf(image), steps, seconds: end.seconds ?? state.seconds },
      recipe: decodeRecipe(recipe ?? ''),
      ...(end.url ? {} : { stopped: true }),
    };
  } finally {
    job.signal.removeEventListener('abort', cancel);
  }
}

/** What a server says when it refuses something. */
interface Refusal {
  readonly message?: string;
  readonly reason?: Reason;
}

function failureOf({ message = '', reason }: Refusal): ProblemError {
  const problem = reason ? problemOfReason(reason, message) : ({ kind: 'other', message } as const);
  return new ProblemError(problem.kind, problem.message);
}

async function submit(page: string, { spec, files }: NativeRequest, signal: AbortSignal): Promise<string> {
  const form = new FormData();
  const once = new Map(files.map(({ sha256, file }) => [sha256, file]));
  for (const file of once.values()) form.append('file', file, 'file');
  form.append('job', encodeSpec(spec));
  const response = await fetch(new URL('api/jobs', page), { method: 'POST', body: form, signal }).catch(
    (error: unknown) => {
      throw new ProblemError(signal.aborted ? 'stopped' : 'server', '', error);
    },
  );
  const answer = (await response.json().catch(() => ({}))) as Refusal & { readonly id?: string };
  if (answer.id) return answer.id;
  throw answer.message === undefined ? new ProblemError('server', '') : failureOf(answer);
}

async function blobAt(url: URL): Promise<Blob> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new ProblemError('server', '', error);
  });
  if (!response.ok) throw new ProblemError('server', '');
  return response.blob();
}

/** Does one thing at a time; of what comes meanwhile only the newest. */
function newestOnly(work: (url: string, step: number) => Promise<void>) {
  let waiting: readonly [string, number] | undefined;
  let running: Promise<void> | undefined;
  const loop = async () => {
    for (let next = waiting; next; next = waiting) {
      waiting = undefined;
      // A picture on the way that cannot be had is no loss: the next one comes.
      await work(...next).catch(() => undefined);
    }
    running = undefined;
  };
  return {
    offer(url: string, step: number): void {
      waiting = [url, step];
      running ??= loop();
    },
    end: async () => running,
  };
}
