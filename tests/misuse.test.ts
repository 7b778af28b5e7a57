import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage as decodeInBrowser } from '#src/platform/browser/decode.js';
import { encodeImage as encodeInBrowser } from '#src/platform/browser/encode.js';
import { loadEngine } from '#src/platform/browser/engine.js';
import * as served from '#src/platform/browser/models.js';
import * as fauve from './support/doors.js';
import { openEngine, scene, tinyWeights } from './support/restyling.js';
import { negative } from './support/tiny-style-network.js';
import { trainingRequest } from './support/training.js';

// Who writes no TypeScript can call with anything.
// biome-ignore lint/suspicious/noExplicitAny: that is what is tested
type Anything = any;
const f: Record<string, (...given: Anything[]) => Anything> = fauve as Anything;

let runtime: fauve.Runtime;
let closed: fauve.Runtime;
let style: fauve.Style;
let network: fauve.StyleNetwork;
let folder: string;
const content = scene(64, 48, 1);
const painting = scene(48, 64, 2);
const file = { fileName: 'negative.onnx', bytes: negative({ white: 1 }) };
const about = { name: 'waves', title: 'Waves', artist: '', year: null, source: '' };

/** A file whose content is known by a word that no error may repeat. */
const secret = Buffer.from(`SECRET ${'x'.repeat(5000)}`);

