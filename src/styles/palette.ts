import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { createImage, type Image } from '../image/image.js';

type Colour = readonly [number, number, number];

const ROUNDS = 20;
/** Pixels that are looked at, about. */
const SAMPLES = 8000;

/**
 * The colours of a picture by k-means (Lloyd 1982) in sRGB. It starts with the colour nearest to the mean; each further centre is
 * one that is far from those before (Gonzalez 1985), so that accents are found.
 * @returns `#rrggbb`, from the largest share of the picture to the smallest; fewer where there are fewer colours
 */
export function paletteOf({ width, height, data }: Image, count = 6): string[] {
  const size = width * height;
  const random = xoroshiro128plus(1);
  const colourAt = (i: number): Colour => [data[i]!, data[size + i]!, data[2 * size + i]!];
  const samples =
    size <= SAMPLES
      ? Array.from({ length: size }, (_, i) => colourAt(i))
      : Array.from({ length: SAMPLES }, () => colourAt(uniformInt(random, 0, size - 1)));
  let centres: Colour[] = [nearest(samples, mean(samples))];
  while (centres.length < count) {
    // The farthest few are dust and JPEG noise: the colour at the 99.5th percentile is a real one.
    const byDistance = samples
      .map((colour) => ({ colour, distance: Math.min(...centres.map((centre) => squared(colour, centre))) }))
      .sort((a, b) => b.distance - a.distance);
    const next = byDistance[Math.floor(byDistance.length * 0.005)]!;
    if (next.distance < (4 / 255) ** 2) break;
    centres.push(next.colour);
  }
  let groups: Colour[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    groups = centres.map(() => []);
    for (const colour of samples) {
      let best = 0;
      for (let i = 1; i < centres.length; i++) {
        if (squared(colour, centres[i]!) < squared(colour, centres[best]!)) best = i;
      }
      groups[best]!.push(colour);
    }
    centres = groups.map((group, i) => (group.length > 0 ? mean(group) : centres[i]!));
  }
  const order = centres.map((_, i) => i).sort((a, b) => groups[b]!.length - groups[a]!.length);
  return [...new Set(order.map((i) => hexOf(centres[i]!)))];
}

/** The colours as a picture, one pixel each in one row. */
export function paletteImage(palette: readonly string[]): Image {
  const data = new Float32Array(3 * palette.length);
  for (const [i, colour] of palette.entries()) {
    const value = Number.parseInt(colour.slice(1), 16);
    for (let channel = 0; channel < 3; channel++) {
      data[channel * palette.length + i] = ((value >> (16 - 8 * channel)) & 255) / 255;
    }
  }
  return createImage(palette.length, 1, data);
}

function mean(colours: readonly Colour[]): Colour {
  const sum = [0, 0, 0];
  for (const colour of colours) for (let i = 0; i < 3; i++) sum[i]! += colour[i]!;
  return sum.map((value) => value / colours.length) as unknown as Colour;
}

function nearest(colours: readonly Colour[], to: Colour): Colour {
  return colours.reduce((best, colour) => (squared(colour, to) < squared(best, to) ? colour : best));
}

function squared(a: Colour, b: Colour): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

function hexOf(colour: Colour): string {
  return `#${colour
    .map((value) =>
      Math.round(255 * Math.min(1, Math.max(0, value)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}
