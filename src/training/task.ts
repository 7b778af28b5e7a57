import type { ScheduleShape } from '../optim/schedule.js';
import type { Session, Values } from '../runtime/runtime.js';

/** A run between two steps: all that decides how it goes on. What a task carries beside the session, its own kind of moment adds. */
export interface TrainingMoment {
  /** Steps that are done. */
  readonly step: number;
  /** Halved each time that the run diverged. */
  readonly rateFactor: number;
  /** The session's state by name: weights, moments, averages. */
  readonly state: Values;
}

/** What every step's record has. */
export interface TrainingRecord {
  /** From 1. */
  readonly step: number;
  readonly total: number;
}

/** A step as the loop knows it. */
export interface StepResult {
  readonly step: number;
  readonly total: number;
  /** The learning rate that it took. */
  readonly rate: number;
  /** What the session gave. */
  readonly values: Values;
}

/** A run so far. */
export interface TrainingProgress<Moment, Entry> {
  readonly now: Moment;
  /** Where the run goes back to when it diverges. */
  readonly lastGood: Moment;
  readonly history: readonly Entry[];
}

/**
 * What the training loop needs of a task. The session's graph has the outputs `total` and `gradient norm`; a run is resumed exactly when
 * feeds depend on the step and on what {@link recall} brings back, and on nothing else.
 */
export interface TrainingTask<Moment extends TrainingMoment, Entry extends TrainingRecord, Checkpoint, Result> {
  readonly session: Session;
  /** Outputs that are fetched beside `total` and `gradient norm`. */
  readonly outputs: readonly string[];
  /** Input → output: what the next step finds where this one left it. */
  readonly carry: Readonly<Record<string, string>>;
  /** Names of what a moment keeps of the session. */
  readonly state: readonly string[];
  /** Steps of the whole run, and what one is called in messages. */
  readonly steps: number;
  readonly stepName: string;
  readonly learningRate: number;
  readonly schedule: ScheduleShape;
  /** Where the run begins: at step 0, or where an earlier one was interrupted. */
  readonly begin: TrainingProgress<Moment, Entry>;
  /** Whether what was made before the first step is worth a checkpoint. */
  readonly keepsBegin: boolean;
  /**
   * What a step is fed. The outer part may run while the step before is being computed; the inner one runs after it.
   * @param step from 1
   */
  feeds(step: number): Promise<() => Promise<Values>>;
  /** The optimiser's scalars. */
  scalars(step: number, rate: number): Values;
  /** What a step changes beside the session. A step that diverged is never learnt from. */
  learn?(result: StepResult): Promise<void>;
  record(result: StepResult): Entry;
  /** Adds copies of all that there is beside the session. The state is the moment's own already. */
  remember(moment: TrainingMoment): Moment;
  /** Goes back to a moment, in copies: it may be needed again. */
  recall(moment: Moment): void;
  readonly tests: { due(step: number): boolean; run(step: number): Promise<void> };
  checkpoint(progress: TrainingProgress<Moment, Entry>): Checkpoint;
  /** The error of a run that is aborted with something to keep. */
  stopped(checkpoint: Checkpoint): Error;
  finish(step: number, history: readonly Entry[]): Promise<Result>;
}