beforeAll(async () => {
  runtime = await openEngine();
  closed = await openEngine();
  await closed.close();
  style = await fauve.captureStyle({ image: painting, about, networks: [tinyWeights], runtime, sizes: [64] });
  network = await fauve.openStyleNetwork(runtime, file);
  folder = await mkdtemp(join(tmpdir(), 'fauve-misuse-'));
});
afterAll(async () => {
  await network.close();
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

const options = { size: 64, steps: 1, scales: 1 };
/** What the functions are called with when all is well. */
const good = () => ({
  stylize: { content, styles: [{ image: painting }], weights: tinyWeights, runtime, options },
  texture: { style, weights: tinyWeights, runtime, size: 32, steps: 1 },
  losses: { content, styles: [{ image: painting }], generated: content, weights: tinyWeights, runtime },
  gram: { styles: [{ image: painting }], layers: ['relu1_1'], beside: content, weights: tinyWeights, runtime },
  capture: { image: painting, about, networks: [tinyWeights], runtime, sizes: [64] },
  apply: { image: content, network },
  train: trainingRequest(runtime),
  distil: { teacher: tinyWeights, runtime, photos: [], paintings: [], tests: [] },
});

const stylize = (change: object) => f.stylize!({ ...good().stylize, ...change });
const withStyle = (given: unknown) => stylize({ styles: [given] });
const image = (change: object) => ({ ...content, ...change });
const imageData = { width: 64, height: 48, data: new Uint8ClampedArray(64 * 48 * 4), colorSpace: 'srgb' };
const levels = image({ data: content.data.map((value) => 255 * value) });

const calls: [what: string, call: () => unknown, says: RegExp][] = [
  // Requests as a whole.
  ['no request', () => f.stylize!(), /^stylize: expected an object with content, .*; received undefined\.$/],
  ['null for a request', () => f.stylize!(null), /received null/],
  ['a request that is a Promise', () => f.stylize!(Promise.resolve({})), /^stylize is a Promise: await it/],
  ['a list for a request', () => f.train!([1, 2]), /received \[1, 2\]/],
  ['null to texture', () => f.texture!(null), /^texture: .*received null/],
  ['nothing to train', () => f.train!(), /^train: .*received undefined/],
  ['a text to distil', () => f.distil!('x'), /^distil: .*received "x"/],
  ['null to apply', () => f.apply!(null), /^apply: .*received null/],
  ['nothing to captureStyle', () => f.captureStyle!(), /^captureStyle: .*received undefined/],
  ['nothing to measureLosses', () => f.measureLosses!(), /^measureLosses: .*received undefined/],
  ['a number to gramMatrices', () => f.gramMatrices!(7), /^gramMatrices: .*received 7/],
  ['a slip in a name', () => stylize({ wieghts: tinyWeights }), /no 'wieghts'\. Perhaps you mean weights\./],
  ['an option outside of options', () => stylize({ styleWeight: 2 }), /write options: \{ styleWeight: … \}/],
  // Pictures.
  [
    'a path for a picture',
    () => stylize({ content: 'photo.jpg' }),
    /received "photo\.jpg"\. Read it first: await readImage/,
  ],
  ['bytes for a picture', () => stylize({ content: secret }), /received a Buffer of 5007 bytes\. Decode them first/],
  ['a Promise for a picture', () => stylize({ content: Promise.resolve(content) }), /content is a Promise: await it/],
  ['a decoded image for a picture', () => stylize({ content: { image: content } }), /Give its \.image\./],
  ['no picture', () => stylize({ content: undefined }), /content: .*received undefined/],
  [
    'an ImageData',
    () => stylize({ content: imageData }),
    /received a Uint8ClampedArray of 12288 values.*divided by 255/,
  ],
  ['levels up to 255', () => stylize({ content: levels }), /expected values in \[0,1\]; received \d.*Divide .* by 255/],
  [
    'NaN in a picture',
    () => stylize({ content: image({ data: content.data.map(() => Number.NaN) }) }),
    /received NaN at 0/,
  ],
  ['planes that are too short', () => stylize({ content: image({ width: 65 }) }), /needs 9360 values.*received 9216/],
  [
    'alpha that is too short',
    () => stylize({ content: image({ alpha: new Float32Array(3) }) }),
    /3072 alpha values, received 3/,
  ],
  ['a path to begin with', () => stylize({ init: 'x.png' }), /init: .*received "x\.png"/],
  // Styles.
  ['no styles', () => stylize({ styles: undefined }), /styles: expected an array of styles; received undefined/],
  ['one style without a list', () => stylize({ styles: { image: painting } }), /received an object with image/],
  ['an empty list of styles', () => stylize({ styles: [] }), /There is no style/],
  ['a bare picture for a style', () => withStyle(painting), /styles\[0\]: .*Write \{ image: …, weight: 1 \}/],
  ['a bare style for a style', () => withStyle(style), /Write \{ style: …, weight: 1 \}/],
  [
    'the name of a style',
    () => withStyle({ style: 'starry-night' }),
    /received "starry-night"\. Load one: await loadStyle/,
  ],
  [
    'a style that is a Promise',
    () => withStyle({ style: f.loadStyle!('starry-night') }),
    /style is a Promise: await it/,
  ],
  ['bytes for a style', () => withStyle({ style: secret }), /Buffer of 5007 bytes\. Decode them: decodeStyle/],
  [
    'a text for a weight',
    () => withStyle({ image: painting, weight: '2' }),
    /weight: expected a positive number; received "2"/,
  ],
  ['a negative weight', () => withStyle({ image: painting, weight: -1 }), /received -1/],
  ['a slip in a weight', () => withStyle({ image: painting, wieght: 2 }), /no 'wieght'\. Perhaps you mean weight\./],
  [
    'a picture as a captured style',
    () => f.texture!({ ...good().texture, style: painting }),
    /texture, style: .*given as \{ image \}/,
  ],
  // Weights, engine and the rest.
  [
    'no weights',
    () => stylize({ weights: undefined }),
    /weights: .*received undefined\. Load them: await loadNetworkWeights/,
  ],
  ['the name of a network', () => stylize({ weights: 'distilled' }), /await loadNetworkWeights\('distilled'\)/],
  [
    'weights that are a Promise',
    () => stylize({ weights: Promise.resolve(tinyWeights) }),
    /weights is a Promise: await it/,
  ],
  [
    'the bytes of weights',
    () => f.measureLosses!({ ...good().losses, weights: secret }),
    /Decode them: await decodeWeights/,
  ],
  ['no engine', () => stylize({ runtime: undefined }), /runtime: .*Start one: await startEngine/],
  ['an engine that is a Promise', () => stylize({ runtime: openEngine() }), /runtime is a Promise: await it/],
  ['a closed engine', () => stylize({ runtime: closed }), /^The engine is closed\. Start another/],
  [
    'a controller for a signal',
    () => stylize({ signal: new AbortController() }),
    /received an AbortController\. Give its \.signal/,
  ],
  [
    'true for a signal',
    () => f.apply!({ ...good().apply, signal: true }),
    /signal: expected an AbortSignal; received true/,
  ],
  ['a text for a listener', () => stylize({ onProgress: 'log' }), /onProgress: expected a function; received "log"/],
  [
    'a text for a limit',
    () => stylize({ memoryLimit: '2 GB' }),
    /memoryLimit: expected a positive number; received "2 GB"/,
  ],
  ['bytes for a checkpoint', () => stylize({ resume: secret }), /Buffer of 5007 bytes\. Decode them: decodeCheckpoint/],
  [
    'an empty object for a checkpoint',
    () => stylize({ resume: {} }),
    /expected a checkpoint; received an empty object/,
  ],
  ['no options', () => stylize({ options: null }), /options: expected an object; received null/],
  ['a slip in an option', () => stylize({ options: { sise: 5 } }), /no option 'sise'\. Perhaps you mean size\./],
  [
    'an unheard-of option',
    () => stylize({ options: { zzzz: 5 } }),
    /no option 'zzzz'\. Use one of size, .* and \d+ more\.$/,
  ],
  [
    'bytes for an option',
    () => stylize({ options: { steps: secret } }),
    /The option steps: .*received a Buffer of 5007 bytes/,
  ],
  ['a bigint for an option', () => stylize({ options: { steps: 5n } }), /The option steps: .*received 5/],
  // Trained networks.
  ['a network that is not open', () => f.apply!({ ...good().apply, network: file }), /network: .*Open it/],
  [
    'the path of a network',
    () => f.openStyleNetwork!(runtime, 'fast'),
    /received "fast"\. Load it: await loadStyleNetwork/,
  ],
  ['the bytes of a network', () => f.openStyleNetwork!(runtime, secret), /Write \{ fileName, bytes \}/],
  [
    'a network without an engine',
    () => f.openStyleNetwork!(undefined, file),
    /openStyleNetwork, runtime: .*received undefined/,
  ],
  [
    'an unknown range',
    () => f.openStyleNetwork!(runtime, file, { range: 255 }),
    /range: expected 0-1 or 0-255; received 255/,
  ],
  ['nothing to check', () => f.checkStyleNetwork!(), /checkStyleNetwork, file: .*received undefined/],
  ['names of styles', () => f.apply!({ ...good().apply, styles: ['wave'] }), /styles\[0\]: .*received "wave"/],
  [
    'an unknown option of apply',
    () => f.apply!({ ...good().apply, options: { strenght: 1 } }),
    /Perhaps you mean strength/,
  ],
  [
    'a folder for photos',
    () => f.train!({ ...good().train, photos: 'photos/' }),
    /photos: .*await pictureFolder\(folder\)/,
  ],
  ['a painting for a style to train', () => f.train!({ ...good().train, styles: [painting] }), /train, styles\[0\]/],
  [
    'an unknown option of training',
    () => f.train!({ ...good().train, options: { iteration: 1 } }),
    /Perhaps you mean iterations/,
  ],
  [
    'a network to start from as bytes',
    () => f.train!({ ...good().train, from: secret }),
    /Decode it: decodeStyleNetwork/,
  ],
  ['a teacher by its name', () => f.distil!({ ...good().distil, teacher: 'vgg19' }), /loadNetworkWeights\('vgg19'\)/],
  [
    'an unknown option of distil',
    () => f.distil!({ ...good().distil, options: { step: 1 } }),
    /Perhaps you mean steps/,
  ],
  [
    'one network without a list',
    () => f.captureStyle!({ ...good().capture, networks: tinyWeights }),
    /Write \[weights\]/,
  ],
  [
    'no networks',
    () => f.captureStyle!({ ...good().capture, networks: [] }),
    /at least one network; received an empty array/,
  ],
  [
    'nothing to say of a painting',
    () => f.captureStyle!({ ...good().capture, about: undefined }),
    /about: .*received undefined/,
  ],
  // Files, bytes and names.
  ['a number to read', () => f.readImage!(3), /expected the path of a file; received 3/],
  ['nothing to read', () => f.readImage!(), /received undefined/],
  ['a whole file as a path', () => f.readImage!(`${secret}`), /too long|does not exist|path/],
  [
    'a path with a zero',
    () => f.readImage!('SECRET\0'),
    /expected the path of a file; received a text of 7 characters/,
  ],
  ['bytes that are no picture', () => f.readImage!(secret), /^Image of 5007 bytes is not a picture/],
  ['nothing to decode', () => f.decodeImage!(), /decodeImage, bytes: .*received undefined/],
  ['a path to decode', () => f.decodeImage!('photo.jpg'), /received "photo\.jpg"/],
  ['a Blob to decode', () => f.decodeImage!(new Blob(['x'])), /received a Blob\. Give new Uint8Array/],
  ['a path to encode', () => f.encodeImage!('photo.jpg', 'png'), /encodeImage, image: .*received "photo\.jpg"/],
  ['levels to encode', () => f.encodeImage!(levels, 'png'), /Divide levels/],
  ['an unknown format', () => f.encodeImage!(content, 'bmp'), /expected png, jpeg, webp, tiff; received "bmp"/],
  ['a slip in an option of a file', () => f.encodeImage!(content, 'jpeg', { qualty: 3 }), /Perhaps you mean quality/],
  ['a picture where its path belongs', () => f.writeImage!(content, 'x.png'), /writeImage, image: .*received "x\.png"/],
  ['a result for a picture', () => f.writeImage!('x.png', { image: content }), /Give its \.image/],
  ['no path to write to', () => f.writeImage!(undefined, content), /The path of a picture: .*received undefined/],
  ['a text to write', () => f.writeFileAtomically!(join(folder, 'x'), 'text'), /bytes of a file .*received "text"/],
  ['an ImageData to resize', () => f.resizeImage!(imageData, 8, 8), /Uint8ClampedArray/],
  ['no size', () => f.resizeImage!(content), /integers of at least 1/],
  [
    'a picture of bytes',
    () => f.createImage!(2, 2, new Uint8Array(12)),
    /Float32Array .*Uint8Array of 12 bytes.*by 255/,
  ],
  ['a picture that is too short', () => f.createImage!(2, 2, new Float32Array(9)), /needs 12 values .*received 9/],
  ['a picture without data', () => f.createImage!(2, 2), /received undefined/],
  ['a path to crop', () => f.cropImage!('x', { left: 0, top: 0, width: 1, height: 1 }), /cropImage, image/],
  ['no part to crop', () => f.cropImage!(content), /cropImage, part: .*received undefined/],
  ['a path to compare', () => f.ssim!(content, 'x.png'), /The second image: .*received "x\.png"/],
  ['a path to quantise', () => f.quantise!('x.png'), /quantise, image/],
  ['a path for its header', () => f.imageHeader!('x.png'), /imageHeader, bytes: .*received "x\.png"/],
  ['no name of a network', () => f.loadNetworkWeights!(), /The name of a network: expected a text; received undefined/],
  ['a slip in the store', () => f.loadNetworkWeights!('distilled', { chache: folder }), /Perhaps you mean cache/],
  ['no name of a style', () => f.loadStyle!(), /The name of a style: expected a text; received undefined/],
  ['a slip in a style', () => f.loadStyle!('stary-night'), /Perhaps you mean starry-night\./],
  ['a number for a style file', () => f.readStyle!(1), /Style file: expected the path of a file; received 1/],
  ['nothing for a style file', () => f.decodeStyle!(), /The style file: .*received undefined/],
  ['a text for a style file', () => f.decodeStyle!('starry-night'), /received "starry-night"/],
  [
    'a file for a style',
    () => f.encodeStyle!({ path: 'x' }),
    /expected a captured style .*received an object with path/,
  ],
  ['nothing for a checkpoint', () => f.decodeCheckpoint!(), /The checkpoint: .*received undefined/],
  ['nothing to keep', () => f.encodeCheckpoint!(), /encodeCheckpoint: expected a checkpoint; received undefined/],
  ['nothing for training', () => f.decodeTrainCheckpoint!(null), /received null/],
  ['nothing for a network', () => f.decodeStyleNetwork!(5), /The model: .*received 5/],
  ['a file for a network', () => f.encodeStyleNetwork!(file), /Decode it: decodeStyleNetwork\(file\.bytes\)/],
  ['nothing for weights', () => f.decodeWeights!(), /The weight file: .*received undefined/],
  ['a network without a name', () => f.loadStyleNetwork!(), /The network: expected a text; received undefined/],
  ['a folder that is a number', () => f.pictureFolder!(4), /The folder: expected a text; received 4/],
  [
    'an unknown device',
    () => f.startEngine!({ device: 'gpu' }),
    /device: expected auto or cpu or webgpu; received "gpu"/,
  ],
  ['null for an engine', () => f.startEngine!(null), /startEngine: .*received null/],
  ['a recipe that is none', () => f.decodeRecipe!(undefined), /expected a text; received undefined/],
  ['no series', () => f.lossPlotSvg!(), /lossPlotSvg: expected an array of series; received undefined/],
  ['no settings', () => f.lossTerms!(), /lossTerms: .*received undefined/],
  ['no size to fit', () => f.outputSize!(undefined, 5), /outputSize, content: .*received undefined/],
  // In a browser.
  [
    'nothing to decode in a browser',
    () => decodeInBrowser(undefined as Anything),
    /decodeImage, bytes: .*received undefined/,
  ],
  ['a path to encode in a browser', () => encodeInBrowser('x.png' as Anything, 'png'), /received "x\.png"/],
  ['an engine from nowhere', () => loadEngine({} as Anything), /assets: expected the address of a folder/],
  [
    'models from nowhere',
    () => (served.loadStyle as Anything)('starry-night'),
    /The options of loading: .*received undefined/,
  ],
];

describe('a wrong call', () => {
  it.each(calls)('%s', async (_, call, says) => {
    const error: unknown = await (async () => call())().then(
      () => new Error('Nothing was refused.'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof fauve.FauveError)) throw error;
    expect(['usage', 'input']).toContain(error.code);
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/[\n\r]|SECRET/);
    expect(error.message.length).toBeLessThanOrEqual(300);
  });
});

/** What takes anything, or does something with it; `startEngine` without anything starts one. */
const others = /^(cacheFolder|startEngine|makeFolder|writeFileAtomically|checkWritable|\w+Aborted|FauveError)$/;
/** What Fauve's own faces are made of: they check what they are given before they call these. */
const ofFaces =
  /^(perhaps|kindNames|(apply|stylize|texture)Recipe|checkEngineOptions|fileError|listPictures|applyMemory)$/;
const isTried = (name: string) => typeof f[name] === 'function' && !others.test(name) && !ofFaces.test(name);
const functions = Object.keys(f).filter(isTried);

const anything: readonly Anything[][] = [
  [],
  [null, null, null],
  ['SECRET'.repeat(900), 'x'],
  ['x', null],
  ['x', {}, {}],
  [{}, {}, {}],
  [[], [], []],
  [-5, 5n],
  [secret],
  [content, 'x'],
  [Promise.resolve(content), Promise.resolve(1)],
  [() => 1, Symbol('x')],
];

describe('any call at all', () => {
  it.each(functions)('of %s is met, or refused in one line', async (name) => {
    for (const given of anything) {
      const error: unknown = await (async () => void (await f[name]!(...given)))().catch((reason: unknown) => reason);
      if (error === undefined) continue;
      if (!(error instanceof fauve.FauveError)) throw error;
      expect(error.message).not.toMatch(/[\n\r]|SECRET/);
      expect(error.message.length).toBeLessThanOrEqual(300);
    }
  });
});

describe('what is meant', () => {
  it('is taken: a style with its file, and no weight', async () => {
    const path = join(folder, 'waves.style');
    await writeFile(path, fauve.encodeStyle(style));
    const read = await fauve.readStyle(path);
    const request = good().stylize;
    const plain = await fauve.stylize({ ...request, styles: [{ style, weight: 1 }] });
    for (const given of [{ style: read }, read]) {
      expect((await fauve.stylize({ ...request, styles: [given] })).image.data).toEqual(plain.image.data);
    }
    await expect(fauve.texture({ ...good().texture, style: read })).resolves.toBeDefined();
  });

  it('is taken: undefined for what may be left out', async () => {
    const nothing = { init: undefined, fast: undefined, resume: undefined, signal: undefined, onProgress: undefined };
    await expect(stylize(nothing)).resolves.toBeDefined();
  });

  it('is read: a path, its URL, bytes in all forms', async () => {
    const bytes = await fauve.encodeImage(content, 'png');
    const path = join(folder, 'photo.png');
    await writeFile(path, bytes);
    const expected = (await fauve.readImage(path)).data;
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    for (const given of [new URL(`file://${path}`), bytes, Buffer.from(bytes), buffer]) {
      expect((await fauve.readImage(given)).data).toEqual(expected);
    }
    expect((await fauve.decodeImage(buffer)).image.data).toEqual(expected);
  });
});
