import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { readSafetensors, type StoredType, writeSafetensors } from '#src/formats/safetensors.js';
import type { WeightTensor } from '#src/formats/tensor.js';
import { createImage } from '#src/image/image.js';
import { paletteImage, paletteOf } from '#src/styles/palette.js';
import { decodeStyle, encodeStyle, looksLikeStyle, type Style } from '#src/styles/style-file.js';
import { captureStyle } from '#src/stylize/capture.js';
import { openEngine, scene, tinyWeights } from './support/restyling.js';

const about = { name: 'waves', title: 'Waves — étude', artist: 'N. N.', year: 1905, source: 'a test' };

let style: Style;
let bytes: Uint8Array;
beforeAll(async () => {
  const runtime = await openEngine();
  const other = { ...tinyWeights, name: 'other', sha256: 'f'.repeat(64) };
  style = await captureStyle({
    image: scene(80, 60, 4, [0.7, 0.4, 0.3]),
    about,
    networks: [tinyWeights, other],
    runtime,
    sizes: [64, 96],
  });
  bytes = encodeStyle(style);
  await runtime.close();
});

/** The file with its tensors or its metadata changed. */
function changed(change: (tensors: Map<string, WeightTensor>, metadata: Record<string, string>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes, 'it', { integers: true });
  const words = { ...metadata };
  change(tensors, words);
  return writeSafetensors(tensors, words, (key): StoredType => (key.endsWith('/factor') ? 'I8' : 'F16'));
}

describe('a style file', () => {
  it('comes back as it was, and gives the same bytes again', () => {
    expect(looksLikeStyle(bytes)).toBe(true);
    const back = decodeStyle(bytes);
    expect(back).toEqual(style);
    expect(encodeStyle(back)).toEqual(bytes);
    expect(back).toMatchObject(about);
    expect(back.networks.map(({ network }) => network)).toEqual(['vgg19', 'other']);
    expect(back.networks[0]!.sizes.map(({ size }) => size)).toEqual([64, 96]);
    expect(Object.keys(back.networks[0]!.sizes[0]!.layers)).toEqual([
      ...['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'],
    ]);
    expect(back.palette.length).toBeGreaterThan(1);
  });

  it.each<[RegExp, () => Uint8Array]>([
    [/does not begin as one/, () => new TextEncoder().encode('no style at all')],
    [/truncated or corrupted/, () => bytes.subarray(0, bytes.length - 9)],
    [/format is "fauve-style-9"/, () => changed((_, words) => Object.assign(words, { format: 'fauve-style-9' }))],
    [/format is undefined/, () => changed((_, words) => void delete words.format)],
    [/about itself is damaged/, () => changed((_, words) => Object.assign(words, { about: '{"name":"../x"}' }))],
    [
      /about itself is damaged/,
      () => changed((_, words) => Object.assign(words, { about: words.about!.replace('Waves', 'W\\u001b[2Javes') })),
    ],
    [/list of networks is damaged/, () => changed((_, words) => Object.assign(words, { networks: '{"vgg19":"12"}' }))],
    [/no network/, () => changed((_, words) => Object.assign(words, { networks: '{}' }))],
    [
      /nothing for vgg16/,
      () => changed((_, words) => Object.assign(words, { networks: `{"vgg16":"${'0'.repeat(64)}"}` })),
    ],
    [
      /belongs to no layer/,
      () => changed((_, words) => Object.assign(words, { networks: words.networks!.replace(/,.*}/, '}') })),
    ],
    [/has no vgg19\/64\/relu1_1\/steps/, () => changed((tensors) => void tensors.delete('vgg19/64/relu1_1/steps'))],
    [
      /other layers at 96/,
      () =>
        changed((tensors) => {
          for (const part of ['factor', 'steps', 'statistics']) tensors.delete(`vgg19/96/relu5_1/${part}`);
        }),
    ],
    [
      /steps are 7/,
      () => changed((tensors) => void tensors.set('vgg19/64/relu1_1/steps', { shape: [7], data: new Float32Array(7) })),
    ],
    [/holds NaN/, () => changed((tensors) => void tensors.get('vgg19/64/relu2_1/steps')!.data.fill(Number.NaN))],
    [/steps are negative/, () => changed((tensors) => void tensors.get('vgg19/64/relu2_1/steps')!.data.fill(-1))],
    [/negative deviation/, () => changed((tensors) => void tensors.get('vgg19/64/relu2_1/statistics')!.data.fill(-1))],
    [
      /belongs to no layer/,
      () => changed((tensors) => void tensors.set('vgg19/64/evil', { shape: [1], data: new Float32Array(1) })),
    ],
  ])('that is damaged is refused in one line: %s', (message, damaged) => {
    try {
      decodeStyle(damaged(), 'wave.style');
    } catch (error) {
      expect(error).toBeInstanceOf(FauveError);
      expect((error as FauveError).code).toBe('input');
      expect((error as FauveError).message).toMatch(message);
      expect((error as FauveError).message).toMatch(/^wave\.style [^\n]*$/);
      return;
    }
    expect.unreachable();
  });

  it('with any byte changed is either refused or a style', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = value;
        try {
          decodeStyle(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FauveError);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('holds only words and numbers that fit', () => {
    const code = (change: Partial<Style>) => {
      try {
        encodeStyle({ ...style, ...change });
        return undefined;
      } catch (error) {
        return error instanceof FauveError ? error.code : error;
      }
    };
    expect(code({ name: 'Great Wave' })).toBe('usage');
    expect(code({ title: '' })).toBe('usage');
    expect(code({ title: 'a\nb' })).toBe('usage');
    expect(code({ year: 1905.5 })).toBe('usage');
    expect(code({ palette: ['red'] })).toBe('usage');
    const layers = structuredClone(style.networks[0]!.sizes[0]!.layers) as Style['networks'][0]['sizes'][0]['layers'];
    layers.relu1_1!.statistics.data[0] = 1e6;
    expect(code({ networks: [{ ...style.networks[0]!, sizes: [{ size: 64, layers }] }] })).toBe('input');
    expect(code({ year: null, artist: '', source: '' })).toBeUndefined();
  });
});

describe('the palette', () => {
  it('has the colours of a picture of few, by their share', () => {
    const colours = [
      [1, 0, 0],
      [0, 0, 1],
      [1, 1, 0],
    ];
    const data = new Float32Array(300);
    for (let i = 0; i < 100; i++) {
      for (let c = 0; c < 3; c++) data[c * 100 + i] = colours[i < 60 ? 0 : i < 90 ? 1 : 2]![c]!;
    }
    expect(paletteOf(createImage(10, 10, data))).toEqual(['#ff0000', '#0000ff', '#ffff00']);
    expect(paletteOf(createImage(2, 2, new Float32Array(12).fill(0.5)))).toEqual(['#808080']);
    const back = paletteImage(['#ff0000', '#0000ff']);
    expect([back.width, back.height, [...back.data]]).toEqual([2, 1, [1, 0, 0, 0, 0, 1]]);
  });

  it('is the same each time', () => {
    const image = scene(200, 150, 3);
    expect(paletteOf(image)).toEqual(paletteOf(image));
    expect(paletteOf(image)).toHaveLength(6);
  });
});
