import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createImage } from '#src/image/image.js';
import { noiseImage } from '#src/image/noise.js';
import { quantise } from '#src/image/quantise.js';
import { fitLongerSide, resizeImage, resizePlanes } from '#src/image/resize.js';

const side = fc.integer({ min: 1, max: 64 });
const RUNS = { seed: 7, numRuns: 150 };

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe('resizePlanes', () => {
  it('keeps a constant exactly, from any size to any size', () => {
    const value = fc.float({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(side, side, side, side, value, (height, width, newHeight, newWidth, constant) => {
        const plane = new Float32Array(height * width).fill(constant);
        const resized = resizePlanes(plane, 1, height, width, newHeight, newWidth);
        expect(resized.length).toBe(newHeight * newWidth);
        expect(resized.every((v) => v === plane[0] || (v === 0 && plane[0] === 0))).toBe(true);
      }),
      RUNS,
    );
  });

  it('keeps each channel to itself', () => {
    fc.assert(
      fc.property(side, side, side, side, (height, width, newHeight, newWidth) => {
        const planes = noiseImage(width, height, 3).data;
        const together = resizePlanes(planes, 3, height, width, newHeight, newWidth);
        for (let channel = 0; channel < 3; channel++) {
          const alone = planes.slice(channel * height * width, (channel + 1) * height * width);
          const part = together.slice(channel * newHeight * newWidth, (channel + 1) * newHeight * newWidth);
          expect(resizePlanes(alone, 1, height, width, newHeight, newWidth)).toEqual(part);
        }
      }),
      { seed: 8, numRuns: 40 },
    );
  });

  it('treats left and right, and top and bottom, alike', () => {
    fc.assert(
      fc.property(side, side, side, side, (height, width, newHeight, newWidth) => {
        const plane = noiseImage(width, height, 5).data.subarray(0, width * height);
        const forwards = resizePlanes(plane.slice(), 1, height, width, newHeight, newWidth);
        const backwards = resizePlanes(plane.slice().reverse(), 1, height, width, newHeight, newWidth).reverse();
        forwards.forEach((value, i) => {
          expect(Math.abs(value - backwards[i]!)).toBeLessThan(1e-6);
        });
      }),
      { seed: 9, numRuns: 40 },
    );
  });

  it('gives the same values in a new array at the same size', () => {
    const { data } = noiseImage(7, 5, 1);
    const copy = resizePlanes(data, 3, 5, 7, 5, 7);
    expect(copy).toEqual(data);
    expect(copy).not.toBe(data);
  });

  it.each([
    [40, 100],
    [40, 57],
    [100, 40],
    [99, 31],
  ])('puts a straight ramp of %i pixels where it belongs on %i', (from, to) => {
    // Pixel i covers the stretch from i to i + 1, so its centre is at i + 1/2.
    const ramp = Float32Array.from({ length: from }, (_, x) => (x + 0.5) / from);
    const resized = resizePlanes(ramp, 1, 1, from, 1, to);
    const border = Math.ceil((2 * Math.max(1, from / to) + 1) * (to / from));
    for (let x = border; x < to - border; x++) expect(resized[x]).toBeCloseTo((x + 0.5) / to, from > to ? 3 : 6);
  });

  it('agrees with Pillow away from the border, where Pillow cuts the kernel off instead', () => {
    // Pillow 9.4: Image.fromarray(row, mode='F').resize((9, 1), Image.BICUBIC), for the row below.
    const pillow = [0.53013849, 0.44029891, 0.36601156, 0.65562868, 0.54105306];
    const row = Float32Array.from({ length: 24 }, (_, i) => ((7 * i) % 11) / 10);
    const resized = resizePlanes(row, 1, 1, 24, 1, 9);
    pillow.forEach((value, i) => {
      expect(resized[i + 2]).toBeCloseTo(value, 6);
    });
  });

  it('keeps the mean when shrinking', () => {
    const { data } = noiseImage(96, 60, 2);
    expect(mean(resizePlanes(data, 3, 60, 96, 20, 32))).toBeCloseTo(mean(data), 2);
  });

  it('averages away detail finer than the new grid', () => {
    // Stripes one pixel wide: taking every third pixel would give stripes three pixels wide again.
    const stripes = Float32Array.from({ length: 120 * 3 }, (_, i) => i % 2);
    const resized = resizePlanes(stripes, 1, 3, 120, 3, 40);
    for (const value of resized.slice(2, 38)) expect(Math.abs(value - 0.5)).toBeLessThan(0.05);
  });

  it('does not clamp: an optimiser has values of any size', () => {
    const resized = resizePlanes(Float32Array.of(-5, 20, -5, 20), 1, 2, 2, 2, 2);
    expect([...resized]).toEqual([-5, 20, -5, 20]);
    expect(Math.max(...resizePlanes(Float32Array.of(-5, 20, 20, -5), 1, 1, 4, 1, 8))).toBeGreaterThan(20);
  });

  it('refuses sizes that do not fit the data', () => {
    expect(() => resizePlanes(new Float32Array(5), 1, 2, 3, 1, 1)).toThrow(/6 values, received 5/);
    expect(() => resizePlanes(new Float32Array(6), 1, 2, 3, 0, 1)).toThrow(/at least 1, received 1×2×3 → 0×1/);
    expect(() => resizePlanes(new Float32Array(6), 1, 2, 3, 1.5, 1)).toThrow(/integers/);
  });
});

describe('resizeImage', () => {
  it('stays in [0,1], where the kernel overshoots', () => {
    const edge = createImage(
      4,
      1,
      Float32Array.from({ length: 12 }, (_, i) => (i % 4 < 2 ? 0 : 1)),
    );
    const { data } = resizeImage(edge, 16, 1);
    expect(Math.min(...data)).toBe(0);
    expect(Math.max(...data)).toBe(1);
  });

  it('does not let the colour of invisible pixels bleed', () => {
    // Left half red and opaque, right half green and invisible.
    const [width, height] = [16, 8];
    const left = (i: number) => i % width < width / 2;
    const red = Float32Array.from({ length: width * height }, (_, i) => (left(i) ? 1 : 0));
    const data = new Float32Array(3 * width * height);
    data.set(red, 0);
    data.set(
      red.map((r) => 1 - r),
      width * height,
    );
    for (const [w, h] of [
      [5, 3],
      [37, 20],
    ] as const) {
      const { data: out, alpha } = resizeImage(createImage(width, height, data, red), w, h);
      const visible = [...alpha!.keys()].filter((i) => alpha![i]! > 0.01);
      expect(visible.length).toBeGreaterThan(0.4 * w * h);
      for (const i of visible) {
        expect(out[i]).toBeCloseTo(1, 5);
        expect(out[w * h + i]).toBeCloseTo(0, 5);
      }
      expect(Math.min(...alpha!)).toBe(0);
    }
  });

  it('treats opaque alpha as none', () => {
    const plain = noiseImage(20, 10, 4);
    const opaque = createImage(20, 10, plain.data, new Float32Array(200).fill(1));
    const resized = resizeImage(opaque, 7, 9);
    expect(resized.data).toEqual(resizeImage(plain, 7, 9).data);
    expect(resized.alpha!.every((a) => a === 1)).toBe(true);
  });
});

describe('fitLongerSide', () => {
  it('makes the longer side what is asked for, keeps the aspect and never vanishes', () => {
    const size = fc.integer({ min: 1, max: 20000 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 4096 }), (width, height, longer) => {
        const fitted = fitLongerSide(width, height, longer);
        expect(Math.max(fitted.width, fitted.height)).toBe(longer);
        expect(Math.min(fitted.width, fitted.height)).toBeGreaterThanOrEqual(1);
        const exact = (Math.min(width, height) * longer) / Math.max(width, height);
        expect(Math.abs(Math.min(fitted.width, fitted.height) - Math.max(1, exact))).toBeLessThanOrEqual(0.5);
      }),
      RUNS,
    );
    expect(fitLongerSide(451, 300, 512)).toEqual({ width: 512, height: 341 });
  });
});

