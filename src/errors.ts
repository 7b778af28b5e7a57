/** Whose mistake an error is, so that a caller can decide what to do (the command line: exit code and tone). */
export type ErrorCode =
  /** An option, a flag or a combination of them. The command line exits 2. */
  | 'usage'
  /** A file or a value that was handed in: unreadable, truncated, too small, wrong checksum. Exits 1. */
  | 'input'
  /** The machine: disk full, no permission, not enough memory, no such device. Exits 1. */
  | 'system'
  /** The `AbortSignal` fired. The command line exits 130 after Ctrl-C, with 128 and its number after another signal. */
  | 'aborted';

/** Every error that Fauve expects. The message says what, expected, received and a remedy, in one line. */
export class FauveError extends Error {
  override readonly name = 'FauveError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
