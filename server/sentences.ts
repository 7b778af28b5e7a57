import { FauveError } from 'fauve';

/**
 * What the page is told of an error. The library's remedies name flags of the command line; the page's controls have the same names.
 * @param log is told of an error that nobody expected; the page gets none of it
 */
export function sentenceOf(error: unknown, log: (error: unknown) => void): string {
  if (error instanceof FauveError) return error.message.replace(/(?<=^|\s)--(?=[a-z])/g, '');
  log(error);
  return 'Something went wrong that nobody expected. The terminal where fauve studio runs says more.';
}
