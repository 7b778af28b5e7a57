import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { exifOrientation } from '#src/image/exif.js';
import { fileFacts, imageHeader } from '#src/image/header.js';
import { tagJpeg } from '#src/image/jpeg-file.js';
import { endOfBlocks } from '#src/image/jpeg-scan.js';
import { readPng, tagPng } from '#src/image/png-file.js';
import { recipeFromXmp, recipeToXmp } from '#src/image/recipe.js';
import { tagWebp } from '#src/image/webp-file.js';
import { decodeImage } from '#src/platform/node/codec.js';

const noisy = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp(
    Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919) % 251),
    { raw: { width, height, channels } },
  );

/** A file of each kind that is told apart, 37×23. */
const files: Readonly<Record<string, Promise<Uint8Array>>> = {
  'jpeg, baseline': noisy(37, 23).jpeg({ progressive: false }).toBuffer(),
  'jpeg, progressive': noisy(37, 23).jpeg({ progressive: true }).toBuffer(),
  'png, RGB': noisy(37, 23).png().toBuffer(),
  'png, interlaced, with alpha': noisy(37, 23, 4).png({ progressive: true }).toBuffer(),
  'webp, lossy': noisy(37, 23).webp().toBuffer(),
  'webp, lossy, with alpha': noisy(37, 23, 4).webp().toBuffer(),
  'webp, lossless': noisy(37, 23).webp({ lossless: true }).toBuffer(),
  'webp, lossless, with alpha': noisy(37, 23, 4).webp({ lossless: true }).toBuffer(),
  gif: noisy(37, 23).gif().toBuffer(),
};
const kinds = Object.keys(files);

describe('imageHeader', () => {
  it.each(kinds)('reads the size of %s', async (kind) => {
    const bytes = await files[kind]!;
    expect(imageHeader(bytes)).toEqual({ format: kind.match(/^\w+/)![0], width: 37, height: 23 });
    expect(fileFacts(bytes)).toMatchObject({ orientation: 1, complete: true });
  });

  it.each(['jpeg', 'webp'] as const)('turns a %s upright', async (format) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await noisy(37, 23).withMetadata({ orientation }).toFormat(format).toBuffer();
      const { image } = await decodeImage(bytes, { what: 'It', fileName: 'x' });
      expect(imageHeader(bytes)).toEqual({ format, width: image.width, height: image.height });
      expect(fileFacts(bytes)!.orientation).toBe(orientation);
    }
  });

  it('reads photos of a camera and with a thumbnail', () => {
    for (const name of ['astronaut', 'coffee', 'chelsea']) {
      const bytes = readFileSync(new URL(`../examples/photos/${name}.jpg`, import.meta.url));
      expect(fileFacts(bytes)).toMatchObject({ format: 'jpeg', complete: true });
    }
  });

  it('needs no more than the beginning', async () => {
    for (const kind of kinds) {
      const bytes = await files[kind]!;
      expect(imageHeader(bytes.subarray(0, Math.ceil(bytes.length * 0.8))), kind).toEqual(imageHeader(bytes));
    }
  });

  it.each(kinds.filter((kind) => kind !== 'gif'))('knows that a part of %s is not all of it', async (kind) => {
    const bytes = await files[kind]!;
    for (let length = 0; length < bytes.length - 1; length++) {
      expect(fileFacts(bytes.subarray(0, length))?.complete ?? false, `${length} of ${bytes.length}`).toBe(false);
    }
  });

  it('is nothing for other files', () => {
    for (const text of ['', 'a', 'Not a picture, whatever its name says.', '<svg xmlns="x"/>', 'RIFF????WAVEfmt ']) {
      expect(imageHeader(new TextEncoder().encode(text)), text).toBeUndefined();
    }
  });

  it('survives any bytes after a true beginning', async () => {
    const all = await Promise.all(Object.values(files));
    await fc.assert(
      fc.property(fc.constantFrom(...all), fc.nat(60), fc.uint8Array({ maxLength: 400 }), (bytes, kept, rest) => {
        const facts = fileFacts(Uint8Array.from([...bytes.subarray(0, kept), ...rest]));
        expect(facts === undefined || facts.width >= 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('endOfBlocks', () => {
  const scene = (width: number, height: number) =>
    sharp(
      Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 50) + (i % 7)),
      { raw: { width, height, channels: 3 } },
    );
  const kinds: Readonly<Record<string, Promise<Buffer>>> = {
    baseline: scene(83, 45).jpeg().toBuffer(),
    'without subsampling': scene(83, 45).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    'of one colour': scene(83, 45).greyscale().jpeg().toBuffer(),
    progressive: scene(83, 45).jpeg({ progressive: true }).toBuffer(),
    'progressive, 4:4:4, fine': scene(83, 45)
      .jpeg({ progressive: true, chromaSubsampling: '4:4:4', quality: 100 })
      .toBuffer(),
    'with trellis and its own scans': scene(83, 45).jpeg({ mozjpeg: true }).toBuffer(),
    noise: noisy(37, 23).jpeg({ quality: 100 }).toBuffer(),
    'progressive noise': noisy(37, 23).jpeg({ quality: 100, progressive: true }).toBuffer(),
    cmyk: scene(83, 45).toColourspace('cmyk').jpeg().toBuffer(),
  };

  it.each(Object.keys(kinds))('finds the end of %s, and no part of it whole', async (kind) => {
    const bytes = await kinds[kind]!;
    const end = bytes.length - 2;
    expect(endOfBlocks(bytes)).toBe(end);
    expect(endOfBlocks(bytes.subarray(0, end))).toBe(end);
    // The last byte may hold nothing but the bits that fill it up.
    for (let length = 0; length < end - 1; length += length < end - 40 ? 7 : 1) {
      expect(endOfBlocks(bytes.subarray(0, length)), `${length} of ${bytes.length}`).toBe('cut');
    }
  });

  it('follows restarts', () => {
    const bytes = readFileSync(new URL('fixtures/restarts.jpg', import.meta.url));
    expect(bytes.includes(Buffer.from([0xff, 0xdd, 0, 4]))).toBe(true);
    expect(endOfBlocks(bytes)).toBe(bytes.length - 2);
    expect(endOfBlocks(bytes.subarray(0, bytes.length - 5))).toBe('cut');
  });

  it('survives any bytes after a true beginning', async () => {
    const all = await Promise.all(Object.values(kinds));
    await fc.assert(
      fc.property(fc.constantFrom(...all), fc.nat(1000), fc.uint8Array({ maxLength: 400 }), (bytes, kept, rest) => {
        const end = endOfBlocks(Uint8Array.from([...bytes.subarray(0, kept), ...rest]));
        expect(['number', 'string']).toContain(typeof end);
      }),
      { numRuns: 200 },
    );
  });
});

describe('exifOrientation', () => {
  it('is upright for data that end or say nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('II*\0', 'MM\0*', ''), (bytes, start) => {
        const orientation = exifOrientation(Uint8Array.from([...new TextEncoder().encode(start), ...bytes]));
        expect(orientation).toBeGreaterThanOrEqual(1);
        expect(orientation).toBeLessThanOrEqual(8);
      }),
    );
  });
});

