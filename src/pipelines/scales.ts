import { FauveError } from '../errors.js';
import { fitLongerSide } from '../image/resize.js';
import type { StylizeOptions } from './options.js';

/** One size that the optimisation works at. */
export interface Scale {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  /** Name of the network that is used here, where it is another one: that of `polish`. */
  readonly network?: string;
}

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Shorter side of the smallest coarse size. From noise, or without a content, the broad structure has to come from it; below 96 pixels the
 * deepest layers have hardly a value left. A photo has its broad structure, and at 512 pixels the preconditioner moves broad areas as fast as half the
 * size would: the same loss in fewer steps, measured.
 */
const SMALLEST_SIDE = { nothing: 96, picture: 300 } as const;

type ScheduleOptions = Pick<StylizeOptions, 'scales' | 'steps' | 'coarseSteps' | 'init' | 'contentWeight'>;

/**
 * The size that was asked for: `512` is the longer side, `800x600` both; either may enlarge.
 * `auto` is decided by the memory and has to be resolved before.
 */
export function outputSize(content: Size, size: StylizeOptions['size']): Size {
  if (typeof size === 'number') return fitLongerSide(content.width, content.height, size);
  if (size === 'original') return { width: content.width, height: content.height };
  const exact = /^(\d+)x(\d+)$/.exec(size);
  if (!exact) throw new FauveError('usage', `A size is 512, 800x600, auto or original, received '${size}'.`);
  return { width: Number(exact[1]), height: Number(exact[2]) };
}

/**
 * From coarse to fine: each size is half of the next; the last one is the output's. Sizes that are too small are left out.
 * @param leastSide what the deepest layer needs
 * @param options `steps` at the full size, `coarseSteps` at each of the others; whether it starts from a picture that it keeps to
 */
export function scaleSchedule(
  { width, height }: Size,
  { scales, steps, coarseSteps, init, contentWeight }: ScheduleOptions,
  leastSide = 1,
): Scale[] {
  const smallest = SMALLEST_SIDE[init === 'noise' || contentWeight === 0 ? 'nothing' : 'picture'];
  const schedule: Scale[] = [{ width, height, steps }];
  for (let factor = 2; schedule.length < scales; factor *= 2) {
    const coarse = { width: Math.round(width / factor), height: Math.round(height / factor), steps: coarseSteps };
    if (Math.min(coarse.width, coarse.height) < Math.max(smallest, leastSide)) break;
    schedule.unshift(coarse);
  }
  return schedule;
}
