import type { LoopEvent } from '../loop.js';
import type { DistilCheckpoint, DistilRecord, DistilTest } from './checkpoint.js';
import type { DistilOptions } from './options.js';

/** What happens during a run of `distil`. */
export type DistilEvent =
  | { readonly type: 'start'; readonly options: DistilOptions; readonly weights: number; readonly engine: string }
  | { readonly type: 'closed form'; readonly round: number; readonly layer: string; readonly seconds: number }
  /** The student of the closed form restyles pictures for the next one. */
  | { readonly type: 'restyling'; readonly round: number; readonly seconds: number }
  /** Relative errors of the taps after the closed form, or after the heads' last fit. */
  | { readonly type: 'heads'; readonly errors: Readonly<Record<string, number>>; readonly seconds: number }
  | (DistilTest & { readonly type: 'test' })
  | LoopEvent<DistilRecord, DistilCheckpoint>;
