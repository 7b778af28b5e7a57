import { FauveError } from '../errors.js';

/** A job was stopped and left something behind: nothing that was made is lost. */
export class JobAborted<Result = unknown> extends FauveError {
  constructor(
    /** What there is so far; nothing of a job that shows nothing before its end. */
    readonly result: Result | undefined,
    /** The file to go on from, if the kind can. */
    readonly checkpoint: Uint8Array | undefined,
    /** Steps that are done. */
    readonly steps: number,
    options?: ErrorOptions,
  ) {
    super('aborted', `Stopped after step ${steps}.`, options);
  }
}
