import { randomUUID } from 'node:crypto';
import { type EndEvent, type JobEvent, type ProgressData, pictureUrl } from './events.js';

/** A PNG file, and the step after which the picture was like this. */
export interface JobPicture {
  readonly step: number;
  readonly png: Uint8Array;
}

/** What the work of a job tells while it goes on. */
export interface Report {
  progress(data: ProgressData): void;
  picture(picture: JobPicture): void;
}

/** The finished picture. */
export interface Finished extends JobPicture {
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
}

/**
 * What a job does. It may throw: a FauveError's sentence is told to the page.
 * @param signal fires when the job is cancelled; the work then reports the picture so far and throws
 */
export type Work = (report: Report, signal: AbortSignal) => Promise<Finished>;

/** Events that may wait for a listener that does not keep up; one that has more is cut off and can come again. */
const MOST_BACKLOG = 1000;
/** Listeners of one job. A page needs one. */
const MOST_LISTENERS = 8;

/** One job: where it stands, its newest picture, and who listens. */
export class Job {
  /** Cannot be guessed. */
  readonly id = randomUUID();
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(event: JobEvent) => void>();
  #work: Work | undefined;
  #progress: ProgressData | undefined;
  #picture: JobPicture | undefined;
  #end: EndEvent | undefined;

  constructor(work: Work) {
    this.#work = work;
  }

  get picture(): JobPicture | undefined {
    return this.#picture;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Bytes that are kept of a job that has ended. */
  get bytes(): number {
    return this.#picture?.png.byteLength ?? 0;
  }

  /** Says that it waits. */
  wait(ahead: number): void {
    this.#tell({ type: 'progress', data: { waiting: true, ahead } });
  }

  /**
   * Does the work, to its end: done, failed or cancelled.
   * @param failure the sentence for the page, of anything that was thrown
   */
  async run(failure: (error: unknown) => string): Promise<void> {
    const work = this.#work;
    const { signal } = this.#controller;
    // What it holds, the photo above all, is needed no longer than it runs.
    this.#work = undefined;
    if (!work || this.ended) return;
    try {
      const report: Report = {
        progress: (data) => this.#tell({ type: 'progress', data }),
        picture: (picture) => this.#show(picture),
      };
      const { step, png, ...data } = await work(report, signal);
      this.#show({ step, png });
      this.#finish({ type: 'done', data: { url: pictureUrl(this.id, step), ...data } });
    } catch (error) {
      this.#finish(
        signal.aborted ? { type: 'cancelled', data: {} } : { type: 'failed', data: { message: failure(error) } },
      );
    }
  }

  /** Ends it: at once while it waits, after the step that is being computed while it runs. Does nothing to one that has ended. */
  cancel(): void {
    this.#controller.abort();
    if (!this.#work) return;
    this.#work = undefined;
    this.#finish({ type: 'cancelled', data: {} });
  }

  /**
   * What happens from now on, after where it stands: the last progress, the newest picture, the end.
   * @param signal ends the listening
   * @returns `undefined` when too many listen
   */
  events(signal: AbortSignal): AsyncIterable<JobEvent> | undefined {
    return this.#listeners.size < MOST_LISTENERS ? this.#listen(signal) : undefined;
  }

  async *#listen(signal: AbortSignal): AsyncIterable<JobEvent> {
    const backlog: JobEvent[] = [];
    if (this.#progress) backlog.push({ type: 'progress', data: this.#progress });
    if (this.#picture) backlog.push({ type: 'picture', data: { url: pictureUrl(this.id, this.#picture.step) } });
    if (this.#end) backlog.push(this.#end);
    let wake = () => {};
    const listener = (event: JobEvent) => {
      if (backlog.length <= MOST_BACKLOG) backlog.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted && backlog.length <= MOST_BACKLOG) {
        const event = backlog.shift();
        if (event) {
          yield event;
          if (event.type === 'done' || event.type === 'failed' || event.type === 'cancelled') return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #show(picture: JobPicture): void {
    this.#picture = picture;
    this.#tell({ type: 'picture', data: { url: pictureUrl(this.id, picture.step) } });
  }

  #finish(end: EndEvent): void {
    this.#end = end;
    this.#tell(end);
  }

  #tell(event: JobEvent): void {
    if (event.type === 'progress') this.#progress = event.data;
    for (const listener of this.#listeners) listener(event);
  }
}
