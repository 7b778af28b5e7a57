import { checkImage, createImage, type Image } from './image.js';

/**
 * A value in [0,1] as a whole level of a file: 255 is the top of 8 bits, 65535 of 16. Values outside are clamped.
 */
export function toLevel(value: number, top: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * top);
}

/** The picture as it comes back from a lossless 8-bit file: what is shown, and so what is to be scored. Alpha likewise. */
export function quantise(image: Image): Image {
  checkImage(image, 'quantise, image');
  const eightBit = (values: Float32Array) => values.map((value) => toLevel(value, 255) / 255);
  return createImage(image.width, image.height, eightBit(image.data), image.alpha && eightBit(image.alpha));
}
