import type { z } from 'zod';
import { anObject } from '../checks/checks.js';
import type { JobHost } from './host.js';

/** Something that the user should know. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly message: string;
}

/** What a face gives beside the spec. */
export interface JobControl<Event> {
  /** Ends the job: after the step that is being computed, if it has steps. */
  readonly signal?: AbortSignal | undefined;
  /** Listens to it. When it returns a promise the job waits for it. */
  readonly onEvent?: ((event: Event | NoticeEvent) => void | Promise<void>) | undefined;
  /** Goes on from this checkpoint: the file of an interrupted job of the same kind. */
  readonly resume?: JobCheckpoint | undefined;
}

/** A checkpoint as a file. */
export interface JobCheckpoint {
  readonly bytes: Uint8Array;
  /** How errors name it. */
  readonly name: string;
}

/**
 * A kind of job: what it takes, what is decided before it begins, how it is done. `plan` and `run` are apart so that a face can show
 * or refuse a plan; whatever needs a picture or an engine is in neither `schema` nor `check`.
 */
export interface JobKind<Schema extends z.ZodType, Plan, Result, Event> {
  /** Of the spec: plain data. */
  readonly schema: Schema;
  /** What can be found wrong without reading a picture or starting an engine. @throws FauveError */
  check(spec: z.output<Schema>, host: JobHost): Promise<void>;
  /** Reads what the job needs, and decides everything. @throws FauveError */
  plan(spec: z.output<Schema>, host: JobHost, control: JobControl<Event>): Promise<Plan>;
  /** @throws FauveError; `JobAborted` when the signal fires and there is something to keep */
  run(plan: Plan, control: JobControl<Event>): Promise<Result>;
}

/** An event as plain JSON data: without what it can be asked for (the picture so far, a checkpoint). */
export function plainEvent<Event extends { readonly type: string }>(event: Event): Plain<Event> {
  anObject(event, 'plainEvent');
  return Object.fromEntries(Object.entries(event).filter(([, value]) => typeof value !== 'function')) as Plain<Event>;
}

/** Without its functions. */
export type Plain<Event> = Event extends unknown
  ? { readonly [Key in keyof Event as Event[Key] extends (...args: never[]) => unknown ? never : Key]: Event[Key] }
  : never;
