import { rm } from 'node:fs/promises';
import { FauveError, JobAborted, type JobControlOf, type JobEvent, type JobResult, type JobSpecOf } from 'fauve';
import { plainEvent, planJob } from 'fauve/jobs';
import { createNodeHost, writeFileAtomically } from 'fauve/node';
import type { EngineFlags } from './engine-flags.js';
import { listenForInterrupt } from './interrupt.js';
import { attempt, keepCheckpoint, writeResult } from './keep.js';
import { checkInterrupted, checkpointPath, readCheckpointFile } from './outputs.js';

type Kind = 'train' | 'distil';

/** An event as JSON: without pictures, which are written as files. */
function told(event: JobEvent<Kind>): unknown {
  if (event.type !== 'test' || !('pictures' in event)) return plainEvent(event);
  return { ...event, pictures: event.pictures.map(({ photo, style }) => ({ photo, style })) };
}

/** A network to train, and who is told. */
export interface TrainingJob<Name extends Kind> extends EngineFlags {
  readonly spec: JobSpecOf<Name>;
  readonly output: string;
  /** Steps from one checkpoint to the next. */
  readonly saveEvery: number;
  readonly overwrite: boolean;
  readonly resume: boolean;
  readonly json: boolean;
  /** What a step is called: `this iteration`. */
  readonly stepName: string;
  readonly reporter: TrainingReporter<Name>;
  /** What a checkpoint says of the run so far. */
  readonly progressOf: (checkpoint: Uint8Array) => Progress<Name>;
}

/** What curves are drawn from. */
export type Progress<Name extends Kind> = Pick<JobResult<Name>, Extract<keyof JobResult<Name>, 'history' | 'tests'>>;

/** Tells and draws what happens. */
export interface TrainingReporter<Name extends Kind> {
  tell(event: JobEvent<Name>): void | Promise<void>;
  say(line: string): void;
  /** Draws the curves so far. */
  draw(progress: Progress<Name>): Promise<void>;
  close(): void;
}

/**
 * Trains a network and writes it, with checkpoints on the way, and a way back after Ctrl-C.
 * @returns what was made
 * @throws FauveError; `aborted` after Ctrl-C or another signal, when a checkpoint is written
 */
export async function runTrainingJob<Name extends Kind>(job: TrainingJob<Name>): Promise<JobResult<Name>> {
  const { spec, output, reporter, json, stepName } = job;
  await checkInterrupted(job);
  const file = checkpointPath(output);
  const notice = (message: string) =>
    json ? process.stdout.write(`${JSON.stringify({ type: 'notice', message })}\n`) : reporter.say(message);
  const interrupt = listenForInterrupt({ after: `this ${stepName}`, say: reporter.say, close: reporter.close });
  await using host = createNodeHost({ engine: { ...job.engine, onNotice: notice }, onNotice: notice });
  const onEvent = async (event: JobEvent<Name>) => {
    if (json) process.stdout.write(`${JSON.stringify(told(event))}\n`);
    await reporter.tell(event);
    if (event.type !== 'step' || event.step % job.saveEvery !== 0) return;
    const state = await event.checkpoint();
    await attempt(async () => {
      await writeFileAtomically(file, state);
      await reporter.draw(job.progressOf(state));
    }, notice);
  };
  try {
    const resume = job.resume ? await readCheckpointFile(output) : undefined;
    const control = { signal: interrupt.signal, resume, onEvent } as JobControlOf<Name>;
    const { run } = await planJob<Name>(spec, host, control);
    const result = await run(control);
    await writeResult(output, result.bytes, { what: 'The network' });
    await reporter.draw(result);
    await rm(file, { force: true });
    return result;
  } catch (error) {
    if (!(error instanceof JobAborted)) throw error;
    const { sentence } = await keepCheckpoint(output, error.checkpoint!);
    await attempt(() => reporter.draw(error.result as Progress<Name>), notice);
    const { message } = error.cause instanceof FauveError ? error.cause : error;
    throw new FauveError('aborted', `${message} ${sentence}`, { cause: error });
  } finally {
    reporter.close();
    interrupt.release();
  }
}
