import { FauveError } from '../errors.js';

/**
 * Makes sure that the options beside a checkpoint are those of the interrupted job.
 * @param given the options of the spec, resolved: by their names
 * @param interrupted the checkpoint's
 * @throws FauveError `usage` that names the option and both values
 */
export function requireSameOptions(
  given: Readonly<Record<string, unknown>>,
  interrupted: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(given)) {
    if (!isSame(value, interrupted[name])) throw otherOption(name, interrupted[name], value);
  }
}

/** An option that is not the interrupted job's. */
export function otherOption(name: string, before: unknown, received: unknown): FauveError {
  const [was, is] = [textOf(before), textOf(received)];
  return new FauveError(
    { kind: 'other-option', name, before: was, received: is },
    `The option ${name} of the interrupted job is ${was}; received ${is}.`,
  );
}

/** Objects of options are small and hold numbers by their names: their order says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame((a as never)[key], (b as never)[key]));
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.join(',');
  return Object.entries(value)
    .map(([layer, weight]) => (weight === 1 ? layer : `${layer}:${weight}`))
    .join(',');
}
