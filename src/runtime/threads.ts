import { FauveError } from '../errors.js';

/**
 * More threads than cores wait for each other: hundreds of them take minutes for what two do in a second.
 * @throws FauveError `usage`
 */
export function requireThreads(threads: number | undefined, cores: number): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= cores)) return;
  const expected = `a whole number from 1 to ${cores} (this machine has ${cores} ${cores === 1 ? 'core' : 'cores'})`;
  throw new FauveError(
    { kind: 'option', name: 'threads', expected, received: String(threads) },
    `The option threads: expected ${expected}; received ${threads}. Leave it out to use all of them.`,
  );
}
