import { Job, type Work } from './job.js';

/** What is kept of jobs. */
export interface QueueLimits {
  /** Jobs that wait, those that are being uploaded among them. */
  readonly waiting: number;
  /** Jobs that have ended and are kept for a while. */
  readonly kept: number;
  /** Bytes of pictures that are kept of them. */
  readonly keptBytes: number;
}

export const defaultQueueLimits: QueueLimits = { waiting: 4, kept: 20, keptBytes: 256 * 2 ** 20 };

/** A place in the queue, taken before the photo is received. It is used or given back. */
export interface Place {
  /** Starts the job when its turn comes. */
  take(work: Work): Job;
  /** Gives the place back. Does nothing to one that was used. */
  leave(): void;
}

/** One job at a time; the others wait in a short queue. All of it is in memory. */
export class JobQueue {
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  #uploading = 0;
  #current: Job | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param failure the sentence for the page, of anything that a job threw */
  constructor(
    readonly failure: (error: unknown) => string,
    readonly limits: QueueLimits = defaultQueueLimits,
  ) {}

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** @returns `undefined` when there is no room */
  reserve(): Place | undefined {
    const taken = this.#uploading + this.#waiting.length;
    // The one that runs waits no longer.
    if (this.#closed || taken >= this.limits.waiting + (this.#current ? 0 : 1)) return undefined;
    this.#uploading++;
    let open = true;
    const leave = () => {
      if (open) this.#uploading--;
      open = false;
    };
    return {
      leave,
      take: (work) => {
        leave();
        return this.#add(work);
      },
    };
  }

  /** Ends a job. */
  cancel(job: Job): void {
    job.cancel();
    const index = this.#waiting.indexOf(job);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#tellPlaces();
    this.#forget();
  }

  /** Cancels all jobs, and waits until the one that is running has stopped. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#waiting]) this.cancel(job);
    this.#current?.cancel();
    await this.#turn;
  }

  #add(work: Work): Job {
    const job = new Job(work);
    this.#jobs.set(job.id, job);
    if (this.#closed) {
      job.cancel();
      return job;
    }
    this.#waiting.push(job);
    if (this.#current) this.#tellPlaces();
    else this.#turn = this.#work();
    return job;
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      this.#current = job;
      this.#tellPlaces();
      await job.run(this.failure);
      this.#current = undefined;
      this.#forget();
    }
  }

  #tellPlaces(): void {
    for (const [index, job] of this.#waiting.entries()) job.wait(index + 1);
  }

  /** Drops the oldest jobs that have ended, until the rest is within the limits. The newest always stays. */
  #forget(): void {
    const ended = [...this.#jobs.values()].filter((job) => job.ended);
    let bytes = ended.reduce((sum, job) => sum + job.bytes, 0);
    for (const [index, job] of ended.entries()) {
      const left = ended.length - index;
      if (left === 1 || (left <= this.limits.kept && bytes <= this.limits.keptBytes)) return;
      this.#jobs.delete(job.id);
      bytes -= job.bytes;
    }
  }
}
