import type { Scale } from 'fauve';

/** Steps whose pace says how fast it goes. */
const WINDOW = 20;

/** Steps of the network that comes with Fauve that take as long as one of VGG-19, which `polish` ends with. */
const POLISH_STEP = 2;

/**
 * Estimates the time until the end of a run. A step takes time in proportion to its pixels, which holds well enough from one
 * scale to the next.
 */
export function timeEstimate(scales: readonly Scale[]): (step: number, scale: number, seconds: number) => number {
  const pace: { readonly pixels: number; readonly seconds: number }[] = [];
  const pixelsOf = ({ width, height, network }: Scale) => (network === undefined ? 1 : POLISH_STEP) * width * height;
  let pixels = 0;
  /** Seconds left after a step of a scale that ended at `seconds`; NaN as long as there is nothing to compare with. */
  return (step, scale, seconds) => {
    pixels += pixelsOf(scales[scale]!);
    pace.push({ pixels, seconds });
    if (pace.length > WINDOW) pace.shift();
    const [first, last] = [pace[0]!, pace.at(-1)!];
    if (first === last) return Number.NaN;
    let before = 0;
    let left = 0;
    for (const [index, each] of scales.entries()) {
      const { steps } = each;
      const done = index < scale ? steps : index > scale ? 0 : Math.min(steps, Math.max(0, step - before));
      left += (steps - done) * pixelsOf(each);
      before += index < scale ? steps : 0;
    }
    return (left * (last.seconds - first.seconds)) / (last.pixels - first.pixels);
  };
}

/** `45 s`, `3 min`, `1 h 05 min`. */
export function durationText(seconds: number): string {
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
