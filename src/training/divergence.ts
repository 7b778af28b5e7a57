import type { TrainingRecord } from './task.js';

/** Steps over which the loss is smoothed, and how many times that it may be before it counts as divergence. */
const SMOOTHING = 50;
const DIVERGED = 5;
/** Steps in a row that are this high: a single hard photo, an even sky for instance, is not the network's fault. */
const PATIENCE = 4;

/** @param history of the steps before */
export function diverged(total: number, history: readonly TrainingRecord[]): boolean {
  if (!Number.isFinite(total)) return true;
  if (history.length < SMOOTHING + PATIENCE - 1) return false;
  const usual = mean(history.slice(1 - SMOOTHING - PATIENCE, 1 - PATIENCE));
  const newest = history.slice(1 - PATIENCE).map((record) => record.total);
  return Math.min(total, ...newest) > DIVERGED * usual;
}

/**
 * Whether the loss may be on its way up: in a few steps it will be known what that is.
 * @param history with the step itself
 */
export function isRising(total: number, history: readonly TrainingRecord[]): boolean {
  return !(total < 2 * mean(history.slice(-SMOOTHING)));
}

const mean = (records: readonly TrainingRecord[]) =>
  records.reduce((sum, { total }) => sum + total, 0) / records.length;
