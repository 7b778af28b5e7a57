import type { z } from 'zod';
import { FauveError } from '../errors.js';
import { suggestion } from './checks.js';
import { alike } from './names.js';
import { received, shortName } from './received.js';

/**
 * What is wrong with options, of which a schema says the first problem.
 * @param names all options
 * @param of whose options they are: ` of training`
 */
export function optionProblem(error: z.ZodError, given: unknown, names: readonly string[], of = ''): FauveError {
  const issue = error.issues[0]!;
  const name = issue.path.join('.');
  if (issue.code === 'unrecognized_keys' && name === '') {
    const [key = ''] = issue.keys;
    return new FauveError(
      { kind: 'unknown-option', name: key, alike: alike(key, names) },
      `There is no option '${shortName(key)}'${of}. ${suggestion(key, names)}`,
    );
  }
  const value = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    given,
  );
  const what = name ? `The option ${shortName(name)}` : `The options${of}`;
  const [expected, text] = [expectation(issue), received(value)];
  return new FauveError(
    { kind: 'option', name, expected, received: text },
    `${what}: expected ${expected}; received ${text}.`,
  );
}

/** What a value should have been, in words. */
function expectation(issue: z.core.$ZodIssue): string {
  // The schema's own words.
  if (issue.message.startsWith('expected ')) return issue.message.slice('expected '.length);
  // It takes values of several kinds, and text in a form of its own.
  if (/^invalid_(union|format)$/.test(issue.code)) {
    if (issue.path[0] === 'size') return '512, 800x600, auto or original';
    if (issue.path[0] === 'scales') return 'a whole number from 1 to 8, or auto';
  }
  switch (issue.code) {
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'invalid_key':
      return 'layers that are named as relu4_2';
    case 'invalid_type':
      return issue.expected === 'int'
        ? 'a whole number'
        : `${/^[aeio]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    default:
      return issue.message;
  }
}
