import type { LoopEvent } from '../loop.js';
import type { TrainCheckpoint, TrainRecord } from './checkpoint.js';
import type { TrainOptions } from './options.js';
import type { SkippedPhoto } from './photos.js';
import type { TrainTest } from './tester.js';

/** What happens during a run of `train`. */
export type TrainEvent =
  | {
      readonly type: 'start';
      readonly options: TrainOptions;
      /** Weights that are trained. */
      readonly trained: number;
      readonly terms: readonly { readonly name: string; readonly weight: number }[];
      readonly engine: string;
    }
  | (SkippedPhoto & { readonly type: 'skipped' })
  | (TrainTest & { readonly type: 'test' })
  | LoopEvent<TrainRecord, TrainCheckpoint>;
