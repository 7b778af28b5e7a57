import { FauveError } from 'fauve';
import type { Problem, ProblemKind } from './problems.js';

/** An error that the page has a sentence for. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly kind: ProblemKind,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** What the page is told of anything that was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return { kind: error.kind, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FauveError) {
    if (error.code === 'aborted') return { kind: 'stopped', message };
    if (/graphics card was taken away/.test(message)) return { kind: 'device-lost', message };
    if (/no graphics card/.test(message)) return { kind: 'no-webgpu', message };
    if (/could not be loaded|Check the connection/.test(message)) return { kind: 'download', message };
  }
  // The library's sentence ends with an option of the command line, the server's with its name: the page has controls for it.
  const [, ...sides] = /Use (?:--)?size (\d+)(?:x(\d+))?/.exec(message) ?? [];
  if (sides.length > 0) return { kind: 'memory', message: String(Math.max(...sides.map((side) => Number(side ?? 0)))) };
  if (error instanceof RangeError || /memory|allocat/i.test(message)) return { kind: 'memory', message: '' };
  return { kind: 'other', message };
}
