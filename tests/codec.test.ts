import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type OutputFormat, outputFormat } from '#src/image/file.js';
import { createImage, type Image } from '#src/image/image.js';
import { psnr } from '#src/image/metrics.js';
import { noiseImage } from '#src/image/noise.js';
import { quantise } from '#src/image/quantise.js';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';

const FORMATS: readonly OutputFormat[] = ['png', 'jpeg', 'webp', 'tiff'];
const source = { what: 'Content image', fileName: 'holiday.jpg' };
const decode = (bytes: Uint8Array) => decodeImage(bytes, source);

/** Values 0…top that differ in every pixel and channel. */
function levels(count: number, top: number): Uint8Array | Uint16Array {
  const data = new (top > 255 ? Uint16Array : Uint8Array)(count);
  return data.map((_, i) => (i * 7919 + 31 * Math.floor(i / 60)) % (top + 1));
}

function rawSharp(data: Uint8Array | Uint16Array, width: number, height: number) {
  return sharp(data, { raw: { width, height, channels: (data.length / (width * height)) as 1 | 2 | 3 | 4 } });
}

/** The interleaved levels that an image stands for, alpha last where there is some. */
function interleaved({ width, height, data, alpha }: Image, top: number): number[] {
  const size = width * height;
  return Array.from({ length: size }, (_, i) => {
    const rgb = [0, 1, 2].map((channel) => data[channel * size + i]! * top);
    return alpha ? [...rgb, alpha[i]! * top] : rgb;
  }).flat();
}

