import { aSize, objectWith } from '../checks/checks.js';
import { received } from '../checks/received.js';
import { FauveError } from '../errors.js';
import { fitLongerSide } from './resize.js';

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const aPictureSize = objectWith({ width: aSize, height: aSize }, 'an object with width, height');

/**
 * The size that was asked for: `512` is the longer side, `800x600` both; either may enlarge.
 * `auto` is decided by the memory and has to be resolved before.
 */
export function outputSize(content: Size, size: number | string): Size {
  aPictureSize(content, 'outputSize, content');
  if (typeof size === 'number' && size > 0) return fitLongerSide(content.width, content.height, size);
  if (size === 'original') return { width: content.width, height: content.height };
  const exact = /^(\d+)x(\d+)$/.exec(String(size));
  if (!exact) throw new FauveError('request', `A size is 512, 800x600, auto or original, received ${received(size)}.`);
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
