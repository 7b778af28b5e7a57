import { type Size, shorterSide } from '../image/size.js';
import type { StylizeOptions } from './options.js';

/** One size that the optimisation works at. */
export interface Scale {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  /** Name of the network that is used here, where it is another one: that of `polish`. */
  readonly network?: string;
}

/** Shorter side of the smallest coarse size that is worth its steps: docs/experiments/coarse-to-fine.md. */
const SMALLEST_SIDE = { nothing: 96, picture: 300 } as const;

/** Sizes of `scales: 'auto'`, where they are large enough. */
const AUTO_SCALES = 2;

type ScheduleOptions = Pick<StylizeOptions, 'scales' | 'steps' | 'coarseSteps' | 'init' | 'contentWeight'>;

/**
 * From coarse to fine: each size is half of the next; the last one is the output's. Sizes that are too small are left out: with `auto`
 * those that are not worth it, otherwise only those that cannot be.
 * @param isPossible whether the layers can look at a picture of this size, and at the styles beside it
 * @param options `steps` at the full size, `coarseSteps` at each of the others; whether it starts from a picture that it keeps to
 */
export function scaleSchedule(
  size: Size,
  options: ScheduleOptions,
  isPossible: (size: Size) => boolean = () => true,
): Scale[] {
  const { scales } = options;
  return scales === 'auto'
    ? halved(size, options, AUTO_SCALES, (each) => isWorthIt(each, options) && isPossible(each))
    : halved(size, options, scales, isPossible);
}

/**
 * The options of a run of an earlier Fauve, as they are meant now: it left out what is not worth it, whatever number it was given.
 * @param size of the run
 */
export function earlierScales<T extends ScheduleOptions>(options: T, size: Size): T {
  const { scales } = options;
  if (scales === 'auto' || scales === AUTO_SCALES) return { ...options, scales: 'auto' };
  return { ...options, scales: halved(size, options, scales, (each) => isWorthIt(each, options)).length };
}

function isWorthIt(size: Size, { init, contentWeight }: ScheduleOptions): boolean {
  return shorterSide(size) >= SMALLEST_SIDE[init === 'noise' || contentWeight === 0 ? 'nothing' : 'picture'];
}

function halved(
  { width, height }: Size,
  { steps, coarseSteps }: ScheduleOptions,
  most: number,
  isTaken: (size: Size) => boolean,
): Scale[] {
  const schedule: Scale[] = [{ width, height, steps }];
  for (let factor = 2; schedule.length < most; factor *= 2) {
    const coarse = { width: Math.round(width / factor), height: Math.round(height / factor) };
    if (shorterSide(coarse) < 1 || !isTaken(coarse)) break;
    schedule.unshift({ ...coarse, steps: coarseSteps });
  }
  return schedule;
}
