import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '#src/image/image.js';
import { psnr, ssim } from '#src/image/metrics.js';
import { quantise } from '#src/image/quantise.js';
import { resizeImage } from '#src/image/resize.js';
import { readImage, writeImage } from '#src/platform/node/images.js';
import type { StylizeOptionsInput } from '#src/stylize/options.js';
import { openEngine, restyle } from './support/restyling.js';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const photo = (name: string) => readImage(path(`../examples/photos/${name}.jpg`));

/** Nothing here follows the defaults: new ones do not make another picture. */
const options: StylizeOptionsInput = {
  size: 96,
  scales: 1,
  steps: 12,
  contentWeight: 0.2,
  styleWeight: 1,
  tvWeight: 0.3,
  contentLayers: { relu4_2: 1 },
  styleLayers: { relu1_1: 1, relu2_1: 1, relu3_1: 1, relu4_1: 1, relu5_1: 1 },
  styleStatistics: 'gram',
  styleScale: 1,
  tvNorm: 'squared',
  normalisation: 'relative',
  colours: 'style',
  init: 'content',
  seed: 0,
};

/** Other processors sum in another order; what the eye could see is a failure. */
const isSamePicture = (a: Image, b: Image) => psnr(a, b) >= 35 && ssim(a, b) >= 0.98;

const brighter = (image: Image, levels: number): Image => ({
  ...image,
  data: image.data.map((value) => Math.min(1, value + levels / 255)),
});

describe.each<[string, StylizeOptionsInput]>([
  ['lbfgs', { optimiser: 'lbfgs', history: 20, preconditioner: 'pyramid', pooling: 'max' }],
  ['adam', { optimiser: 'adam', learningRate: 0.02, schedule: 'cosine', beta1: 0.9, beta2: 0.99, pooling: 'average' }],
])('chelsea in the style of coffee, %s', (optimiser, own) => {
  const file = path(`golden/chelsea-coffee-${optimiser}.png`);
  let content: Image;
  let made: Image;
  let golden: Image;
  beforeAll(async () => {
    const runtime = await openEngine();
    content = await photo('chelsea');
    const { image } = await restyle(runtime, {
      content,
      style: await photo('coffee'),
      options: { ...options, ...own },
    });
    made = quantise(image);
    await runtime.close();
    if (process.env.UPDATE_GOLDEN === '1') await writeImage(file, made);
    golden = await readImage(file);
  });

  it('is the picture that it was', () => {
    expect([made.width, made.height]).toEqual([96, 64]);
    expect(psnr(made, golden)).toBeGreaterThanOrEqual(35);
    expect(ssim(made, golden)).toBeGreaterThanOrEqual(0.98);
  });

  it('would not be taken for one that is 10 levels brighter, blurred, shifted by a pixel, or not restyled', () => {
    expect(isSamePicture(golden, golden)).toBe(true);
    expect(isSamePicture(brighter(golden, 10), golden)).toBe(false);
    expect(isSamePicture(brighter(golden, 1), golden)).toBe(true);
    const { width, height, data } = golden;
    expect(isSamePicture(resizeImage(resizeImage(golden, width / 2, height / 2), width, height), golden)).toBe(false);
    const shifted = { ...golden, data: data.map((_, i) => data[i - (i % width === 0 ? 0 : 1)]!) };
    expect(isSamePicture(shifted, golden)).toBe(false);
    expect(isSamePicture(resizeImage(content, width, height), golden)).toBe(false);
  });
});

it('the golden pictures are small', async () => {
  for (const optimiser of ['lbfgs', 'adam']) {
    expect((await readFile(path(`golden/chelsea-coffee-${optimiser}.png`))).length).toBeLessThan(40_000);
  }
});
