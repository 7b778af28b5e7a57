import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pictureFolder } from '#src/platform/node/picture-folder.js';
import { randomFor } from '#src/training/crops.js';
import { decodeTrainCheckpoint, encodeTrainCheckpoint } from '#src/training/style-network/checkpoint.js';
import { type SkippedPhoto, trainingPhotos } from '#src/training/style-network/photos.js';
import { TrainAborted, type TrainEvent, train } from '#src/training/style-network/train.js';
import { openEngine, scene } from './support/restyling.js';
import { trainingRequest, weightsOf } from './support/training.js';

let folder: string;
let bad: string;
beforeAll(async () => {
  [folder, bad] = [await mkdtemp(join(tmpdir(), 'fauve-photos-')), await mkdtemp(join(tmpdir(), 'fauve-bad-'))];
  const good = await colour(90, 70, 1).jpeg().toBuffer();
  const files: Record<string, Uint8Array | string> = {
    'good.jpg': good,
    'large.PNG': await colour(120, 200, 2).png().toBuffer(),
    'with-alpha.png': await colour(80, 80, 3).ensureAlpha(0.5).png().toBuffer(),
    'sixteen-bits.tif': await colour(80, 80, 4).toColourspace('rgb16').tiff().toBuffer(),
    'notes.txt': 'No picture, and not called one.',
  };
  const useless: Record<string, Uint8Array | string> = {
    'cmyk.jpg': await colour(90, 70, 5).toColourspace('cmyk').jpeg().toBuffer(),
    'empty.jpg': '',
    'grey.png': await colour(90, 70, 6).toColourspace('b-w').png().toBuffer(),
    'grey-alpha.png': await colour(90, 70, 6).ensureAlpha(0.5).toColourspace('b-w').png().toBuffer(),
    'text.jpg': 'This is no picture.\n',
    'tiny.png': await colour(31, 200, 7).png().toBuffer(),
    'truncated.jpg': good.subarray(0, good.length / 2),
  };
  for (const [name, bytes] of Object.entries(useless)) {
    await writeFile(join(bad, name), bytes);
    await writeFile(join(folder, name), bytes);
  }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterAll(async () => {
  for (const place of [folder, bad]) await rm(place, { recursive: true });
});

/** A picture in colours. */
function colour(width: number, height: number, seed: number) {
  const { data } = scene(width, height, seed, [0.3, 0.5, 0.7]);
  const plane = width * height;
  const pixels = Uint8Array.from({ length: 3 * plane }, (_, i) => 255 * data[(i % 3) * plane + Math.floor(i / 3)]!);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

const reasons: Readonly<Record<string, RegExp>> = {
  'cmyk.jpg': /^its colours are CMYK$/,
  'empty.jpg': /empty\.jpg is damaged or no picture/,
  'grey-alpha.png': /^it has no colours$/,
  'grey.png': /^it has no colours$/,
  'text.jpg': /text\.jpg is damaged or no picture/,
  'tiny.png': /^31×200 is too small for crops of 64$/,
  'truncated.jpg': /truncated\.jpg is damaged or no picture/,
};

function expectReasons(skipped: readonly SkippedPhoto[]): void {
  expect(skipped.map(({ name }) => name).sort()).toEqual(Object.keys(reasons));
  for (const { name, reason } of skipped) expect(reason).toMatch(reasons[name]!);
}

describe('photos to train on', () => {
  it('give crops in colours, whatever else is in the folder, and each useless one is named once', async () => {
    const skipped: SkippedPhoto[] = [];
    const pictures = await pictureFolder(folder);
    expect(pictures).toHaveLength(11);
    const photos = trainingPhotos(pictures, 64, (photo) => skipped.push(photo));
    expect(photos.count).toBe(11);
    for (let i = 0; i < 40; i++) {
      const data = await photos.crop((attempt) => randomFor(1, i, attempt));
      expect(data).toHaveLength(3 * 64 * 64);
      const [low, high] = [Math.min(...data), Math.max(...data)];
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(high - low).toBeGreaterThan(0.2);
    }
    expectReasons(skipped);
  });

  it('give the same crops whether or not the useless ones are known already', async () => {
    const pictures = await pictureFolder(folder);
    const known = trainingPhotos(pictures, 64, () => {});
    const draw = (photos: typeof known, i: number) => photos.crop((attempt) => randomFor(2, i, attempt));
    const all: Float32Array[] = [];
    for (let i = 0; i < 12; i++) all.push(await draw(known, i));
    for (let i = 0; i < 12; i++) {
      expect(
        await draw(
          trainingPhotos(pictures, 64, () => {}),
          i,
        ),
      ).toEqual(all[i]);
    }
    // Several at once, as for a batch.
    const fresh = trainingPhotos(pictures, 64, () => {});
    expect(await Promise.all(all.map((_, i) => draw(fresh, i)))).toEqual(all);
  });

  it('are told to be useless when all are', async () => {
    const skipped: SkippedPhoto[] = [];
    const photos = trainingPhotos(await pictureFolder(bad), 64, (photo) => skipped.push(photo));
    const error = await photos.crop((attempt) => randomFor(1, attempt)).catch((error: unknown) => error);
    expect(String(error)).toContain(
      'None of the 7 pictures can be trained on. Use colour photos of at least 32 pixels on the shorter side.',
    );
    expectReasons(skipped);
  });
});

describe('train', { timeout: 60_000 }, () => {
  it('leaves useless photos out, says so once, and resumes to the same network', async () => {
    const runtime = await openEngine();
    try {
      const photos = await pictureFolder(folder);
      const given = { ...trainingRequest(runtime, { iterations: 16 }), photos };
      const skipped: SkippedPhoto[] = [];
      const controller = new AbortController();
      const onProgress = (event: TrainEvent) => {
        if (event.type === 'skipped') skipped.push(event);
      };
      const whole = await train({ ...given, onProgress });
      expectReasons(skipped);
      const stop = (event: TrainEvent) => {
        if (event.type === 'step' && event.step === 7) controller.abort();
      };
      const stopping = { ...given, onProgress: stop, signal: controller.signal };
      const stopped = await train(stopping).catch((error) => error);
      expect(stopped).toBeInstanceOf(TrainAborted);
      const resume = decodeTrainCheckpoint(encodeTrainCheckpoint((stopped as TrainAborted).checkpoint));
      const resumed = await train({ ...given, photos: await pictureFolder(folder), resume });
      expect(resumed.history.map(({ total }) => total)).toEqual(whole.history.map(({ total }) => total));
      expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.model));

      const useless = await pictureFolder(bad);
      const error = await train({ ...given, photos: useless }).catch((error: unknown) => error);
      expect(String(error)).toMatch(/None of the 7 pictures can be trained on/);
      await expect(train({ ...given, photos: useless, signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'aborted',
      });
    } finally {
      await runtime.close();
    }
  });
});
