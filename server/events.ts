/** Where a job stands, as the page is told. */
export type ProgressData =
  | {
      readonly waiting: true;
      /** Jobs before this one. */
      readonly ahead: number;
    }
  | {
      /** Counted from 1 over all scales; 0 before the first. */
      readonly step: number;
      /** Steps of all scales. */
      readonly steps: number;
      /** Size of the picture at this step: of the scale that is worked at. */
      readonly width: number;
      readonly height: number;
      /** Total loss, Σ weight · term. Absent before the first step, and of `instant`. */
      readonly loss?: number;
      /** Term → its value before it is weighted, as in the library's `StylizeStep`. */
      readonly terms?: Readonly<Record<string, number>>;
      /** Since the start. */
      readonly seconds: number;
    };

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
  | { readonly type: 'failed'; readonly data: { readonly message: string } }
  | { readonly type: 'cancelled'; readonly data: Record<string, never> };

/** The events after which nothing comes. */
export type EndEvent = Extract<JobEvent, { type: 'done' | 'failed' | 'cancelled' }>;

/** Where the newest picture of a job is, relative to the page. The step makes each picture's address its own. */
export function pictureUrl(id: string, step: number): string {
  return `api/jobs/${id}/picture?step=${step}`;
}
