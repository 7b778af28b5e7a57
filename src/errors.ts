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

/** A sentence, after another, with the known name that is nearest; nothing where none is alike. */
export function perhaps(name: string, known: readonly string[]): string {
  const [nearest] = alike(name, known);
  return nearest === undefined ? '' : ` Perhaps you mean ${nearest}.`;
}

/** Names for which another may be a slip, the nearest first: a few letters differ, or one is a part of the other. */
export function alike(name: string, known: readonly string[]): string[] {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const a = letters(name);
  const found = known.flatMap((each) => {
    const b = letters(each);
    const distance = editDistance(a, b);
    const isPart = a.length >= 3 && (b.includes(a) || a.includes(b));
    return isPart || distance <= Math.max(1, Math.floor(b.length / 4)) ? [{ each, distance }] : [];
  });
  return found.sort((x, y) => x.distance - y.distance).map(({ each }) => each);
}

/** Letters that are to be put in, left out or replaced (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
