import { FauveError, type Reason } from 'fauve';
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
  if (error instanceof FauveError) return problemOfReason(error.reason, message);
  // What a browser throws where an array does not fit.
  return error instanceof RangeError ? { kind: 'memory', message: '' } : { kind: 'other', message };
}

/** @param message what the library said; the page has sentences of its own for what its controls can do something about */
export function problemOfReason(reason: Reason, message: string): Problem {
  switch (reason.kind) {
    case 'aborted':
      return { kind: 'stopped', message };
    case 'device-lost':
      return { kind: 'device-lost', message };
    case 'no-device':
      return { kind: 'no-webgpu', message };
    case 'download':
    case 'installation':
      return { kind: 'download', message };
    case 'out-of-memory':
      return { kind: 'memory', message: '' };
    case 'memory': {
      const sides = reason.largest?.split('x').map(Number);
      return { kind: 'memory', message: sides ? String(Math.max(...sides)) : '' };
    }
    default:
      return { kind: 'other', message };
  }
}
