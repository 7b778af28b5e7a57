import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DecodedImage } from '#src/image/file.js';
import { createImage, type Image } from '#src/image/image.js';
import { psnr } from '#src/image/metrics.js';
import { quantise } from '#src/image/quantise.js';
import { resizeImage } from '#src/image/resize.js';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';
import { fromBase64, fromPlain, type PlainImage, toPlain } from './browser/plain.js';
import { type Lab, openLab, skipped } from './support/browser.js';
import { picture } from './support/cli.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

interface Decoded extends Omit<DecodedImage, 'image'> {
  readonly image: Image;
  readonly original: { readonly width: number; readonly height: number };
}

const source = { what: 'The picture', fileName: 'x' };

/** Smooth, so that lossy formats change it little, with alpha from nothing to everything. */
function veiled(width: number, height: number): Image {
  const { data } = picture(width, height, 3);
  return quantise(
    createImage(
      width,
      height,
      data,
      Float32Array.from({ length: width * height }, (_, i) => (i % width) / (width - 1)),
    ),
  );
}

/** Without noise, which lossy formats leave out. */
function smooth(width: number, height: number): Image {
  return resizeImage(picture(width >> 3, height >> 3, 4), width, height);
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe.skipIf(skipped)(`pictures in a browser${skipped}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab?.close());

  let files = 0;
  const decode = async (bytes: Uint8Array | string, options?: object): Promise<Decoded> => {
    const url = lab.serve(`file-${++files}.jpg`, bytes);
    const decoded = await lab.run<Omit<Decoded, 'image'> & { readonly image: PlainImage }>(
      'codec',
      'decode',
      url,
      options,
    );
    return { ...decoded, image: fromPlain(decoded.image) };
  };
  const encode = async (picture: Image, format: string, options?: object) =>
    fromBase64(await lab.run<string>('codec', 'encode', toPlain(picture), format, options));

  it('reads a photo as Node does', async () => {
    const bytes = await readFile(new URL('../examples/photos/chelsea.jpg', import.meta.url));
    const { image: expected } = await decodeImage(bytes, source);
    const decoded = await decode(bytes);
    expect(decoded).toMatchObject({
      format: 'jpeg',
      bits: 8,
      original: { width: expected.width, height: expected.height },
    });
    expect(decoded.image.alpha).toBeUndefined();
    expect(psnr(decoded.image, expected)).toBeGreaterThan(50);
  });

  it.each(['png', 'webp'] as const)('reads %s to the last level', async (format) => {
    const opaque = quantise(picture(61, 300, 1));
    const bytes = format === 'png' ? await encodeImage(opaque, 'png') : await losslessWebp(opaque);
    const decoded = await decode(bytes);
    expect(decoded.format).toBe(format);
    expect(worst(decoded.image.data, opaque.data)).toBeLessThan(1e-6);
  });

  it('turns photos upright, whole and made smaller', async () => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await sharp(await encodeImage(picture(96, 64, 1), 'jpeg'))
        .withMetadata({ orientation })
        .jpeg({ quality: 100 })
        .toBuffer();
      const { image: expected } = await decodeImage(bytes, source);
      const whole = await decode(bytes);
      expect([whole.image.width, whole.image.height]).toEqual([expected.width, expected.height]);
      expect(psnr(whole.image, expected), `orientation ${orientation}`).toBeGreaterThan(40);
      const small = await decode(bytes, { fitPixels: 24 * 16 });
      expect(small.original).toEqual({ width: expected.width, height: expected.height });
      expect(small.image.width / small.image.height).toBeCloseTo(expected.width / expected.height, 1);
      expect(small.image.width * small.image.height).toBeLessThanOrEqual(24 * 16);
    }
  });

  it.each([8, 16] as const)('keeps the colours under alpha in PNG of %i bits', async (bits) => {
    const { data, alpha } = veiled(40, 30);
    const fine = createImage(
      40,
      30,
      data.map((value) => Math.min(1, value + 1 / 1000)),
      alpha,
    );
    const expected = bits === 16 ? fine : quantise(fine);
    const decoded = await decode(await encodeImage(expected, 'png', { bits }));
    expect(decoded).toMatchObject({ format: 'png', bits });
    expect(worst(decoded.image.data, expected.data)).toBeLessThan(1 / 2 ** bits);
    expect(worst(decoded.image.alpha!, expected.alpha!)).toBeLessThan(1 / 2 ** bits);
  });

  it('reads grey with alpha, palettes, and grey of 16 bits', async () => {
    const raw = { width: 4, height: 2, channels: 2 as const };
    const grey = await sharp(Uint8Array.from([0, 0, 80, 255, 160, 128, 255, 255, 9, 1, 8, 2, 7, 3, 6, 4]), { raw })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const { image: expected } = await decodeImage(grey, source);
    const decoded = await decode(grey);
    expect(worst(decoded.image.data, expected.data)).toBeLessThan(1e-6);
    expect(worst(decoded.image.alpha!, expected.alpha!)).toBeLessThan(1e-6);

    const palette = await sharp(await encodeImage(picture(40, 30, 2), 'png'))
      .png({ palette: true, colours: 16 })
      .toBuffer();
    expect(worst((await decode(palette)).image.data, (await decodeImage(palette, source)).image.data)).toBeLessThan(
      1e-6,
    );

    const deep = await sharp(Uint16Array.from([0, 257, 30_000, 65_535]), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    const { bits, image: values } = await decode(deep);
    expect(bits).toBe(16);
    expect(worst(values.data.subarray(0, 4), [0, 257 / 65_535, 30_000 / 65_535, 1])).toBeLessThan(1e-6);
  });

  it('gives alpha only where there is some', async () => {
    const { width, height, data } = quantise(picture(20, 20, 1));
    const bytes = await encodeImage(createImage(width, height, data, new Float32Array(400).fill(1)), 'png');
    expect((await decode(bytes)).image.alpha).toBeUndefined();
    const webp = await decode(await losslessWebp(veiled(40, 30)));
    expect(worst(webp.image.alpha!, veiled(40, 30).alpha!)).toBeLessThan(1e-6);
  });

  it('brings other colours to sRGB as Node does', async () => {
    const png = await sharp(await encodeImage(picture(64, 48, 1), 'png'))
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const untouched = await sharp(png, { ignoreIcc: true }).removeAlpha().raw().toBuffer();
    const { image: expected } = await decodeImage(png, source);
    const decoded = (await decode(png)).image;
    expect(psnr(decoded, expected)).toBeGreaterThan(40);
    // The values in the file are others.
    const values = Float32Array.from(
      { length: 3 * 64 * 48 },
      (_, i) => untouched[(i % 3072) * 3 + Math.floor(i / 3072)]! / 255,
    );
    expect(psnr(createImage(64, 48, values), expected)).toBeLessThan(40);
  });

  it.each(['upright', 'turned', 'alpha'])('reads HEIC as Node does: %s', async (name) => {
    const bytes = await readFile(new URL(`fixtures/${name}.heic`, import.meta.url));
    const { image: expected } = await decodeImage(bytes, source);
    const decoded = await decode(bytes);
    expect(decoded).toMatchObject({ format: 'heic', bits: 8, original: { width: 64, height: 48 } });
    expect(psnr(decoded.image, expected)).toBeGreaterThan(40);
    expect(decoded.image.alpha === undefined).toBe(name !== 'alpha');
    const small = await decode(bytes, { fitPixels: 32 * 24 });
    expect([small.image.width, small.image.height, small.original.width]).toEqual([32, 24, 64]);
  });

  it('reads a JPEG that lacks no more than its end marker', async () => {
    const bytes = await encodeImage(picture(96, 64, 1), 'jpeg');
    const whole = await decode(bytes);
    expect(whole.notices).toBeUndefined();
    for (const missing of [1, 2]) {
      const cut = await decode(bytes.subarray(0, -missing));
      expect(cut.image).toEqual(whole.image);
      expect(cut.notices).toEqual([expect.stringMatching(/ does not end as a JPEG does; nothing of the picture is/)]);
    }
    await expect(decode(bytes.subarray(0, -8))).rejects.toThrow(/is truncated/);
  });

  describe('refuses', () => {
    const photo = async (format: 'jpeg' | 'png' | 'webp') =>
      Buffer.from(await encodeImage(picture(200, 150, 1), format));

    it.each([
      ['an empty file', '', /^input: The picture \S+ is empty \(0 bytes\)\./],
      [
        'a text',
        'Dear diary, this is no picture.',
        /^input: .* is not a picture that can be read, whatever its name says\. Use JPEG/,
      ],
      [
        'SVG',
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        /^input: .* is SVG, which cannot be read here\. Save it as/,
      ],
      [
        'HEIC',
        '\0\0\0\x18ftypheic\0\0\0\0mif1heic',
        /^input: .* is HEIC that cannot be decoded: .* save it as JPEG or PNG/,
      ],
    ])('%s', async (_, bytes, message) => {
      await expect(decode(bytes)).rejects.toThrow(message);
    });

    it.each(['jpeg', 'png', 'webp'] as const)('half of a %s', async (format) => {
      const bytes = await photo(format);
      await expect(decode(bytes.subarray(0, bytes.length >> 1))).rejects.toThrow(
        /^input: .* is truncated: the file ends before the picture does \(\d+ bytes\)\. Copy or download it again\.$/,
      );
    });

    it('a damaged PNG', async () => {
      const bytes = await photo('png');
      // In the middle of the compressed pixels.
      const middle = bytes.indexOf('IDAT') + 2000;
      bytes.fill(0x55, middle, middle + 200);
      await expect(decode(bytes)).rejects.toThrow(/^input: .* cannot be decoded: it is damaged/);
    });

    it('too many pixels, before they are decoded', async () => {
      // 60 million pixels of one colour are few bytes.
      const bytes = await sharp({ create: { width: 10_000, height: 6000, channels: 3, background: '#345' } })
        .png({ compressionLevel: 9 })
        .toBuffer();
      await expect(decode(bytes, { mostPixels: 50_000_000 })).rejects.toThrow(
        /^input: .* has 10000×6000 = 60 million pixels; at most 50 million can be read\. Make it smaller first\.$/,
      );
      const { image, original } = await decode(bytes, { fitPixels: 10_000 });
      expect(original).toEqual({ width: 10_000, height: 6000 });
      expect([image.width, image.height]).toEqual([128, 77]);
      expect(image.data[0]).toBeCloseTo(0x33 / 255, 2);
    });

    it('formats and options that it does not have', async () => {
      const small = picture(8, 8, 1);
      await expect(encode(small, 'tiff')).rejects.toThrow(
        /^usage: A browser writes png, jpeg and webp, received tiff\./,
      );
      await expect(encode(small, 'jpeg', { bits: 16 })).rejects.toThrow(/^usage: A jpeg file has 8 bits/);
      await expect(encode(small, 'webp', { quality: 0 })).rejects.toThrow(/^usage: The quality of a webp/);
    });
  });

  describe('writes', () => {
    const recipe = JSON.stringify({ fauve: '0.1.0', note: 'Grün & "Blau" <木>' });

    it.each([
      ['png', 8],
      ['png', 16],
    ] as const)('%s of %i bits exactly, with alpha and recipe', async (format, bits) => {
      for (const expected of [quantise(picture(50, 33, 2)), veiled(50, 33)]) {
        const bytes = await encode(expected, format, { bits, recipe });
        const decoded = await decodeImage(bytes, source);
        expect(decoded).toMatchObject({ format, bits, recipe });
        expect(worst(decoded.image.data, expected.data)).toBeLessThan(1 / 2 ** bits / 2);
        if (expected.alpha) expect(worst(decoded.image.alpha!, expected.alpha)).toBeLessThan(1 / 2 ** bits / 2);
        // A canvas writes an alpha channel in which nothing is transparent.
        else expect(decoded.image.alpha?.every((value) => value === 1) ?? true).toBe(true);
        expect((await decode(bytes)).recipe).toBe(recipe);
      }
    });

    it.each(['jpeg', 'webp'] as const)('%s in the quality that is asked for, with recipe', async (format) => {
      const expected = smooth(160, 120);
      const [fine, coarse] = [
        await encode(expected, format, { recipe }),
        await encode(expected, format, { quality: 40 }),
      ];
      const decoded = await decodeImage(fine, source);
      expect(decoded).toMatchObject({ format, recipe });
      expect(psnr(decoded.image, expected)).toBeGreaterThan(35);
      expect(coarse.length).toBeLessThan(fine.length / 1.5);
      expect((await decode(fine)).recipe).toBe(recipe);
    });

    it('alpha in WebP, and none in JPEG, which shows it on white', async () => {
      const expected = veiled(64, 48);
      const webp = await decodeImage(await encode(expected, 'webp', { recipe }), source);
      expect(worst(webp.image.alpha!, expected.alpha!)).toBeLessThan(0.01);
      const jpeg = await decodeImage(await encode(expected, 'jpeg'), source);
      expect(jpeg.image.alpha).toBeUndefined();
      const onWhite = expected.data.map((value, i) => 1 + expected.alpha![i % (64 * 48)]! * (value - 1));
      expect(psnr(jpeg.image, createImage(64, 48, onWhite))).toBeGreaterThan(25);
    });
  });

  it('guesses the memory of a tab', async () => {
    const bytes = await lab.run<number>('codec', 'memory');
    expect(bytes).toBeGreaterThanOrEqual(2 ** 28);
    expect(bytes).toBeLessThan(2 ** 32);
  });
});

function losslessWebp({ width, height, data, alpha }: Image): Promise<Uint8Array> {
  const size = width * height;
  const channels = alpha ? 4 : 3;
  const levels = Uint8Array.from({ length: size * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    return Math.round(255 * (channel < 3 ? data[channel * size + pixel]! : alpha![pixel]!));
  });
  return sharp(levels, { raw: { width, height, channels } }).webp({ lossless: true, exact: true }).toBuffer();
}
