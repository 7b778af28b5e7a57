import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A picture that can be read when it is needed. Only crops are asked for: the platform makes them without decoding more than it has to. */
export interface PictureSource {
  readonly name: string;
  /** Pixels of the upright picture, and what its colours are stored as. */
  size(): Promise<PictureSize>;
  /** A part of it, brought to the given size: [3,height,width], sRGB in [0,1]. */
  crop(part: Part, width: number, height: number): Promise<Float32Array>;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly colours: 'rgb' | 'grey' | 'cmyk';
}

/** A part of a picture, in its pixels. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Left and right change places. */
  readonly mirrored: boolean;
}

/** Pixels around a crop: above and to the left of it, and below and to the right. */
export interface Surroundings {
  readonly before: number;
  readonly after: number;
}

const none: Surroundings = { before: 0, after: 0 };

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
): Part {
  const shorter = Math.min(width, height);
  const least = Math.min(size, shorter);
  const side = Math.round(least + random() * (shorter - least));
  const left = Math.floor(random() * (width - side + 1));
  const top = Math.floor(random() * (height - side + 1));
  return { left, top, width: side, height: side, mirrored: random() < 0.5 };
}

/**
 * A random square of a random picture, as so many pixels, and so many more of what lies around it: [3,n,n]. Where the picture ends, it
 * is mirrored.
 */
export async function cropOf(
  from: readonly PictureSource[],
  size: number,
  random: Random,
  around: Surroundings = none,
): Promise<Float32Array> {
  const picture = pick(from, random);
  const whole = await picture.size();
  const { left, top, width: side, mirrored } = randomSquare(whole, size, random);
  const n = size + around.before + around.after;
  const across = mirrored ? { before: around.after, after: around.before } : around;
  const x = spanOf(left, side / size, whole.width, n, across);
  const y = spanOf(top, side / size, whole.height, n, around);
  const part = { left: x.from, top: y.from, width: x.length, height: y.length, mirrored };
  const seen = await picture.crop(part, x.pixels, y.pixels);
  if (x.pixels === n && y.pixels === n) return seen;
  const first = mirrored ? n - x.first - x.pixels : x.first;
  const crop = new Float32Array(3 * n * n);
  const columns = Int32Array.from({ length: n }, (_, i) => folded(i - first, x.pixels));
  for (let plane = 0, at = 0; plane < 3; plane++) {
    for (let row = 0; row < n; row++) {
      const start = (plane * y.pixels + folded(row - y.first, y.pixels)) * x.pixels;
      for (let i = 0; i < n; i++) crop[at++] = seen[start + columns[i]!]!;
    }
  }
  return crop;
}

/**
 * What there is of a square and its surroundings in one direction: from where on and how much of the picture, and which of the n pixels
 * that makes.
 */
function spanOf(start: number, scale: number, end: number, n: number, { before, after }: Surroundings) {
  const side = n - before - after;
  const from = Math.max(0, Math.round(start - before * scale));
  const to = Math.min(end, Math.round(start + (side + after) * scale));
  const first = Math.max(0, Math.round(before - (start - from) / scale));
  const last = Math.min(n, Math.round(before + (to - start) / scale));
  return { from, length: to - from, first, pixels: last - first };
}

/** The place of a pixel in a row whose ends are mirrors; the last pixel is not seen twice. */
function folded(i: number, length: number): number {
  const inside = Math.abs(i);
  return inside < length ? inside : Math.max(0, 2 * (length - 1) - inside);
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