describe('a packet of metadata', () => {
  const recipe = JSON.stringify({ style: 'Großer "Stil" <1905> & Söhne', steps: 30, note: '木' });
  const xmp = recipeToXmp(recipe);
  const tag = { jpeg: tagJpeg, png: tagPng, webp: tagWebp };

  it.each(kinds.filter((kind) => kind !== 'gif'))('in %s is read by others, and changes no pixel', async (kind) => {
    const bytes = await files[kind]!;
    const format = kind.match(/^\w+/)![0] as keyof typeof tag;
    const tagged = tag[format](bytes, xmp);
    expect(recipeFromXmp((await sharp(tagged).metadata()).xmpAsString!)).toBe(recipe);
    expect(recipeFromXmp(fileFacts(tagged)!.xmp!)).toBe(recipe);
    expect(fileFacts(tagged)).toMatchObject({ width: 37, height: 23, complete: true });
    expect((await sharp(tagged).raw().toBuffer()).equals(await sharp(bytes).raw().toBuffer())).toBe(true);
  });

  it.each(['jpeg', 'png', 'webp'] as const)('of another program is found in %s', async (format) => {
    const bytes = await noisy(37, 23).withXmp(xmp).toFormat(format).toBuffer();
    expect(recipeFromXmp(fileFacts(bytes)!.xmp!)).toBe(recipe);
  });

  it('finds the profile of sRGB alone to be sRGB', async () => {
    const facts = async (profile: string) => readPng(await noisy(37, 23).withIccProfile(profile).png().toBuffer());
    expect((await facts('srgb'))!.otherColours).toBe(false);
    expect((await facts('p3'))!.otherColours).toBe(true);
    expect(readPng(tagPng(await files['png, RGB']!, undefined))!.otherColours).toBe(false);
  });
});
