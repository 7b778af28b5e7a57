import { type KeptPicture, QueuedJob, type Work } from './queued-job.js';

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
export interface Place<Progress, Picture extends KeptPicture> {
  /** Starts the job when its turn comes. */
  take(work: Work<Progress, Picture>): QueuedJob<Progress, Picture>;
  /** Gives the place back. Does nothing to one that was used. */
  leave(): void;
}

/** Jobs that wait for their turn. */
export interface JobQueue<Progress, Picture extends KeptPicture> {
  get(id: string): QueuedJob<Progress, Picture> | undefined;
  /** @returns `undefined` when there is no room */
  reserve(): Place<Progress, Picture> | undefined;
  /** Ends a job. */
  cancel(job: QueuedJob<Progress, Picture>): void;
  /** Cancels all jobs, and waits until the one that is running has stopped. */
  close(): Promise<void>;
}

/** A queue in memory: one job at a time, the others wait. */
export function createJobQueue<Progress, Picture extends KeptPicture>(
  limits: QueueLimits = defaultQueueLimits,
): JobQueue<Progress, Picture> {
  type Job = QueuedJob<Progress, Picture>;
  const jobs = new Map<string, Job>();
  const waiting: Job[] = [];
  let uploading = 0;
  let current: Job | undefined;
  let turn: Promise<void> = Promise.resolve();
  let closed = false;

  const tellPlaces = () => {
    for (const [index, job] of waiting.entries()) job.wait(index + 1);
  };
  /** Drops the oldest jobs that have ended, until the rest is within the limits. The newest always stays. */
  const forget = () => {
    const ended = [...jobs.values()].filter((job) => job.ended);
    const bytesOf = (job: Job) => job.picture?.bytes ?? 0;
    let bytes = ended.reduce((sum, job) => sum + bytesOf(job), 0);
    for (const [index, job] of ended.entries()) {
      const left = ended.length - index;
      if (left === 1 || (left <= limits.kept && bytes <= limits.keptBytes)) return;
      jobs.delete(job.id);
      bytes -= bytesOf(job);
    }
  };
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      current = job;
      tellPlaces();
      await job.run();
      current = undefined;
      forget();
    }
  };
  const add = (todo: Work<Progress, Picture>): Job => {
    const job: Job = new QueuedJob(todo);
    jobs.set(job.id, job);
    if (closed) {
      job.cancel();
      return job;
    }
    waiting.push(job);
    if (current) tellPlaces();
    else turn = work();
    return job;
  };
  const cancel = (job: Job) => {
    job.cancel();
    const index = waiting.indexOf(job);
    if (index < 0) return;
    waiting.splice(index, 1);
    tellPlaces();
    forget();
  };
  return {
    get: (id) => jobs.get(id),
    reserve() {
      // The one that runs waits no longer.
      if (closed || uploading + waiting.length >= limits.waiting + (current ? 0 : 1)) return undefined;
      uploading++;
      let open = true;
      const leave = () => {
        if (open) uploading--;
        open = false;
      };
      return {
        leave,
        take: (todo) => {
          leave();
          return add(todo);
        },
      };
    },
    cancel,
    async close() {
      closed = true;
      for (const job of [...waiting]) cancel(job);
      current?.cancel();
      await turn;
    },
  };
}
