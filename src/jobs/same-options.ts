import { optionText } from '../checks/option-specs.js';
import { respelled } from '../checks/spellings.js';
import { FauveError } from '../errors.js';

/** The options that a spec names, each as it is resolved. */
export function namedOptions(options: object, resolve: (options: object) => object): Readonly<Record<string, unknown>> {
  const resolved = resolve(options) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.keys(respelled(options)).map((name) => [name, resolved[name]]));
}

/**
 * Makes sure that the options beside a checkpoint are those of the interrupted job.
 * @param given those that the spec names, resolved
 * @param interrupted the checkpoint's
 * @throws FauveError `usage` that names the option and both values
 */
export function requireSameOptions(given: Readonly<Record<string, unknown>>, interrupted: object): void {
  for (const [name, value] of Object.entries(given)) {
    const before = (interrupted as Readonly<Record<string, unknown>>)[name];
    if (!isSame(value, before)) throw otherOption(name, before, value);
  }
}

/** An option that is not the interrupted job's. */
export function otherOption(name: string, before: unknown, received: unknown): FauveError {
  const [was, is] = [optionText(before), optionText(received)];
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
