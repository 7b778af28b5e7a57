import { FauveError, type Reason } from 'fauve';

/** What a page is told of an error: a sentence, and as data what it can act on. */
export interface Refusal {
  readonly message: string;
  readonly reason?: Reason;
}

/** @param log is told of an error that nobody expected; the page gets none of it */
export function refusalOf(error: unknown, log: (error: unknown) => void): Refusal {
  if (error instanceof FauveError) return { message: error.message, reason: error.reason };
  log(error);
  return { message: 'Something went wrong that nobody expected. The terminal where fauve studio runs says more.' };
}
