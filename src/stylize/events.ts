import type { Image } from '../image/image.js';
import type { LossTerm } from '../losses/total.js';
import type { Checkpoint } from './checkpoint.js';
import type { Scale } from './scales.js';

/** What happens while a picture is stylised, in the order in which it happens. */
export type StylizeEvent =
  | {
      readonly type: 'start';
      readonly width: number;
      readonly height: number;
      readonly scales: readonly Scale[];
      /** Steps of all scales. */
      readonly steps: number;
      readonly terms: readonly LossTerm[];
      readonly engine: string;
      readonly device: string;
      /** Bytes that the run is predicted to take at most. */
      readonly memory: number;
    }
  | ({ readonly type: 'scale'; readonly index: number } & Scale)
  | StylizeStep
  | {
      /** Something that the user should know: the optimiser rolled back, or found nothing more to do. */
      readonly type: 'notice';
      readonly message: string;
    };

export interface StylizeStep {
  readonly type: 'step';
  /** Counted from 1 over all scales. */
  readonly step: number;
  readonly scale: number;
  /** Total loss, Σ weight · term. */
  readonly loss: number;
  /** Term → its value before it is weighted. */
  readonly terms: Readonly<Record<string, number>>;
  /** Since the start, pauses between sessions not counted. */
  readonly seconds: number;
  /** The picture as it is now, at the size of the scale, finished as the result would be. Valid until the next step. */
  readonly image: () => Promise<Image>;
  /** All that is needed to go on from here. Valid until the next step. */
  readonly checkpoint: () => Promise<Checkpoint>;
}

/** Listens to a run. When it returns a promise the run waits for it. */
export type OnProgress = (event: StylizeEvent) => void | Promise<void>;
