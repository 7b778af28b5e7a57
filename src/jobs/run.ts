import type { JobHost } from './host.js';
import type { JobControl, JobKind } from './kind.js';
import { type JobKindName, jobKinds } from './kinds.js';
import { type JobSpec, type JobSpecOf, parseSpec } from './spec.js';

type Kinds = typeof jobKinds;

/** What is decided about a job. */
export type JobPlan<Name extends JobKindName> = Awaited<ReturnType<Kinds[Name]['plan']>>;

/** What a job gives. */
export type JobResult<Name extends JobKindName> = Awaited<ReturnType<Kinds[Name]['run']>>;

/** What happens during a job. */
export type JobEvent<Name extends JobKindName = JobKindName> = Parameters<
  NonNullable<JobControlOf<Name>['onEvent']>
>[0];

/** What a face gives beside the spec of a job of this kind. */
export type JobControlOf<Name extends JobKindName> = NonNullable<Parameters<Kinds[Name]['run']>[1]>;

/** A job that was planned: all that can be refused was refused. */
export interface PlannedJob<Name extends JobKindName> {
  readonly plan: JobPlan<Name>;
  /** @throws FauveError; `JobAborted` when the signal fires and there is something to keep */
  run(control?: Omit<JobControlOf<Name>, 'resume'>): Promise<JobResult<Name>>;
}

/** The kinds differ in their types, which belong together by their name alone. */
const kindOf = (name: JobKindName) => jobKinds[name] as unknown as JobKind<never, unknown, unknown, unknown>;

/**
 * Finds what is wrong with a job without reading a picture or starting an engine.
 * @throws FauveError
 */
export async function checkJob(spec: JobSpec, host: JobHost): Promise<void> {
  const complete = parseSpec(spec);
  await kindOf(complete.kind).check(complete as never, host);
}

/** Reads what a job needs, and decides everything about it. @throws FauveError */
export async function planJob<Name extends JobKindName>(
  spec: JobSpecOf<Name>,
  host: JobHost,
  control: JobControlOf<Name> = {},
): Promise<PlannedJob<Name>> {
  const complete = parseSpec(spec);
  const kind = kindOf(complete.kind);
  await kind.check(complete as never, host);
  const plan = await kind.plan(complete as never, host, control as JobControl<unknown>);
  return {
    plan: plan as JobPlan<Name>,
    run: (late = control) => kind.run(plan, late as JobControl<unknown>) as Promise<JobResult<Name>>,
  };
}

/**
 * Does a job: on the command line, in a page, on a server it is the same.
 * @example
 * ```ts
 * import { runJob } from 'fauve';
 * import { createNodeHost, savePicture } from 'fauve/node';
 *
 * await using host = createNodeHost();
 * const spec = {
 *   kind: 'stylize',
 *   content: { path: 'photo.jpg' },
 *   styles: [{ shipped: 'starry-night' }, { path: 'painting.jpg', weight: 0.5 }],
 *   options: { size: 128, steps: 5 },
 * };
 * await savePicture('out.png', await runJob(spec, host));
 * ```
 * @throws FauveError before the work starts, for all that can be checked by then; `JobAborted` when the signal fires and there is
 *   something to keep
 */
export async function runJob<Name extends JobKindName>(
  spec: JobSpecOf<Name>,
  host: JobHost,
  control: JobControlOf<Name> = {},
): Promise<JobResult<Name>> {
  const { run } = await planJob(spec, host, control);
  return run(control);
}
