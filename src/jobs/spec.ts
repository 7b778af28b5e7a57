import type { z } from 'zod';
import { suggestion } from '../checks/checks.js';
import { received, shortName } from '../checks/received.js';
import { FauveError } from '../errors.js';
import { type JobKindName, jobKinds } from './kinds.js';
import { base64OfBytes } from './reference.js';

/** A job as a person asks for it: plain data, what is left out has its default. */
export type JobSpec = { [Name in JobKindName]: z.input<(typeof jobKinds)[Name]['schema']> }[JobKindName];

/** A job of one kind. */
export type JobSpecOf<Name extends JobKindName> = Extract<JobSpec, { readonly kind: Name }>;

/** The same, complete. */
export type CompleteSpec<Name extends JobKindName = JobKindName> = {
  [N in Name]: z.output<(typeof jobKinds)[N]['schema']>;
}[Name];

/**
 * Checks that something is the spec of a job, and completes it.
 * @example
 * ```ts
 * import { parseSpec } from 'fauve';
 *
 * const text = '{ "kind": "apply", "content": { "path": "photo.jpg" }, "network": { "shipped": "fast" }, "styles": [{ "name": "udnie" }] }';
 * const spec = parseSpec(JSON.parse(text));
 * console.log(spec.styles); // [ { name: 'udnie', weight: 1 } ]
 * ```
 * @throws FauveError `usage` that names the part, what is expected and what was received
 */
export function parseSpec(given: unknown): CompleteSpec {
  const kind = (given as { readonly kind?: unknown } | null | undefined)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(jobKinds, kind)) {
    const kinds = Object.keys(jobKinds);
    throw new FauveError(
      'request',
      `The kind of a job is one of ${kinds.join(', ')}; received ${received(kind)}. ${typeof kind === 'string' ? suggestion(kind, kinds) : ''}`.trimEnd(),
    );
  }
  const parsed = jobKinds[kind as JobKindName].schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw problem(parsed.error, given);
}

/** A spec as JSON text: bytes as base64. */
export function encodeSpec(spec: JobSpec): string {
  return JSON.stringify(spec, base64OfBytes);
}

/** @throws FauveError `usage` for what is no JSON, or not the spec of a job */
export function decodeSpec(text: string): CompleteSpec {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new FauveError('request', `A job is JSON; received ${received(text)}.`, { cause: error });
  }
  return parseSpec(given);
}

function problem(error: z.ZodError, given: unknown): FauveError {
  const issue = deepest(error.issues[0]!);
  const where = issue.path.join('.') || 'the whole';
  if (issue.code === 'unrecognized_keys') {
    const whose = issue.path.length > 0 ? ` in ${where}` : '';
    return new FauveError('request', `The job has no part '${shortName(issue.keys[0]!)}'${whose}. Leave it out.`);
  }
  const value = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | null)?.[key], given);
  return new FauveError(
    'request',
    `The job is not as expected at ${where}: ${issue.message}; received ${received(value)}.`,
  );
}

/** Of a union the problem of the branch that came furthest says most. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepest);
  const [best] = inner.sort((a, b) => b.path.length - a.path.length);
  if (!best || best.path.length === 0) return issue;
  return { ...best, path: [...issue.path, ...best.path] };
}