function expectLevels(image: Image, expected: ArrayLike<number>, top: number, tolerance = 0.01): void {
  const got = interleaved(image, top);
  expect(got.length).toBe(expected.length);
  const worst = Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** A file that tests/fixtures/make-heic.mjs made. */
const heic = (name: string) => Buffer.from(readFileSync(new URL(`fixtures/${name}.heic`, import.meta.url)));

/** A smooth picture, which JPEG and WebP change little. */
function smooth(width: number, height: number, alpha = false): Image {
  const size = width * height;
  const wave = (i: number) =>
    0.5 + 0.4 * Math.sin((i % width) / 9 + Math.floor(i / size)) * Math.cos((i % size) / width / 7);
  return createImage(
    width,
    height,
    Float32Array.from({ length: 3 * size }, (_, i) => wave(i)),
    alpha ? Float32Array.from({ length: size }, (_, i) => (i % width) / (width - 1)) : undefined,
  );
}

describe('decodeImage', () => {
  it.each(['png', 'tiff', 'webp'] as const)('reads %s with and without alpha to the last level', async (format) => {
    for (const channels of [3, 4]) {
      const data = levels(20 * 15 * channels, 255);
      const options = { png: {}, tiff: { compression: 'lzw' as const }, webp: { lossless: true, exact: true } }[format];
      const {
        image,
        format: found,
        bits,
      } = await decode(await rawSharp(data, 20, 15).toFormat(format, options).toBuffer());
      expect([image.width, image.height, found, bits]).toEqual([20, 15, format, 8]);
      expectLevels(image, data, 255);
    }
  });

  it.each(['jpeg', 'avif', 'gif'] as const)('reads %s', async (format) => {
    const wanted = smooth(64, 48);
    const { image, format: found } = await decode(
      await sharp(await encodeImage(wanted, 'png'))
        .toFormat(format, { quality: 95 })
        .toBuffer(),
    );
    expect(found).toBe(format);
    expect(psnr(image, wanted)).toBeGreaterThan(30);
  });

  it.each(['upright', 'turned', 'alpha'])('reads HEIC: %s', async (name) => {
    const { image, format, bits } = await decode(heic(name));
    expect([format, bits, image.width, image.height]).toEqual(['heic', 8, 64, 48]);
    // What tests/fixtures/make-heic.mjs draws; the turned one is stored on its side and in Display P3.
    const drawn = Float32Array.from({ length: 3 * 64 * 48 }, (_, i) => {
      const [x, y] = [i % 64, Math.floor(i / 64) % 48];
      return [40 + 3 * x, 20 + 4 * y, 60][Math.floor(i / 64 / 48)]! / 255;
    });
    expect(psnr(image, createImage(64, 48, drawn))).toBeGreaterThan(35);
    if (name !== 'alpha') return expect(image.alpha).toBeUndefined();
    const worst = image
      .alpha!.map((value, i) => Math.abs(value - (4 * (i % 64)) / 255))
      .reduce((a, b) => Math.max(a, b));
    expect(worst).toBeLessThan(0.03);
  });

  it.each([
    ['baseline', {}],
    ['without subsampling', { chromaSubsampling: '4:4:4' }],
    ['progressive', { progressive: true }],
  ])('reads a JPEG that lacks no more than its end marker: %s', async (_, options) => {
    const jpeg = await rawSharp(levels(83 * 61 * 3, 255), 83, 61)
      .jpeg(options)
      .toBuffer();
    const { image, notices } = await decode(jpeg);
    expect(notices).toBeUndefined();
    for (const after of ['trailing text', '\0'.repeat(3000)]) {
      const whole = await decode(Buffer.concat([jpeg, Buffer.from(after)]));
      expect(whole).toMatchObject({ image });
      expect(whole.notices).toBeUndefined();
    }
    for (const missing of [1, 2]) {
      for (const zeros of [0, 3000]) {
        const cut = await decode(Buffer.concat([jpeg.subarray(0, -missing), Buffer.alloc(zeros)]));
        expect(cut.image).toEqual(image);
        expect(cut.notices).toEqual(['holiday.jpg does not end as a JPEG does; nothing of the picture is missing.']);
      }
    }
  });

  it('reads SVG, and of a moving picture the first frame', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><rect width="2" height="3" fill="red"/></svg>';
    const drawn = await decode(new TextEncoder().encode(svg));
    expect(drawn.format).toBe('svg');
    expect(interleaved(drawn.image, 255).slice(0, 4)).toEqual([255, 0, 0, 255]);
    expect(drawn.image.alpha!.slice(0, 4)).toEqual(Float32Array.of(1, 1, 0, 0));

    const frames = await sharp(
      [0, 255].map((r) =>
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="rgb(${r},0,0)"/></svg>`,
        ),
      ),
      { join: { animated: true } },
    )
      .gif()
      .toBuffer();
    const { image } = await decode(frames);
    expect([image.width, image.height, image.data[0]]).toEqual([8, 8, 0]);
  });

  // What EXIF calls each orientation: where the stored picture's row 0 and column 0 are to be seen.
  it.each([
    [1, (x: number, y: number) => [x, y]],
    [2, (x: number, y: number) => [1 - x, y]],
    [3, (x: number, y: number) => [1 - x, 1 - y]],
    [4, (x: number, y: number) => [x, 1 - y]],
    [5, (x: number, y: number) => [y, x]],
    [6, (x: number, y: number) => [1 - y, x]],
    [7, (x: number, y: number) => [1 - y, 1 - x]],
    [8, (x: number, y: number) => [y, 1 - x]],
  ])('turns a photo of EXIF orientation %i upright', async (orientation, shown) => {
    const [width, height] = [32, 16];
    // Black but for a white quarter, at the stored top left.
    const data = new Uint8Array(width * height * 3).map((_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return x < width / 2 && y < height / 2 ? 255 : 0;
    });
    for (const format of ['jpeg', 'png', 'tiff'] as const) {
      const bytes = await rawSharp(data, width, height).withMetadata({ orientation }).toFormat(format).toBuffer();
      const { image } = await decode(bytes);
      expect([image.width, image.height]).toEqual(orientation < 5 ? [width, height] : [height, width]);
      const [x, y] = shown(0, 0) as [number, number];
      const quarters = [0, 1].map((v) =>
        [0, 1].map((u) => {
          const at =
            Math.floor((v + 0.5) * (image.height / 2)) * image.width + Math.floor((u + 0.5) * (image.width / 2));
          return Math.round(image.data[at]!);
        }),
      );
      const wanted = [
        [0, 0],
        [0, 0],
      ];
      wanted[y]![x] = 1;
      expect(quarters).toEqual(wanted);
    }
  });

  it('reads 16 bits to 1/65535, in RGB, RGBA, grey and grey with alpha', async () => {
    for (const format of ['png', 'tiff'] as const) {
      for (const channels of [3, 4]) {
        const data = levels(20 * 15 * channels, 65535);
        const bytes = await rawSharp(data, 20, 15)
          .toColourspace('rgb16')
          .toFormat(format, format === 'tiff' ? { compression: 'lzw' } : {})
          .toBuffer();
        const { image, bits } = await decode(bytes);
        expect(bits).toBe(16);
        expectLevels(image, data, 65535);
      }
    }
    const grey = levels(20 * 15, 65535);
    const { image, bits } = await decode(await rawSharp(grey, 20, 15).toColourspace('grey16').png().toBuffer());
    expect(bits).toBe(16);
    expectLevels(
      image,
      [...grey].flatMap((v) => [v, v, v]),
      65535,
    );

    const greyAlpha = levels(20 * 15 * 2, 65535);
    const shaped = await decode(await rawSharp(greyAlpha, 20, 15).toColourspace('grey16').png().toBuffer());
    const wanted = [...grey.keys()].flatMap((i) => [...Array(3).fill(greyAlpha[2 * i]!), greyAlpha[2 * i + 1]!]);
    expectLevels(shaped.image, wanted, 65535);
  });

  it('reads grey, and grey with alpha', async () => {
    for (const channels of [1, 2]) {
      const data = levels(20 * 15 * channels, 255);
      const bytes = await rawSharp(data, 20, 15).toColourspace('b-w').png().toBuffer();
      expect((await sharp(bytes).metadata()).channels).toBe(channels);
      const wanted = Array.from({ length: 300 }, (_, i) => {
        const v = data[i * channels]!;
        return channels === 2 ? [v, v, v, data[2 * i + 1]!] : [v, v, v];
      });
      expectLevels((await decode(bytes)).image, wanted.flat(), 255);
    }
  });

  it('reads a palette with transparency', async () => {
    const colours = [
      [255, 0, 0, 255],
      [0, 0, 255, 254],
      [9, 255, 0, 128],
      [0, 70, 0, 0],
    ];
    const indices = Uint8Array.from({ length: 16 * 16 }, (_, i) => (i + (i >> 4)) % 4);
    const { image } = await decode(palettePng(16, indices, colours));
    expectLevels(
      image,
      [...indices].flatMap((index) => colours[index]!),
      255,
    );
  });

  it('reads a CMYK JPEG', async () => {
    const solid = (background: { r: number; g: number; b: number }) =>
      sharp({ create: { width: 16, height: 16, channels: 3, background } });
    for (const background of [
      { r: 255, g: 255, b: 255 },
      { r: 120, g: 130, b: 90 },
      { r: 90, g: 90, b: 140 },
    ]) {
      const bytes = await solid(background).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
      expect((await sharp(bytes).metadata()).space).toBe('cmyk');
      const { image } = await decode(bytes);
      const centre = interleaved(image, 255).slice(0, 3);
      [background.r, background.g, background.b].forEach((v, i) => {
        expect(Math.abs(centre[i]! - v)).toBeLessThan(12);
      });
    }
  });

  it('converts Display P3 to sRGB, in 8 and in 16 bits', async () => {
    // (200, 100, 50) in sRGB in P3, from the primaries of both (CSS Color 4, sections 10.2 and 10.6), in NumPy.
    const p3 = [0.73381565, 0.41329835, 0.24304157];
    for (const bits of [8, 16] as const) {
      const top = 2 ** bits - 1;
      const data = new (bits === 16 ? Uint16Array : Uint8Array)(16 * 16 * 3).map((_, i) =>
        Math.round(p3[i % 3]! * top),
      );
      const { image, bits: found } = await decode(await withP3(data, 16, bits));
      expect(found).toBe(bits);
      [200, 100, 50].forEach((v, channel) => {
        expect(Math.abs(image.data[channel * 256]! * 255 - v)).toBeLessThan(bits === 16 ? 0.5 : 1.5);
      });
    }
  });

  it('reads a picture of a single pixel', async () => {
    for (const format of FORMATS) {
      const bytes = await encodeImage(createImage(1, 1, Float32Array.of(0.6, 0.6, 0.6)), format);
      const { image } = await decode(bytes);
      expect([image.width, image.height]).toEqual([1, 1]);
      expect(image.data[1]).toBeCloseTo(0.6, 2);
    }
  });

  it.each(['astronaut', 'chelsea', 'coffee'])('reads the example photo %s', async (name) => {
    const bytes = readFileSync(new URL(`../examples/photos/${name}.jpg`, import.meta.url));
    expect(bytes.length).toBeLessThan(150_000);
    const { image, format } = await decode(bytes);
    expect(format).toBe('jpeg');
    expect(Math.max(image.width, image.height)).toBeGreaterThan(450);
  });
});

/** A square PNG of 8-bit indices into RGBA colours (PNG specification, sections 5, 11.2 and 11.3.1). */
function palettePng(side: number, indices: Uint8Array, colours: readonly (readonly number[])[]): Uint8Array {
  const chunk = (type: string, data: readonly number[] | Uint8Array) => {
    const bytes = Buffer.from([0, 0, 0, 0, ...Buffer.from(type), ...data, 0, 0, 0, 0]);
    bytes.writeUInt32BE(data.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  };
  const rows = Array.from({ length: side }, (_, y) => [0, ...indices.subarray(y * side, (y + 1) * side)]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', [0, 0, 0, side, 0, 0, 0, side, 8, 3, 0, 0, 0]),
    chunk(
      'PLTE',
      colours.flatMap((colour) => colour.slice(0, 3)),
    ),
    chunk(
      'tRNS',
      colours.map((colour) => colour[3]!),
    ),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flat()))),
    chunk('IEND', []),
  ]);
}

/** A square grey TIFF of float32 values (TIFF 6.0, sections 2 and 19): the header, one directory, one strip. */
function floatTiff(side: number, values: Float32Array): Uint8Array {
  // Width, height, rows and bytes of the strip; bits, no compression, black is zero, strip, one sample, IEEE floats.
  const sizes = { 256: side, 257: side, 278: side, 279: 4 * side * side };
  const tags = Object.entries({ ...sizes, 258: 32, 259: 1, 262: 1, 273: 134, 277: 1, 339: 3 }).map((pair) =>
    pair.map(Number),
  );
  const file = Buffer.alloc(134 + values.byteLength);
  file.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, tags.length]);
  tags.forEach(([tag, value], i) => {
    file.writeUInt16LE(tag!, 10 + 12 * i);
    file.writeUInt16LE(4, 12 + 12 * i);
    file.writeUInt32LE(1, 14 + 12 * i);
    file.writeUInt32LE(value!, 18 + 12 * i);
  });
  file.set(new Uint8Array(values.buffer), 134);
  return file;
}

/** A file of Display P3 values with that profile attached and the values as they are. */
async function withP3(data: Uint8Array | Uint16Array, side: number, bits: 8 | 16): Promise<Buffer> {
  const profile = async (space: 'srgb' | 'rgb16') =>
    sharp({ create: { width: side, height: side, channels: 3, background: 'grey' } })
      .toColourspace(space)
      .withIccProfile('p3')
      .tiff({ compression: 'none' })
      .toBuffer();
  // The strip of an uncompressed TIFF lies in the file as it is: the values are put in its place.
  const file = await profile(bits === 16 ? 'rgb16' : 'srgb');
  const plain = await sharp(file, { ignoreIcc: true })
    .toColourspace(bits === 16 ? 'rgb16' : 'srgb')
    .raw({ depth: bits === 16 ? 'ushort' : 'uchar' })
    .toBuffer();
  const strip = file.indexOf(plain);
  expect(strip).toBeGreaterThan(0);
  file.set(new Uint8Array(data.buffer), strip);
  return file;
}

describe('what decodeImage refuses, in one line', () => {
  const refusal = async (bytes: Uint8Array): Promise<string> => {
    const error = await decode(bytes).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ name: 'FauveError', code: 'input' });
    const { message } = error as Error;
    expect(message).toMatch(/^Content image holiday\.jpg /);
    expect(message).not.toContain('\n');
    return message;
  };

  it.each(['jpeg', 'png'] as const)('a truncated %s', async (format) => {
    const bytes = await encodeImage(noiseImage(80, 60, 1), format);
    for (const share of [0.3, 0.6, 0.95]) {
      expect(await refusal(bytes.subarray(0, Math.floor(share * bytes.length)))).toMatch(/is truncated: .*again\.$/);
    }
    expect(await refusal(bytes.subarray(0, 20))).toMatch(/truncated/);
  });

  it('a JPEG whose second half is zeros, or that lacks the last of its rows', async () => {
    const jpeg = Buffer.from(await encodeImage(noiseImage(80, 60, 1), 'jpeg'));
    for (const kept of [0.5, 0.9]) {
      const length = Math.floor(kept * jpeg.length);
      expect(await refusal(Buffer.concat([jpeg.subarray(0, length), Buffer.alloc(9 * jpeg.length)]))).toMatch(
        /is truncated/,
      );
    }
    expect(await refusal(jpeg.subarray(0, -6))).toMatch(/is truncated/);
  });

  it.each(['webp', 'tiff', 'avif', 'gif'] as const)('a truncated %s', async (format) => {
    const bytes = await sharp(await encodeImage(noiseImage(80, 60, 1), 'png'))
      .toFormat(format)
      .toBuffer();
    for (const share of [0.3, 0.6, 0.95]) {
      expect(await refusal(bytes.subarray(0, Math.floor(share * bytes.length)))).toMatch(/truncated/);
    }
  });

  it('what is no picture at all', async () => {
    expect(await refusal(new TextEncoder().encode('Dear Henri, …'))).toMatch(/not a picture.*Use JPEG, PNG/);
    expect(await refusal(new Uint8Array(0))).toMatch(/empty \(0 bytes\)/);
    expect(await refusal(new Uint8Array(noiseImage(30, 30, 1).data.buffer))).toMatch(/not a picture/);
  });

  it('damaged HEIC, but not AVIF in the same container', async () => {
    const box = (...brands: string[]) =>
      Buffer.concat([
        Buffer.from([0, 0, 0, 8 + 4 * (brands.length + 1)]),
        Buffer.from(`ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`),
        Buffer.alloc(99),
      ]);
    for (const bytes of [box('heic', 'mif1', 'heic'), box('mif1', 'mif1', 'heic'), box('hevc', 'msf1')]) {
      expect(await refusal(bytes)).toMatch(/is HEIC that cannot be decoded.*save it as JPEG/);
    }
    for (const bytes of [box('avif', 'mif1', 'miaf'), box('mif1', 'avif', 'miaf'), box('avif', 'mif1', 'heic')]) {
      expect(await refusal(bytes)).not.toMatch(/HEIC/);
    }
    const upright = heic('upright');
    for (const share of [0.3, 0.6, 0.95]) {
      expect(await refusal(upright.subarray(0, Math.floor(share * upright.length)))).toMatch(/is HEIC.*truncated/);
    }
  });

  it('floating-point values, which have no agreed white', async () => {
    expect(await refusal(floatTiff(8, noiseImage(8, 8, 1).data.slice(0, 64)))).toMatch(/type float.*8 or 16 bits/);
  });

  it('more pixels than memory should be spent on', async () => {
    const header = Buffer.from(await encodeImage(noiseImage(8, 8, 1), 'png'));
    header.writeUInt32BE(60000, 16);
    header.writeUInt32BE(50000, 20);
    header.writeUInt32BE(crc32(header.subarray(12, 29)), 29);
    expect(await refusal(header)).toMatch(/60000×50000 = 3000 million pixels; at most 150 million/);
    const photo = heic('upright');
    for (let at = photo.indexOf('ispe'); at > 0; at = photo.indexOf('ispe', at + 1)) {
      photo.writeUInt32BE(20_000, at + 8);
      photo.writeUInt32BE(20_000, at + 12);
    }
    expect(await refusal(photo)).toMatch(/20000×20000 = 400 million pixels; at most 150 million/);
  });
});

describe('encodeImage', () => {
  it.each(['png', 'tiff'] as const)('writes %s that comes back to the last level, alpha too', async (format) => {
    for (const alpha of [false, true]) {
      const image = smooth(33, 21, alpha);
      const eight = await decode(await encodeImage(image, format));
      expect(eight.bits).toBe(8);
      expect(eight.image).toEqual(quantise(image));
      const sixteen = await decode(await encodeImage(image, format, { bits: 16 }));
      expect(sixteen.bits).toBe(16);
      const exact = interleaved(image, 65535).map(Math.round);
      expectLevels(sixteen.image, exact, 65535);
    }
  });

  it.each(['jpeg', 'webp'] as const)('writes %s that looks the same, and smaller at less quality', async (format) => {
    const image = smooth(96, 64);
    const [fine, coarse] = await Promise.all([encodeImage(image, format), encodeImage(image, format, { quality: 20 })]);
    expect(psnr((await decode(fine)).image, image)).toBeGreaterThan(40);
    expect(coarse.length).toBeLessThan(fine.length);
    expect(psnr((await decode(coarse)).image, image)).toBeLessThan(psnr((await decode(fine)).image, image));
  });

  it('keeps alpha in WebP and shows it on white in JPEG', async () => {
    const black = createImage(32, 32, new Float32Array(3 * 1024), smooth(32, 32, true).alpha!);
    const webp = await decode(await encodeImage(black, 'webp'));
    webp.image.alpha!.forEach((a, i) => {
      expect(Math.abs(a - black.alpha![i]!)).toBeLessThan(0.02);
    });
    const { image } = await decode(await encodeImage(black, 'jpeg'));
    expect(image.alpha).toBeUndefined();
    expect(image.data[0]).toBeGreaterThan(0.98);
    expect(image.data[31]).toBeLessThan(0.02);
  });

  it('tags every format as sRGB and writes the same bytes every time', async () => {
    const image = smooth(40, 30);
    const write = () =>
      Promise.all([
        ...FORMATS.map((format) => encodeImage(image, format, { recipe: '{"seed":1}' })),
        encodeImage(image, 'png', { bits: 16 }),
        encodeImage(image, 'tiff', { bits: 16 }),
      ]);
    const first = await write();
    for (const bytes of first) {
      expect((await sharp(bytes).metadata()).icc!.includes('\0s\0R\0G\0B', 0, 'latin1')).toBe(true);
    }
    // A time in the metadata counts seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    (await write()).forEach((bytes, i) => {
      expect(Buffer.compare(bytes, first[i]!)).toBe(0);
    });
  });

  it.each(FORMATS)('carries a recipe through %s, in any language', async (format) => {
    const recipe = JSON.stringify(
      { style: 'Les Ponts d’Étretat', note: '星月夜 <&>"\' ]]> 🌻\n\t', steps: 300 },
      null,
      2,
    );
    for (const bits of format === 'png' || format === 'tiff' ? ([8, 16] as const) : ([8] as const)) {
      expect((await decode(await encodeImage(smooth(20, 20), format, { recipe, bits }))).recipe).toBe(recipe);
    }
    expect(await decode(await encodeImage(smooth(20, 20), format))).not.toHaveProperty('recipe');
    const long = 'é'.repeat(25_000);
    expect((await decode(await encodeImage(smooth(20, 20), format, { recipe: long }))).recipe).toBe(long);
  });

  it('refuses what a format cannot hold', async () => {
    const image = smooth(8, 8);
    const refused = (code: string, message: RegExp) =>
      expect.objectContaining({ code, message: expect.stringMatching(message) });
    await expect(encodeImage(image, 'jpeg', { bits: 16 })).rejects.toEqual(refused('usage', /8 bits.*received 16/));
    await expect(encodeImage(image, 'png', { quality: 90 })).rejects.toEqual(
      refused('usage', /no quality, received 90/),
    );
    await expect(encodeImage(image, 'webp', { quality: 0 })).rejects.toEqual(refused('usage', /1 to 100, received 0/));
    await expect(encodeImage(image, 'jpeg', { recipe: 'x'.repeat(70_000) })).rejects.toEqual(
      refused('input', /60000 bytes/),
    );
    const wide = createImage(16384, 1, new Float32Array(3 * 16384));
    await expect(encodeImage(wide, 'webp')).rejects.toEqual(refused('input', /16384×1 cannot be written as webp/));
  });
});

describe('outputFormat', () => {
  it.each([
    ['a.png', 'png'],
    ['out/a.b.JPG', 'jpeg'],
    ['a.jpeg', 'jpeg'],
    ['C:\\pictures\\a.WebP', 'webp'],
    ['a.tif', 'tiff'],
    ['./a.TIFF', 'tiff'],
  ])('%s is %s', (path, format) => {
    expect(outputFormat(path)).toBe(format);
  });

  it.each(['a.gif', 'png', 'dir.png/a', 'a.', 'a.constructor'])('%s is nothing that Fauve writes', (path) => {
    expect(() => outputFormat(path)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('.png, .jpg, .jpeg, .webp, .tif, .tiff'),
      }),
    );
  });
});
