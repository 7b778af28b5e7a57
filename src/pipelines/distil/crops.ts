import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { createImage, type Image } from '../../image/image.js';
import { resizeImage } from '../../image/resize.js';

/** A picture that can be read when it is needed. */
export interface PictureSource {
  readonly name: string;
  read(): Promise<Image>;
}

/** Uniform in [0,1). */
export type Random = () => number;

/** Random numbers that depend on the seed and on what they are for, and on nothing that was drawn before: a resumed run draws the same. */
export function randomFor(seed: number, ...what: readonly number[]): Random {
  let state = seed >>> 0;
  for (const part of what) state = (Math.imul(state ^ (part + 0x9e3779b9), 0x85ebca6b) + 0xc2b2ae35) >>> 0;
  const generator = xoroshiro128plus(state);
  for (let i = 0; i < 32; i++) generator.next();
  return () => (generator.next() >>> 0) / 2 ** 32;
}

/** One of a list. */
export const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!;

/** A random square of a picture, from `size` pixels to the whole shorter side, brought to `size` × `size`. Half of them are mirrored. */
export function randomCrop(image: Image, size: number, random: Random): Image {
  const shorter = Math.min(image.width, image.height);
  const least = Math.min(size, shorter);
  const side = Math.round(least + random() * (shorter - least));
  const left = Math.floor(random() * (image.width - side + 1));
  const top = Math.floor(random() * (image.height - side + 1));
  const mirror = random() < 0.5;
  const data = new Float32Array(3 * side * side);
  const plane = image.width * image.height;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      const from = c * plane + (top + y) * image.width + left;
      const to = (c * side + y) * side;
      for (let x = 0; x < side; x++) data[to + (mirror ? side - 1 - x : x)] = image.data[from + x]!;
    }
  }
  const resized = resizeImage(createImage(side, side, data), size, size);
  for (let i = 0; i < resized.data.length; i++) resized.data[i] = Math.min(1, Math.max(0, resized.data[i]!));
  return resized;
}

/** Changes of colour and contrast, and noise: what a network has to bear that sees pictures in the making. In place. */
export function distort(data: Float32Array, random: Random): void {
  const plane = data.length / 3;
  const contrast = 0.6 + 0.8 * random();
  const noise = random() < 0.5 ? 0.25 * random() : 0;
  for (let c = 0; c < 3; c++) {
    const gain = contrast * (0.85 + 0.3 * random());
    const shift = 0.5 + 0.3 * (random() - 0.5);
    for (let i = c * plane; i < (c + 1) * plane; i++) {
      const disturbed =
        (data[i]! - 0.5) * gain + shift + (noise > 0 ? noise * (random() + random() + random() - 1.5) * 2 : 0);
      data[i] = Math.min(1, Math.max(0, disturbed));
    }
  }
}
