import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { FauveError } from '../errors.js';
import { createImage, type Image } from './image.js';

/** Steps until seeds that differ in a single bit give states that have nothing in common any more. */
const WARM_UP = 64;

/**
 * Noise to start an optimisation from: independent values around mid-grey (mean 0.5, standard deviation 0.145), each
 * the mean of four uniform bytes. That is close to a normal distribution, stays in [0,1] without clipping, and needs
 * integers only, so that a seed gives the same picture to the last bit on every machine.
 * @param seed an integer; only its low 32 bits count
 * @throws FauveError `input` when a size is not a positive integer
 */
export function noiseImage(width: number, height: number, seed: number): Image {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new FauveError('input', `Noise needs a width and a height of at least 1 pixel, received ${width}×${height}.`);
  }
  const random = xoroshiro128plus(seed);
  for (let i = 0; i < WARM_UP; i++) random.next();
  const data = new Float32Array(3 * width * height);
  for (let i = 0; i < data.length; i++) {
    const bits = random.next();
    data[i] = ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24)) / (4 * 255);
  }
  return createImage(width, height, data);
}
