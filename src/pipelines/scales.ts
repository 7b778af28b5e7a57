import { aSize, objectWith } from '../checks/checks.js';
import { received } from '../checks/received.js';
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

/** Sizes of `scales: 'auto'`, where they are large enough. */
const AUTO_SCALES = 2;

type ScheduleOptions = Pick<StylizeOptions, 'scales' | 'steps' | 'coarseSteps' | 'init' | 'contentWeight'>;

const aPictureSize = objectWith({ width: aSize, height: aSize }, 'an object with width, height');

/**
 * The size that was asked for: `512` is the longer side, `800x600` both; either may enlarge.
 * `auto` is decided by the memory and has to be resolved before.
 */
export function outputSize(content: Size, size: StylizeOptions['size']): Size {
  aPictureSize(content, 'outputSize, content');
  if (typeof size === 'number' && size > 0) return fitLongerSide(content.width, content.height, size);
  if (size === 'original') return { width: content.width, height: content.height };
  const exact = /^(\d+)x(\d+)$/.exec(String(size));
  if (!exact) throw new FauveError('usage', `A size is 512, 800x600, auto or original, received ${received(size)}.`);
  return { width: Number(exact[1]), height: Number(exact[2]) };
}

/** Longer side of a size. */
export const longerSide = ({ width, height }: Size): number => Math.max(width, height);

/** Shorter side of a size. */
export const shorterSide = ({ width, height }: Size): number => Math.min(width, height);

/** The picture whose shape a size has: the content, where its longer side gives just this size, or else the size itself. */
export function shapeOf(size: Size, content: Size): Size {
  const fitted = fitLongerSide(content.width, content.height, longerSide(size));
  return fitted.width === size.width && fitted.height === size.height ? content : size;
}

/** A size as the option takes it and keeps the shape: the longer side, or both where the shape is not the content's. */
export function sizeText(size: Size, content: Size): string {
  return shapeOf(size, content) === content ? String(longerSide(size)) : `${size.width}x${size.height}`;
}

/** The smallest size of a shape that is as asked. @returns `undefined` where none is up to {@link mostSide} */
export function smallestSize(shape: Size, isEnough: (size: Size) => boolean): Size | undefined {
  const sized = (side: number) => fitLongerSide(shape.width, shape.height, side);
  let [low, high] = [0, mostSide];
  if (!isEnough(sized(high))) return undefined;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(sized(middle))) high = middle;
    else low = middle;
  }
  return sized(high);
}

/** The longest side that the option `size` takes. */
export const mostSide = 16384;

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
