import { describe, expect, it } from 'vitest';
import { colourStatistics, keepLuminance, luminance, luminanceImage, matchColours } from '#src/image/colour.js';
import { createImage, type Image } from '#src/image/image.js';
import { noiseImage } from '#src/image/noise.js';

/** Every pixel of `image` through an affine map of its colour. */
function recolour(
  image: Image,
  rows: readonly (readonly [number, number, number])[],
  offset: readonly number[],
): Image {
  const size = image.width * image.height;
  const data = image.data.map((_, i) => {
    const [channel, pixel] = [Math.floor(i / size), i % size];
    return offset[channel]! + rows[channel]!.reduce((sum, w, c) => sum + w * (image.data[c * size + pixel]! - 0.5), 0);
  });
  return createImage(image.width, image.height, data);
}

const solid = (r: number, g: number, b: number, size = 4) =>
  createImage(
    size,
    1,
    Float32Array.from({ length: 3 * size }, (_, i) => [r, g, b][Math.floor(i / size)]!),
  );

/** Two pictures whose colours lie apart and spread apart, both well inside [0,1]. */
const warm = recolour(
  noiseImage(60, 40, 1),
  [
    [0.5, 0.1, 0],
    [0.1, 0.4, 0.1],
    [0, 0.1, 0.3],
  ],
  [0.6, 0.5, 0.45],
);
const cool = recolour(
  noiseImage(30, 50, 2),
  [
    [0.2, 0, 0],
    [0.05, 0.4, 0],
    [0.1, 0.2, 0.4],
  ],
  [0.4, 0.45, 0.5],
);

describe('luminance', () => {
  it('is that of BT.601', () => {
    expect(luminance(solid(1, 1, 1))[0]).toBeCloseTo(1, 6);
    expect(luminance(solid(1, 0, 0))[0]).toBeCloseTo(0.299, 6);
    expect(luminance(solid(0, 1, 0))[0]).toBeCloseTo(0.587, 6);
    expect(luminance(solid(0, 0, 1))[0]).toBeCloseTo(0.114, 6);
  });

  it('is all that is left of a luminance image', () => {
    const grey = luminanceImage(warm);
    const size = grey.width * grey.height;
    expect(grey.data.subarray(0, size)).toEqual(grey.data.subarray(2 * size));
    luminance(grey).forEach((y, i) => {
      expect(y).toBeCloseTo(luminance(warm)[i]!, 6);
    });
  });
});

describe('keepLuminance', () => {
  /** R − Y and B − Y of a pixel, to which Cr and Cb are proportional. */
  const chroma = (image: Image, i: number) => {
    const size = image.width * image.height;
    const y = luminance(image)[i]!;
    return [image.data[i]! - y, image.data[2 * size + i]! - y] as const;
  };

  it('has the luminance of the one and the chroma of the other, where that is a colour', () => {
    const content = recolour(
      noiseImage(30, 20, 3),
      [
        [0.2, 0, 0],
        [0, 0.2, 0],
        [0, 0, 0.2],
      ],
      [0.5, 0.5, 0.5],
    );
    const generated = recolour(
      noiseImage(30, 20, 4),
      [
        [0.4, 0, 0],
        [0, 0.4, 0],
        [0, 0, 0.4],
      ],
      [0.5, 0.5, 0.5],
    );
    const result = keepLuminance(content, generated);
    const wanted = luminance(generated);
    luminance(result).forEach((y, i) => {
      expect(y).toBeCloseTo(wanted[i]!, 6);
      const [red, blue] = chroma(result, i);
      expect(red).toBeCloseTo(chroma(content, i)[0], 6);
      expect(blue).toBeCloseTo(chroma(content, i)[1], 6);
    });
  });

  it('keeps luminance and hue, and gives up saturation, where it is none', () => {
    const result = keepLuminance(solid(1, 0.1, 0), solid(0.9, 0.9, 0.9));
    expect(luminance(result)[0]).toBeCloseTo(0.9, 6);
    expect(Math.max(...result.data)).toBeCloseTo(1, 6);
    const [[red, blue], [fullRed, fullBlue]] = [chroma(result, 0), chroma(solid(1, 0.1, 0), 0)];
    expect(red / blue).toBeCloseTo(fullRed / fullBlue, 4);
    expect(red / fullRed).toBeGreaterThan(0.05);
    expect(red / fullRed).toBeLessThan(0.5);
  });

  it('stays in [0,1] and keeps the luminance of any two pictures, black and white included', () => {
    const saturated = createImage(40, 40, noiseImage(40, 40, 5).data.map(Math.round));
    const extreme = createImage(
      40,
      40,
      noiseImage(40, 40, 6).data.map((v) => Math.min(1, Math.max(0, 9 * v - 4))),
    );
    const result = keepLuminance(saturated, extreme);
    expect(result.data.every((v) => v >= 0 && v <= 1)).toBe(true);
    const wanted = luminance(extreme);
    luminance(result).forEach((y, i) => {
      expect(Math.abs(y - wanted[i]!)).toBeLessThan(1e-6);
    });
    expect([...keepLuminance(solid(0.9, 0.1, 0.4), solid(0, 0, 0)).data]).toEqual(Array(12).fill(0));
    for (const v of keepLuminance(solid(0.9, 0.1, 0.4), solid(1, 1, 1)).data) expect(v).toBeCloseTo(1, 6);
  });

  it('changes nothing when both are the same picture', () => {
    keepLuminance(warm, warm).data.forEach((v, i) => {
      expect(v).toBeCloseTo(warm.data[i]!, 6);
    });
  });

  it('keeps alpha and refuses two sizes', () => {
    const alpha = Float32Array.of(0, 0.5, 1, 1);
    const shaped = createImage(4, 1, solid(1, 0, 0).data, alpha);
    expect(keepLuminance(shaped, solid(0.5, 0.5, 0.5)).alpha).toEqual(alpha);
    expect(keepLuminance(solid(0.5, 0.5, 0.5), shaped).alpha).toEqual(alpha);
    expect(() => keepLuminance(warm, cool)).toThrow(/content is 60×40, the generated image 30×50/);
  });
});