describe('noiseImage', () => {
  it('is the same for a seed and another for the next one', () => {
    expect(noiseImage(20, 10, 42)).toEqual(noiseImage(20, 10, 42));
    const [a, b] = [noiseImage(100, 100, 42).data, noiseImage(100, 100, 43).data];
    const correlation = mean(a.map((value, i) => (value - 0.5) * (b[i]! - 0.5))) / 0.145 ** 2;
    expect(Math.abs(correlation)).toBeLessThan(0.03);
  });

  it('lies around mid-grey in [0,1], with a standard deviation of 0.145', () => {
    const { data } = noiseImage(200, 200, 1);
    expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(mean(data)).toBeCloseTo(0.5, 2);
    expect(Math.sqrt(mean(data.map((value) => (value - 0.5) ** 2)))).toBeCloseTo(0.145, 2);
  });

  it('refuses sizes that are no picture', () => {
    expect(() => noiseImage(-3, 5, 1)).toThrow(/at least 1 pixel, received -3×5/);
  });
});

describe('quantise', () => {
  it('rounds to the nearest of 256 levels, clamps, and changes nothing the second time', () => {
    const image = createImage(2, 1, Float32Array.of(-0.2, 0.1, 0.499, 0.501, 0.9999, 1.4), Float32Array.of(0.3, 1));
    const once = quantise(image);
    expect([...once.data].map((value) => value * 255)).toEqual(
      [0, 26, 127, 128, 255, 255].map((v) => expect.closeTo(v, 4)),
    );
    expect(once.alpha![0]! * 255).toBeCloseTo(77, 4);
    expect(quantise(once)).toEqual(once);
  });
});
