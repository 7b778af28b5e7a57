import { isRecord, refuse } from '../checks/checks.js';
import { received } from '../checks/received.js';
import { FauveError } from '../errors.js';
import { checkImage, createImage, type Image } from './image.js';

/** A part of a picture in pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A part of a picture, with its alpha. @throws FauveError `input` when it is not inside
 * @example
 * ```ts
 * import { cropImage } from 'fauve';
 * import { readImage } from 'fauve/node';
 *
 * const corner = cropImage(await readImage('photo.jpg'), { left: 0, top: 0, width: 32, height: 16 });
 * console.log(corner.width, corner.height); // 32 16
 * ```
 */
export function cropImage(image: Image, part: Rectangle): Image {
  checkImage(image, 'cropImage, image');
  if (!isRecord(part)) refuse('cropImage, part', 'an object with left, top, width, height', part);
  const { left, top, width, height } = part;
  const inside = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (!inside || ![left, top, width, height].every(Number.isInteger)) {
    throw new FauveError(
      'input',
      `A part of ${width}×${height} at ${left}, ${top} is not inside the picture of ${image.width}×${image.height}.`,
    );
  }
  const planes = (values: Float32Array, count: number) => {
    const kept = new Float32Array(count * width * height);
    for (let row = 0; row < count * height; row++) {
      const [plane, y] = [Math.floor(row / height), row % height];
      const start = (plane * image.height + top + y) * image.width + left;
      kept.set(values.subarray(start, start + width), row * width);
    }
    return kept;
  };
  return createImage(width, height, planes(image.data, 3), image.alpha && planes(image.alpha, 1));
}

/**
 * The picture without a strip at its bottom, where catalogues put their marks.
 * @param share of the height, 0 to less than 1
 * @throws FauveError `usage` for another share
 */
export function cropBottom(image: Image, share: number): Image {
  checkImage(image, 'cropBottom, image');
  if (!(share >= 0 && share < 1)) {
    throw new FauveError('request', `What is cropped is a share from 0 to less than 1, received ${received(share)}.`);
  }
  const height = Math.max(1, Math.round(image.height * (1 - share)));
  return cropImage(image, { left: 0, top: 0, width: image.width, height });
}
