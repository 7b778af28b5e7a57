import { FauveError } from '../errors.js';

/**
 * @param before fingerprint of the run that a checkpoint is of, if there is one
 * @param problem a sentence that says of what other run it is, and one that says what to do
 * @throws FauveError `input` when that is another run
 */
export function requireSameRun(before: string | undefined, now: string, problem: string): void {
  if (before !== undefined && before !== now) throw new FauveError('checkpoint', problem);
}
