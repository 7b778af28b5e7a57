import type { Size } from './size.js';

/** Where a picture lies in a larger one. */
export interface Corner {
  readonly top: number;
  readonly left: number;
}

/**
 * Planes in the middle of larger ones, with their mirror image around them, again and again where there is more room than picture.
 * @param data [C,H,W]
 */
export function mirrorPlanes(data: Float32Array, from: Size, to: Size, { top, left }: Corner): Float32Array {
  if (from.width === to.width && from.height === to.height) return data;
  const planes = data.length / (from.width * from.height);
  const out = new Float32Array(planes * to.width * to.height);
  const columns = Int32Array.from({ length: to.width }, (_, x) => mirrored(x - left, from.width));
  for (let row = 0; row < planes * to.height; row++) {
    const y = mirrored((row % to.height) - top, from.height);
    const source = (Math.floor(row / to.height) * from.height + y) * from.width;
    for (let x = 0; x < to.width; x++) out[row * to.width + x] = data[source + columns[x]!]!;
  }
  return out;
}

/** A part of planes. @param data [C,H,W] */
export function cropPlanes(data: Float32Array, from: Size, to: Size, { top, left }: Corner): Float32Array {
  if (from.width === to.width && from.height === to.height) return data;
  const planes = data.length / (from.width * from.height);
  const out = new Float32Array(planes * to.width * to.height);
  for (let row = 0; row < planes * to.height; row++) {
    const y = top + (row % to.height);
    const start = (Math.floor(row / to.height) * from.height + y) * from.width + left;
    out.set(data.subarray(start, start + to.width), row * to.width);
  }
  return out;
}

/** The channels of each pixel together. @param data [C,H,W] @returns [H,W,C] */
export function interleaved(data: Float32Array, channels: number): Float32Array {
  const pixels = data.length / channels;
  const out = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < pixels; i++) out[i * channels + channel] = data[channel * pixels + i]!;
  }
  return out;
}

/** The inverse of {@link interleaved}. @param data [H,W,C] @returns [C,H,W] */
export function planar(data: Float32Array, channels: number): Float32Array {
  // The same exchange of two axes.
  return interleaved(data, data.length / channels);
}

/** A place outside 0…n−1 by reflection at the first and the last pixel, which are not repeated. */
function mirrored(at: number, n: number): number {
  if (n === 1) return 0;
  const period = 2 * (n - 1);
  const i = ((at % period) + period) % period;
  return i < n ? i : period - i;
}
