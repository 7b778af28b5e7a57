/** The kind of an object as the language names it, also for one of another window or context: `Uint8Array`, `Map`, `Object`. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

export const isPromise = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** Longest text that an error repeats: what is longer may be the content of a file. */
const LONGEST_TEXT = 60;
const MOST_KEYS = 5;

/** Letters that would break the line of an error, or reorder it. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** A value in a few words, for the end of an error: never a whole text, never the content of a file. */
export function received(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (isPromise(value)) return 'a Promise';
  if (Array.isArray(value)) return list(value);
  if (tagOf(value) === 'ArrayBuffer') return `an ArrayBuffer of ${(value as ArrayBuffer).byteLength} bytes`;
  if (ArrayBuffer.isView(value)) return view(value);
  const name: unknown = value.constructor?.name;
  if (typeof name === 'string' && name !== 'Object' && name !== '') return withArticle(shortName(name));
  const keys = Object.keys(value)
    .slice(0, MOST_KEYS + 1)
    .map(shortName);
  if (keys.length === 0) return 'an empty object';
  const more = keys.length > MOST_KEYS ? ', …' : '';
  return `an object with ${keys.slice(0, MOST_KEYS).join(', ')}${more}`;
}

/** A name out of a request, printable; of a long one only how long it is. */
export function shortName(name: string): string {
  if (name.length > LONGEST_TEXT) return `… of ${name.length} characters`;
  return name.replace(new RegExp(unprintable, 'gu'), '?');
}

function quoted(text: string): string {
  return text.length > LONGEST_TEXT || unprintable.test(text)
    ? `a text of ${text.length} characters`
    : JSON.stringify(text);
}

function list(values: readonly unknown[]): string {
  if (values.length === 0) return 'an empty array';
  if (values.length <= 4 && values.every((value) => typeof value === 'number')) return `[${values.join(', ')}]`;
  return `an array of ${values.length}`;
}

function view(value: ArrayBufferView): string {
  const name = withArticle(value.constructor?.name || tagOf(value));
  return tagOf(value) === 'Uint8Array' || !('length' in value)
    ? `${name} of ${value.byteLength} bytes`
    : `${name} of ${value.length} values`;
}

function withArticle(name: string): string {
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
}
