import type { QueueEvent } from 'fauve';
import type { Refusal } from './sentences.js';

/** Where a job stands while it runs. */
export interface StepProgress {
  /** Counted from 1 over all scales; 0 before the first. */
  readonly step: number;
  /** Steps of all scales. */
  readonly steps: number;
  /** Size of the picture at this step: of the scale that is worked at. */
  readonly width: number;
  readonly height: number;
  /** Total loss, Σ weight · term. Absent before the first step, and of `apply`. */
  readonly loss?: number;
  /** Term → its value before it is weighted, as in the library's `StylizeStep`. */
  readonly terms?: Readonly<Record<string, number>>;
  /** Since the start. */
  readonly seconds: number;
}

/** Where a job stands, as the page is told. `ahead`: jobs before this one. */
export type ProgressData = { readonly waiting: true; readonly ahead: number } | StepProgress;

/** A PNG file of a job, and the step after which the picture was like this. */
export interface JobPicture {
  readonly step: number;
  readonly png: Uint8Array;
  /** Of the file. */
  readonly bytes: number;
  /** Of the finished one. */
  readonly finished?: { readonly width: number; readonly height: number; readonly seconds: number };
}

/** What happens to a job, as server-sent events: `type` is the event, `data` its JSON. */
export type JobEvent =
  | { readonly type: 'progress'; readonly data: ProgressData }
  /** There is a newer picture; the address is relative to the page. */
  | { readonly type: 'picture'; readonly data: { readonly url: string } }
  | {
      readonly type: 'done';
      readonly data: {
        readonly url: string;
        readonly width: number;
        readonly height: number;
        readonly seconds: number;
      };
    }
  | { readonly type: 'failed'; readonly data: Refusal }
  | { readonly type: 'cancelled'; readonly data: Record<string, never> };

/**
 * An event of the queue as the page is told.
 * @param failure what the page is told of anything that a job threw
 */
export function jobEvent(
  id: string,
  event: QueueEvent<StepProgress, JobPicture>,
  failure: (error: unknown) => Refusal,
): JobEvent {
  // The step makes each picture's address its own.
  const url = ({ step }: JobPicture) => `api/jobs/${id}/picture?step=${step}`;
  switch (event.type) {
    case 'waiting':
      return { type: 'progress', data: { waiting: true, ahead: event.ahead } };
    case 'progress':
      return event;
    case 'picture':
      return { type: 'picture', data: { url: url(event.picture) } };
    case 'done':
      return { type: 'done', data: { url: url(event.picture), ...event.picture.finished! } };
    case 'failed':
      return { type: 'failed', data: failure(event.error) };
    case 'cancelled':
      return { type: 'cancelled', data: {} };
  }
}