describe('matchColours', () => {
  it.each([
    ['warm', 'cool', warm, cool],
    ['cool', 'warm', cool, warm],
  ])('gives the %s picture the mean and the covariance of the %s one', (_a, _b, style, content) => {
    const [got, wanted] = [colourStatistics(matchColours(style, content)), colourStatistics(content)];
    for (let row = 0; row < 3; row++) {
      expect(Math.abs(got.mean[row]! - wanted.mean[row]!)).toBeLessThan(1e-3);
      for (let column = 0; column < 3; column++) {
        const difference = got.covariance.get(row, column) - wanted.covariance.get(row, column);
        expect(Math.abs(difference)).toBeLessThan(1e-5);
      }
    }
    expect(Math.abs(colourStatistics(style).covariance.get(0, 0) - wanted.covariance.get(0, 0))).toBeGreaterThan(3e-4);
  });

  it('changes nothing when both are the same picture', () => {
    matchColours(warm, warm).data.forEach((v, i) => {
      expect(v).toBeCloseTo(warm.data[i]!, 5);
    });
  });

  it('makes a style grey for a grey content, and does not blow up the noise of a grey style', () => {
    const grey = matchColours(warm, luminanceImage(cool));
    const size = grey.width * grey.height;
    for (let i = 0; i < size; i++) expect(Math.abs(grey.data[i]! - grey.data[size + i]!)).toBeLessThan(1e-6);

    const noise = noiseImage(60, 40, 8).data.map((v) => (v - 0.5) / 255);
    const nearlyGrey = createImage(
      60,
      40,
      luminanceImage(warm).data.map((v, i) => v + noise[i]!),
    );
    const vivid = recolour(
      noiseImage(30, 50, 2),
      [
        [0.6, 0, 0],
        [0, 0.6, 0],
        [0, 0, 0.6],
      ],
      [0.5, 0.5, 0.5],
    );
    const { covariance } = colourStatistics(matchColours(nearlyGrey, vivid));
    const ofDifference = covariance.get(0, 0) + covariance.get(1, 1) - 2 * covariance.get(0, 1);
    const wanted = colourStatistics(vivid).covariance;
    expect(Math.sqrt(ofDifference)).toBeLessThan(0.1 * Math.sqrt(wanted.get(0, 0) + wanted.get(1, 1)));
  });

  it('matches luminances, when both are grey', () => {
    const [style, content] = [luminanceImage(warm), luminanceImage(cool)];
    const [got, wanted] = [colourStatistics(matchColours(style, content)), colourStatistics(content)];
    expect(got.mean[1]).toBeCloseTo(wanted.mean[1], 5);
    expect(got.covariance.get(1, 1)).toBeCloseTo(wanted.covariance.get(1, 1), 5);
  });

  it('takes a single colour for what it is', () => {
    for (const [i, v] of matchColours(warm, solid(0.2, 0.4, 0.6)).data.entries()) {
      expect(v).toBeCloseTo([0.2, 0.4, 0.6][Math.floor(i / 2400)]!, 6);
    }
    const fromSolid = matchColours(solid(0.2, 0.4, 0.6), warm);
    expect(fromSolid.data.every((v) => v >= 0 && v <= 1)).toBe(true);
    expect(fromSolid.data[0]).toBeCloseTo(colourStatistics(warm).mean[0], 5);
  });

  it('does not count what is invisible', () => {
    const half = Float32Array.of(1, 1, 0, 0);
    const data = Float32Array.of(0.2, 0.4, 1, 1, 0.2, 0.4, 0, 0, 0.2, 0.4, 0, 0);
    expect(colourStatistics(createImage(4, 1, data, half)).mean[0]).toBeCloseTo(0.3, 6);
    expect(colourStatistics(createImage(4, 1, data, half)).covariance.get(0, 0)).toBeCloseTo(0.01, 6);
    expect(colourStatistics(createImage(4, 1, data, new Float32Array(4))).mean[0]).toBeCloseTo(0.65, 6);
  });
});
