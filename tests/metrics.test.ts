import { describe, expect, it } from 'vitest';
import { createImage, type Image } from '#src/image/image.js';
import { psnr, ssim } from '#src/image/metrics.js';
import { noiseImage } from '#src/image/noise.js';

function grey(width: number, height: number, value: (x: number, y: number) => number): Image {
  const size = width * height;
  return createImage(
    width,
    height,
    Float32Array.from({ length: 3 * size }, (_, i) => value(i % width, Math.floor((i % size) / width))),
  );
}

const waves = grey(24, 20, (x, y) => 0.5 + 0.4 * Math.sin(0.5 * x) * Math.cos(0.3 * y));
const others = grey(24, 20, (x, y) => 0.5 + 0.3 * Math.sin(0.5 * x + 0.4) * Math.cos(0.3 * y) + 0.05 * Math.cos(2 * x));
const shifted = (image: Image, by: number) =>
  createImage(
    image.width,
    image.height,
    image.data.map((v) => v + by),
  );

describe('psnr', () => {
  it('is infinite for equal pictures and 20 dB for an error of a tenth', () => {
    expect(psnr(waves, waves)).toBe(Number.POSITIVE_INFINITY);
    expect(psnr(waves, shifted(waves, 0.1))).toBeCloseTo(20, 4);
    expect(psnr(waves, shifted(waves, 0.01))).toBeCloseTo(40, 3);
  });

  it('agrees with its definition in NumPy', () => {
    expect(psnr(waves, others)).toBeCloseTo(21.0085785, 5);
  });
});

describe('ssim', () => {
  it('agrees with scikit-image', () => {
    // scikit-image 0.19.3: structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    // data_range=1.0) on the same two formulas.
    expect(ssim(waves, others)).toBeCloseTo(0.84067460069695, 6);
  });

  it('is 1 for equal pictures, symmetric, and low for noise', () => {
    expect(ssim(waves, waves)).toBeCloseTo(1, 10);
    expect(ssim(waves, others)).toBe(ssim(others, waves));
    expect(Math.abs(ssim(noiseImage(64, 64, 1), noiseImage(64, 64, 2)))).toBeLessThan(0.1);
  });

  it('falls with a brightness shift, and further with a larger one', () => {
    const [small, large] = [ssim(waves, shifted(waves, 28 / 255)), ssim(waves, shifted(waves, 56 / 255))];
    expect(small).toBeLessThan(0.99);
    expect(large).toBeLessThan(small);
  });

  it.each([
    [1, 1],
    [1, 40],
    [10, 3],
    [11, 11],
  ])('takes a smaller window for a picture of %i×%i', (width, height) => {
    const image = noiseImage(width, height, 3);
    expect(ssim(image, image)).toBeCloseTo(1, 10);
    expect(ssim(image, shifted(image, 0.2))).toBeLessThan(0.99);
  });
});

it('refuses to compare two sizes', () => {
  expect(() => psnr(waves, noiseImage(20, 24, 1))).toThrow(/24×20 and 20×24/);
  expect(() => ssim(waves, noiseImage(20, 24, 1))).toThrow(/24×20 and 20×24/);
});
