import { FauveError } from '../errors.js';
import { createImage, type Image } from './image.js';

/**
 * The picture without a strip at its bottom, where catalogues put their marks.
 * @param share of the height, 0 to less than 1
 * @throws FauveError `usage` for another share
 */
export function cropBottom({ width, height, data, alpha }: Image, share: number): Image {
  if (!(share >= 0 && share < 1)) {
    throw new FauveError('usage', `What is cropped is a share from 0 to less than 1, received ${share}.`);
  }
  const rows = Math.max(1, Math.round(height * (1 - share)));
  const planes = (values: Float32Array, count: number) => {
    const kept = new Float32Array(count * width * rows);
    for (let plane = 0; plane < count; plane++) {
      const start = plane * width * height;
      kept.set(values.subarray(start, start + width * rows), plane * width * rows);
    }
    return kept;
  };
  return createImage(width, rows, planes(data, 3), alpha && planes(alpha, 1));
}
