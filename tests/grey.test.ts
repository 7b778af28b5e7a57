import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isGrey, luminanceImage } from '#src/image/colour.js';
import { createImage, type Image } from '#src/image/image.js';
import { quantise } from '#src/image/quantise.js';
import { resizeImage } from '#src/image/resize.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { apply } from '#src/style-network/apply.js';
import { encodeStyleNetwork } from '#src/style-network/file.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import { captureStyle } from '#src/stylize/capture.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import { texture } from '#src/stylize/texture.js';
import { train } from '#src/training/style-network/train.js';
import { openEngine, type Restyling, restyle, scene, tinyWeights } from './support/restyling.js';
import { tinyModel } from './support/tiny-style-network.js';
import { red, trainingRequest, style as trainStyle } from './support/training.js';

const colourful = scene(64, 48, 1, [0.7, 0.5, 0.3]);
const photo = luminanceImage(colourful);
const painting = luminanceImage(scene(56, 60, 2));
/** A level more or less in one channel, as JPEG leaves it. */
const jpeg = ({ width, height, data }: Image): Image =>
  createImage(
    width,
    height,
    data.map((value, i) => Math.min(255, Math.round(255 * value) + Number(i % 7 === 0)) / 255),
  );
const sepia = ({ width, height, data }: Image): Image =>
  createImage(
    width,
    height,
    data.map((value, i) => value * [1, 0.97, 0.92][Math.floor(i / width / height)]!),
  );

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

/** The greatest difference between channels, in levels of a file with 8 bits. */
function chroma(image: Image): number {
  const { data } = quantise(image);
  const size = data.length / 3;
  let most = 0;
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [data[i]!, data[size + i]!, data[2 * size + i]!];
    most = Math.max(most, Math.max(r, g, b) - Math.min(r, g, b));
  }
  return Math.round(255 * most);
}

it('is what differs by a level at most', () => {
  expect([photo, jpeg(photo), quantise(photo)].map(isGrey)).toEqual([true, true, true]);
  expect([colourful, sepia(photo), jpeg(jpeg(jpeg(photo)))].map(isGrey)).toEqual([false, false, false]);
});

describe('a grey photo in a grey style', () => {
  const grey: Restyling = { content: photo, style: painting };
  const noise = { init: 'noise', seed: 3 } as const;
  it.each<[string, Restyling]>([
    ['as it is by default', {}],
    ['by Adam', { options: { optimiser: 'adam' } }],
    ['from noise', { options: noise }],
    ['from noise by Adam, in two sizes', { options: { ...noise, optimiser: 'adam', scales: 2, coarseSteps: 3 } }],
    ['from a picture in colour', { init: colourful }],
    ['with the luminance restyled', { options: { colours: 'luminance' } }],
    ['with a painting in colour, recoloured as the photo', { style: colourful, options: { colours: 'match' } }],
    ['as JPEG files', { content: jpeg(photo), style: jpeg(painting) }],
    ['of two paintings', { styles: [painting, jpeg(photo)].map((image) => ({ image, weight: 1 })) }],
  ])('is grey: %s', async (_, change) => {
    const { image } = await restyle(runtime, { ...grey, ...change });
    expect(chroma(image)).toBe(0);
    expect(new Set(image.data).size).toBeGreaterThan(100);
  });

  it('is grey in between, and has the alpha of the photo', async () => {
    const alpha = new Float32Array(64 * 48).fill(0.5);
    const pictures: Image[] = [];
    const { image } = await restyle(runtime, {
      ...grey,
      content: createImage(64, 48, photo.data, alpha),
      onProgress: async (event) => {
        if (event.type === 'step') pictures.push(await event.image());
      },
    });
    expect([...pictures, image].map(chroma)).toEqual(Array(7).fill(0));
    expect(image.alpha).toEqual(alpha);
  });

  it('is optimised in grey, not only shown so', async () => {
    const styles = [{ image: painting, weight: 1 }];
    const { image, loss } = await restyle(runtime, grey);
    const options = { size: 64 };
    const measured = await measureLosses({
      ...{ content: photo, styles, weights: tinyWeights, runtime, options },
      generated: quantise(image),
    });
    expect(measured.total / loss).toBeCloseTo(1, 4);
  });

  it('is grey with a style without its painting, and so is its texture', async () => {
    const about = { name: 'waves', title: 'Waves', artist: '', year: null, source: '' };
    const capture = (image: Image) =>
      captureStyle({ image, about, networks: [tinyWeights], runtime, bytes: 1e6, sizes: [64] });
    const style = await capture(jpeg(painting));
    const { image } = await restyle(runtime, { content: photo, styles: [{ style, weight: 1 }] });
    expect(chroma(image)).toBe(0);
    const made = await texture({ style, weights: tinyWeights, runtime, size: 32, steps: 3 });
    expect(chroma(made.image)).toBe(0);
    const { image: coloured } = await restyle(runtime, {
      content: photo,
      styles: [{ style: await capture(colourful), weight: 1 }],
    });
    expect(chroma(coloured)).toBeGreaterThan(10);
  });

  it.each<[string, Restyling]>([
    ['the photo', { content: colourful }],
    ['the painting', { style: colourful }],
    ['a sepia painting', { style: sepia(painting) }],
    ['one of two paintings', { styles: [painting, colourful].map((image) => ({ image, weight: 1 })) }],
  ])('has colour where there is some: %s', async (_, change) => {
    expect(chroma((await restyle(runtime, { ...grey, ...change })).image)).toBeGreaterThan(5);
  });
});

describe('a trained network', () => {
  const bytes = () => {
    const model = tinyModel(5);
    const styles = model.styles.map((each) => (each.name === 'scream' ? each : { ...each, grey: true as const }));
    return encodeStyleNetwork({ ...model, styles });
  };

  it('gives a grey photo in grey styles no colour, whatever its weights do', async () => {
    const network = await openStyleNetwork(runtime, { fileName: 'tiny.onnx', bytes: bytes() });
    const restyled = async (image: Image, names: string[], strength = 1) => {
      const styles = names.map((name) => ({ name }));
      return chroma((await apply({ image, network, styles, options: { strength } })).image);
    };
    expect(await restyled(photo, ['wave'])).toBe(0);
    expect(await restyled(jpeg(photo), ['wave', 'night'], 0.5)).toBe(0);
    expect(await restyled(resizeImage(photo, 9, 7), ['wave'])).toBe(0);
    expect(await restyled(photo, ['wave', 'scream'])).toBeGreaterThan(5);
    expect(await restyled(colourful, ['wave'])).toBeGreaterThan(5);
    await network.close();
  });

  it('knows from its training which styles are grey', async () => {
    const { style, ...rest } = trainStyle('ink', 6, [0.5, 0.5, 0.5]);
    const ink = { ...rest, style: { image: luminanceImage((style as { image: Image }).image) } };
    const request = trainingRequest(runtime, { iterations: 1 });
    const { model } = await train({ ...request, styles: [red, ink] });
    expect(model.styles.map(({ name, grey }) => [name, grey])).toEqual([
      ['red', undefined],
      ['ink', true],
    ]);
  });
});
