/** What the work of a job tells while it goes on. */
export interface Report<Progress, Picture> {
  progress(data: Progress): void;
  /** There is a newer picture. */
  picture(picture: Picture): void;
}

/**
 * What a job does. It may throw.
 * @param signal fires when the job is cancelled; the work then reports the picture so far and throws
 * @returns its last picture
 */
export type Work<Progress, Picture> = (report: Report<Progress, Picture>, signal: AbortSignal) => Promise<Picture>;

/** What a job of a queue holds at least: how much memory its picture takes. */
export interface KeptPicture {
  readonly bytes: number;
}

/** What happens to a job in a queue. */
export type QueueEvent<Progress, Picture> =
  /** Jobs before this one. */
  | { readonly type: 'waiting'; readonly ahead: number }
  | { readonly type: 'progress'; readonly data: Progress }
  | { readonly type: 'picture'; readonly picture: Picture }
  | { readonly type: 'done'; readonly picture: Picture }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'cancelled' };

/** The events after which nothing comes. */
type EndEvent<Progress, Picture> = Extract<
  QueueEvent<Progress, Picture>,
  { readonly type: 'done' | 'failed' | 'cancelled' }
>;

/** Events that may wait for a listener that does not keep up; one that has more is cut off and can come again. */
const MOST_BACKLOG = 1000;
/** Listeners of one job. A page needs one. */
const MOST_LISTENERS = 8;

/** One job: where it stands, its newest picture, and who listens. */
export class QueuedJob<Progress, Picture extends KeptPicture> {
  /** Cannot be guessed. */
  readonly id = crypto.randomUUID();
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(event: QueueEvent<Progress, Picture>) => void>();
  #work: Work<Progress, Picture> | undefined;
  #stand: QueueEvent<Progress, Picture> | undefined;
  #picture: Picture | undefined;
  #end: EndEvent<Progress, Picture> | undefined;

  constructor(work: Work<Progress, Picture>) {
    this.#work = work;
  }

  get picture(): Picture | undefined {
    return this.#picture;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Says that it waits. */
  wait(ahead: number): void {
    this.#tell({ type: 'waiting', ahead });
  }

  /** Does the work, to its end: done, failed or cancelled. */
  async run(): Promise<void> {
    const work = this.#work;
    const { signal } = this.#controller;
    // What it holds, the photo above all, is needed no longer than it runs.
    this.#work = undefined;
    if (!work || this.ended) return;
    try {
      const picture = await work(
        { progress: (data) => this.#tell({ type: 'progress', data }), picture: (each) => this.#show(each) },
        signal,
      );
      this.#show(picture);
      this.#finish({ type: 'done', picture });
    } catch (error) {
      this.#finish(signal.aborted ? { type: 'cancelled' } : { type: 'failed', error });
    }
  }

  /** Ends it: at once while it waits, after the step that is being computed while it runs. Does nothing to one that has ended. */
  cancel(): void {
    this.#controller.abort();
    if (!this.#work) return;
    this.#work = undefined;
    this.#finish({ type: 'cancelled' });
  }

  /**
   * What happens from now on, after where it stands: the last progress, the newest picture, the end.
   * @param signal ends the listening
   * @returns `undefined` when too many listen
   */
  events(signal: AbortSignal): AsyncIterable<QueueEvent<Progress, Picture>> | undefined {
    return this.#listeners.size < MOST_LISTENERS ? this.#listen(signal) : undefined;
  }

  async *#listen(signal: AbortSignal): AsyncIterable<QueueEvent<Progress, Picture>> {
    const backlog: QueueEvent<Progress, Picture>[] = [];
    if (this.#stand) backlog.push(this.#stand);
    if (this.#picture) backlog.push({ type: 'picture', picture: this.#picture });
    if (this.#end) backlog.push(this.#end);
    let wake = () => {};
    const listener = (event: QueueEvent<Progress, Picture>) => {
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

  #show(picture: Picture): void {
    this.#picture = picture;
    this.#tell({ type: 'picture', picture });
  }

  #finish(end: EndEvent<Progress, Picture>): void {
    this.#end = end;
    this.#tell(end);
  }

  #tell(event: QueueEvent<Progress, Picture>): void {
    if (event.type === 'progress' || event.type === 'waiting') this.#stand = event;
    for (const listener of this.#listeners) listener(event);
  }
}
