import shipped from 'virtual:shipped';
import { computed, signal } from '@preact/signals';
import type { LossTerm, StylizeOptionsInput } from 'fauve';
import type { DeviceName, Mix, OwnStyleFact, PhotoFact, ResultFact, StyleChoice } from '../worker/api.js';
import type { DeviceFact } from './devices.js';

/** One step of a run, as the charts draw it. */
export interface StepRecord {
  readonly step: number;
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** The losses of a run. */
export interface LossHistory {
  readonly terms: readonly LossTerm[];
  readonly records: readonly StepRecord[];
}

/** A picture that was made in this session. */
export interface Result extends ResultFact {
  /** Counted from 1. */
  readonly number: number;
  /** Titles of its styles. */
  readonly styles: string;
  readonly history: LossHistory;
}

/** What is being computed. */
export interface Run {
  readonly kind: 'instant' | 'paint' | 'export' | 'lab';
  readonly phase: 'loading' | 'running' | 'paused' | 'stopping';
  /** What is happening, in words. */
  readonly status: string;
  /** From 0 to 1; nothing where it cannot be said. */
  readonly share?: number;
}

/** What is being used as style, with its title and what it looks like. */
export interface ChosenStyle {
  readonly choice: StyleChoice;
  readonly title: string;
}

export const fullMix: Mix = { strength: 1, luminance: 1, colour: 1 };

export const devices = signal<readonly DeviceFact[]>([]);
export const photo = signal<PhotoFact | undefined>(undefined);
export const ownStyles = signal<readonly OwnStyleFact[]>([]);
export const choices = signal<readonly StyleChoice[]>([{ kind: 'shipped', name: 'starry-night', weight: 1 }]);
export const mixing = signal(false);
export const device = signal<DeviceName>('wasm');
/** Options of Paint that differ from their defaults. */
export const paintOptions = signal<StylizeOptionsInput>({});
export const run = signal<Run | undefined>(undefined);
export const results = signal<readonly Result[]>([]);
/** Place in `results` of the one that is shown; −1 for none. */
export const shownAt = signal(-1);
export const mix = signal<Mix>(fullMix);
/** What is on the canvas beside the photo: a picture in the making, or the mixed result. */
export const picture = signal<ImageBitmap | undefined>(undefined);
/** The losses of the run that is going on. */
export const liveHistory = signal<LossHistory | undefined>(undefined);
/** What is being loaded before anything needs it, in words. */
export const ahead = signal<string | undefined>(undefined);
export const labOpen = signal(false);
export const keysOpen = signal(false);
/** Whether keys without Ctrl or Alt do something: they are in the way of some who speak to their computer. */
export const singleKeys = signal(true);
export const cameraOpen = signal(false);
export const comparing = signal(true);
/** Share of the stage that shows the photo, from the left. */
export const split = signal(0.5);

/** What went wrong, and what to know: a sentence each, until it is closed. */
export const problem = signal<string | undefined>(undefined);
export const notice = signal<string | undefined>(undefined);
/** What a screen reader is told. */
export const announcement = signal('');

export const shownResult = computed(() => results.value[shownAt.value]);
export const busy = computed(() => run.value !== undefined);
export const shownHistory = computed(() => liveHistory.value ?? shownResult.value?.history);

const cards = new Map(shipped.styles.map((style) => [style.name, style]));

export const chosenStyles = computed<readonly ChosenStyle[]>(() =>
  choices.value.map((choice) => ({ choice, title: titleOf(choice) })),
);

export function titleOf(choice: StyleChoice): string {
  if (choice.kind === 'shipped') return cards.get(choice.name)?.title ?? choice.name;
  return ownStyles.value.find(({ id }) => id === choice.id)?.name ?? '';
}

/** Styles that the instant network does not know. */
export const notInstant = computed(() =>
  chosenStyles.value.filter(({ choice }) => choice.kind === 'own' || !shipped.instantStyles.includes(choice.name)),
);

/** Whether two choices are the same style, whatever their shares. */
export function sameStyle(a: StyleChoice, b: StyleChoice): boolean {
  return a.kind === 'shipped' ? b.kind === 'shipped' && a.name === b.name : b.kind === 'own' && a.id === b.id;
}
