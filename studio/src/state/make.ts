import { batch } from '@preact/signals';
import { proxy } from 'comlink';
import { texts } from '../texts.js';
import type { ResultFact, RunEvent } from '../worker/api.js';
import { requestedOptions } from './controls.js';
import {
  ahead,
  announcement,
  busy,
  choices,
  chosenStyles,
  comparing,
  device,
  fullMix,
  type LossHistory,
  liveHistory,
  mix,
  notInstant,
  notice,
  photo,
  picture,
  problem,
  type Result,
  type Run,
  results,
  run,
  shownAt,
  shownResult,
} from './session.js';
import { answered, worker } from './worker.js';

/** Results that are kept; older ones are forgotten. */
const MOST_RESULTS = 24;

/** Why a picture cannot be made now, in words. */
export function obstacle(kind: 'instant' | 'paint'): string | undefined {
  if (!photo.value) return texts.make.noPhoto;
  if (choices.value.length === 0) return texts.make.noStyle;
  if (kind === 'paint' || notInstant.value.length === 0) return undefined;
  const own = notInstant.value.some(({ choice }) => choice.kind === 'own');
  return own ? texts.make.notInstantOwn : texts.make.notInstant(notInstant.value.map(({ title }) => title).join(', '));
}

export async function makeInstant(): Promise<void> {
  if (busy.value || obstacle('instant')) return;
  begin('instant');
  finish(await answered(worker().instant({ device: device.value, styles: choices.value, options: {} }, proxy(follow))));
}

export async function makePaint(): Promise<void> {
  if (busy.value || obstacle('paint')) return;
  begin('paint');
  finish(
    await answered(
      worker().paint({ device: device.value, styles: choices.value, options: requestedOptions() }, proxy(follow)),
    ),
  );
}

/** Runs a job that is not a picture of the stage, with its progress. */
export async function withRun<T>(kind: 'export' | 'lab', job: () => Promise<T>): Promise<T | undefined> {
  if (busy.value) return undefined;
  problem.value = undefined;
  run.value = { kind, phase: 'loading', status: texts.progress.starting };
  try {
    return await job();
  } finally {
    run.value = undefined;
  }
}

export function pause(): void {
  if (run.value?.kind !== 'paint' || run.value.phase !== 'running') return;
  update({ phase: 'paused', status: texts.progress.paused });
  void worker().pause();
}

export function resume(): void {
  if (run.value?.phase !== 'paused') return;
  update({ phase: 'running' });
  void worker().resume();
}

export function stop(): void {
  if (!run.value || run.value.phase === 'stopping') return;
  update({ phase: 'stopping', status: texts.make.stopping });
  void worker().stop();
}

function begin(kind: 'instant' | 'paint'): void {
  batch(() => {
    problem.value = undefined;
    notice.value = undefined;
    liveHistory.value = undefined;
    ahead.value = undefined;
    run.value = { kind, phase: 'loading', status: texts.progress.starting };
    started = { steps: 0 };
    unseen = [];
    announcement.value = texts.progress.starting;
  });
}

/** Loads ahead what the first picture needs, and says so. */
export async function prepare(): Promise<void> {
  const tell = (event: RunEvent) => {
    if (event.type === 'loading' && !busy.value) ahead.value = loadingText(event);
  };
  await worker().prepare(device.value, proxy(tell));
  ahead.value = undefined;
}

const loadingText = ({ what, loaded, total }: Extract<RunEvent, { type: 'loading' }>) =>
  texts.progress.loading(texts.progress.files[what] ?? what, loaded, total);

type StepEvent = Extract<RunEvent, { type: 'step' }>;

/** The run that is going on: how many steps it has. */
let started = { steps: 0 };

/** What a run tells becomes what is seen. */
export function follow(event: RunEvent): void {
  switch (event.type) {
    case 'loading': {
      const share = event.total > 0 ? { share: event.loaded / event.total } : {};
      update({ status: loadingText(event), ...share });
      break;
    }
    case 'start': {
      started = { steps: event.steps };
      if (run.value?.kind === 'paint') liveHistory.value = { terms: event.terms, records: [] };
      const status = event.steps > 0 ? texts.progress.step(0, event.steps) : texts.progress.instant;
      update({ phase: 'running', status });
      break;
    }
    case 'step':
      followStep(event);
      break;
    case 'picture':
      picture.value = event.bitmap;
      break;
    case 'notice':
      notice.value = event.message;
      break;
  }
}

/** Milliseconds from one sight of the steps to the next: each one is drawn, and that takes its time from the work. */
const PACE = 200;

/** Steps that are not seen yet. */
let unseen: StepEvent[] = [];
let seenAt = 0;

function followStep(event: StepEvent): void {
  unseen.push(event);
  const now = performance.now();
  if (now - seenAt < PACE) return;
  seenAt = now;
  batch(showSteps);
}

function showSteps(): void {
  const newest = unseen.at(-1);
  if (!newest) return;
  if (liveHistory.value && run.value?.kind === 'paint') {
    const records = unseen.map(({ step, loss, terms }) => ({ step, loss, terms }));
    liveHistory.value = { ...liveHistory.value, records: [...liveHistory.value.records, ...records] };
  }
  const { steps } = started;
  const mark = Math.max(10, Math.ceil(steps / 5));
  // Often enough to know that it goes on, seldom enough to be listened to.
  const told = unseen.find(({ step }) => step % mark === 0);
  unseen = [];
  if (run.value?.phase !== 'running') return;
  const { step, loss, seconds } = newest;
  const rate = step / Math.max(seconds, 1e-3);
  const parts = [texts.progress.step(step, steps), texts.progress.loss(loss), texts.progress.rate(rate)];
  if (step > 3) parts.push(texts.progress.left((steps - step) / rate));
  update({ status: parts.join(' · '), share: step / Math.max(1, steps) });
  if (told) announcement.value = texts.progress.step(told.step, steps);
}

function update(change: Partial<Run>): void {
  if (!run.value) return;
  // Once it is being stopped, what was on its way still arrives.
  if (run.value.phase === 'stopping' && change.phase !== 'stopping') return;
  const { share: _, ...before } = run.value;
  run.value = change.status === undefined ? { ...run.value, ...change } : { ...before, ...change };
}

function finish(made: ResultFact | undefined): void {
  batch(() => {
    showSteps();
    const kind = run.value?.kind;
    run.value = undefined;
    if (!made) {
      liveHistory.value = undefined;
      picture.value = shownResult.value?.bitmap;
      mix.value = fullMix;
      return;
    }
    const history: LossHistory = liveHistory.value ?? { terms: [], records: [] };
    const number = (results.value.at(-1)?.number ?? 0) + 1;
    const styles = chosenStyles.value.map(({ title }) => title).join(', ');
    const result: Result = { ...made, number, styles, history };
    const kept = [...results.value, result];
    for (const { id } of kept.slice(0, -MOST_RESULTS)) void worker().forget(id);
    results.value = kept.slice(-MOST_RESULTS);
    shownAt.value = results.value.length - 1;
    liveHistory.value = undefined;
    picture.value = made.bitmap;
    mix.value = fullMix;
    comparing.value = true;
    announcement.value = made.stopped
      ? texts.progress.stopped(made.steps ?? 0)
      : texts.progress.done(kind === 'instant' ? texts.result.instant : texts.result.paint, made.seconds);
  });
}
