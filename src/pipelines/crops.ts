import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A picture that can be read when it is needed. Only crops are asked for: the platform makes them without decoding more than it has to. */
export interface PictureSource {
  readonly name: string;
  /** Pixels of the upright picture, and what its colours are stored as. */
  size(): Promise<PictureSize>;
  /** A square of it, brought to `size` × `size`: [3,size,size], sRGB in [0,1]. */
  crop(square: Square, size: number): Promise<Float32Array>;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly colours: 'rgb' | 'grey' | 'cmyk';
}

/** A part of a picture, in its pixels. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
  readonly mirrored: boolean;
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

/** A random square, with a side from `size` pixels to the whole shorter side. Half of them are mirrored. */
export function randomSquare(
  { width, height }: { readonly width: number; readonly height: number },
  size: number,
  random: Random,
): Square {
  const shorter = Math.min(width, height);
  const least = Math.min(size, shorter);
  const side = Math.round(least + random() * (shorter - least));
  const left = Math.floor(random() * (width - side + 1));
  const top = Math.floor(random() * (height - side + 1));
  return { left, top, side, mirrored: random() < 0.5 };
}

/** A random crop of a random picture, [3,size,size]. */
export async function cropOf(from: readonly PictureSource[], size: number, random: Random): Promise<Float32Array> {
  const picture = pick(from, random);
  return picture.crop(randomSquare(await picture.size(), size, random), size);
}

/** One of a list. */
const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!;

/** Changes of colour and contrast, and noise: what a network has to bear that sees pictures in the making. In place. */
export function distort(data: Float32Array, random: Random): void {
  const plane = data.length / 3;
  const contrast = 0.6 + 0.8 * random();
  const noise = random() < 0.5 ? 0.25 * random() : 0;
  for (let c = 0; c < 3; c++) {
    const gain = contrast * (0.85 + 0.3 * random());
    const shift = 0.5 + 0.3 * (random() - 0.5);
    for (let i = c * plane; i < (c + 1) * plane; i++) {
      const disturbed = (data[i]! - 0.5) * gain + shift + (noise > 0 ? noise * (random() - 0.5) * 3 : 0);
      data[i] = Math.min(1, Math.max(0, disturbed));
    }
  }
}
