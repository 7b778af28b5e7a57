import { FauveError } from '../errors.js';
import { isSlip, perhaps } from './names.js';
import { isPromise, received, shortName, tagOf } from './received.js';

/**
 * Makes sure that a value of a request is what it should be.
 * @param name what it is to the caller, at the start of the error: `stylize, content`
 * @throws FauveError `usage`, or `input` for what is of the right kind and cannot be used
 */
export type Check = (value: unknown, name: string) => void;

/** @throws FauveError `usage`: what was expected, what was received, and what helps */
export function refuse(name: string, expected: string, value: unknown, remedy?: string): never {
  throw refusal(name, expected, value, remedy);
}

function refusal(given: string, expected: string, value: unknown, remedy = ''): FauveError {
  // Names of files are not checked, and go in here.
  const name = String(given);
  if (isPromise(value)) return new FauveError('request', `${name} is a Promise: await it. Expected ${expected}.`);
  const help = remedy ? ` ${remedy}` : '';
  return new FauveError('request', `${name}: expected ${expected}; received ${received(value)}.${help}`);
}

/** Whether a value is an object with names and values: no list, no bytes, no promise. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return tagOf(value) === 'Object' && !isPromise(value);
}

/**
 * Checks what a function is called with: that it is an object, has no unknown names, and that each value is what it should be.
 * @param who the function, in errors
 * @param options names that belong into its `options`
 */
export function checkRequest(
  request: unknown,
  who: string,
  fields: Readonly<Record<string, Check>>,
  options: readonly string[] = [],
): void {
  const names = Object.keys(fields);
  if (!isRecord(request)) refuse(who, `an object with ${listed(names)}`, request);
  for (const name of Object.keys(request)) {
    if (Object.hasOwn(fields, name) || request[name] === undefined) continue;
    const help = options.includes(name) ? `It is an option: write options: { ${name}: … }.` : suggestion(name, names);
    throw new FauveError('request', `${who} takes no '${shortName(name)}'. ${help}`);
  }
  for (const [name, check] of Object.entries(fields)) check(request[name], `${who}, ${name}`);
}

export const optional =
  (check: Check): Check =>
  (value, name) => {
    if (value !== undefined) check(value, name);
  };

/** @param remedy what helps who gave something else */
export const listOf =
  (check: Check, what: string, remedy?: string): Check =>
  (value, name) => {
    if (!Array.isArray(value)) refuse(name, `an array of ${what}`, value, remedy);
    for (const [i, each] of value.entries()) check(each, `${name}[${i}]`);
  };

/** An object, of which these values are checked; what else it has is left alone. */
export const objectWith =
  (fields: Readonly<Record<string, Check>>, what: string, remedy?: string): Check =>
  (value, name) => {
    if (!isRecord(value)) refuse(name, what, value, remedy);
    for (const [each, check] of Object.entries(fields)) {
      try {
        check(value[each], `${name}.${each}`);
      } catch (error) {
        // What lacks a value is an object of another kind.
        throw value[each] === undefined ? refusal(name, what, value, remedy) : error;
      }
    }
  };

export const anObject: Check = (value, name) => {
  if (!isRecord(value)) refuse(name, 'an object', value);
};

export const anArray: Check = listOf(() => {}, 'values');

export const oneOf =
  (...choices: readonly string[]): Check =>
  (value, name) => {
    if (!choices.includes(value as string)) refuse(name, choices.join(' or '), value);
  };

export const aText: Check = (value, name) => {
  if (typeof value !== 'string') refuse(name, 'a text', value);
};

/** The name of a file or a folder, or the `file:` URL of one. */
export const aPath: Check = (value, name) => {
  if (typeof value !== 'string' && tagOf(value) !== 'URL') refuse(name, 'the path of a file', value);
};

/** The address of a folder that a page is served from, or a path. */
export const anAddress: Check = (value, name) => {
  if (typeof value !== 'string' && tagOf(value) !== 'URL')
    refuse(name, 'the address of a folder, a text or a URL', value);
};

export const aFunction: Check = (value, name) => {
  if (typeof value !== 'function') refuse(name, 'a function', value);
};

export const aSwitch: Check = (value, name) => {
  if (typeof value !== 'boolean') refuse(name, 'true or false', value);
};

export const aMap: Check = (value, name) => {
  if (tagOf(value) !== 'Map') refuse(name, 'a Map', value);
};

export const floats: Check = (value, name) => {
  if (tagOf(value) !== 'Float32Array') refuse(name, 'a Float32Array', value);
};

export const positive: Check = (value, name) => {
  if (!(typeof value === 'number' && value > 0)) refuse(name, 'a positive number', value);
};

export const wholeFrom =
  (least: number): Check =>
  (value, name) => {
    if (Number.isInteger(value) && (value as number) >= least) return;
    refuse(name, `a whole number of at least ${least}`, value);
  };

export const aSize: Check = wholeFrom(1);

/** A share of a mixture: {@link positive}, and not infinite. */
export const aWeight: Check = (value, name) => {
  if (!(Number.isFinite(value) && (value as number) > 0)) refuse(name, 'a positive number', value);
};

export const aSignal: Check = (value, name) => {
  const { aborted, signal } = (value ?? {}) as { readonly aborted?: unknown; readonly signal?: unknown };
  if (typeof aborted === 'boolean') return;
  refuse(name, 'an AbortSignal', value, signal === undefined ? undefined : 'Give its .signal.');
};

/** Bytes of a file as a Uint8Array, from a Buffer or an ArrayBuffer, too. @throws FauveError `usage` for what else it is */
export function bytesOf(value: unknown, name: string): Uint8Array {
  const tag = tagOf(value);
  if (tag === 'Uint8Array') return value as Uint8Array;
  if (tag === 'ArrayBuffer') return new Uint8Array(value as ArrayBuffer);
  const blob = tag === 'Blob' || tag === 'File' ? 'Give new Uint8Array(await blob.arrayBuffer()).' : '';
  return refuse(name, 'the bytes of a file (Uint8Array or ArrayBuffer)', value, blob);
}

export const isBytes = (value: unknown): boolean => ['Uint8Array', 'ArrayBuffer'].includes(tagOf(value));

export const bytes: Check = (value, name) => void bytesOf(value, name);

/** Letters that the names in an error take at most. */
const LONGEST_LIST = 170;

/** What to say to a name that is not there: those that are alike, or else what there is. */
export function suggestion(name: string, known: readonly string[]): string {
  return perhaps(name, known).trim() || `Use one of ${listed(known)}.`;
}

function listed(names: readonly string[]): string {
  let length = 0;
  const shown = names.filter((each) => {
    length += each.length + 2;
    return length <= LONGEST_LIST;
  });
  return shown.length === names.length
    ? names.join(', ')
    : `${shown.join(', ')} and ${names.length - shown.length} more`;
}

/** Refuses names that are slips for what an object may have; what else it has is the caller's business. */
export function refuseSlips(value: Readonly<Record<string, unknown>>, name: string, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    const meant = known.includes(key) ? undefined : known.find((each) => isSlip(key, each));
    if (meant === undefined) continue;
    throw new FauveError('request', `${name} takes no '${shortName(key)}'. Perhaps you mean ${meant}.`);
  }
}

/** Bytes that a run may take. */
export const aMemoryLimit: Check = optional(positive);

/** @throws FauveError `aborted` when the signal has fired */
export function stopIfAborted(signal: AbortSignal | undefined, message = 'Stopped before the first step.'): void {
  if (signal?.aborted) throw new FauveError('aborted', message);
}
