import { fitLongerSide } from './resize.js';
import type { Size } from './size.js';

/**
 * The largest size of a shape that fits, found by halving; `undefined` where none does.
 * @param longest longer side that it may have, in pixels
 * @param least longer side from which on there is something to find
 * @param tolerance pixels that the answer may be too small
 */
export function largestFit(
  { width, height }: Size,
  longest: number,
  least: number,
  tolerance: number,
  fits: (size: Size) => boolean,
): Size | undefined {
  const sized = (side: number) => fitLongerSide(width, height, side);
  if (fits(sized(longest))) return sized(longest);
  let [low, high] = [least, longest];
  if (low >= high || !fits(sized(low))) return undefined;
  while (high - low > tolerance) {
    const middle = Math.floor((low + high) / 2);
    if (fits(sized(middle))) low = middle;
    else high = middle;
  }
  return sized(low);
}
