import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { relu } from '#src/graph/ops.js';
import { input } from '#src/graph/tensor.js';
import { keepLuminance } from '#src/image/colour.js';
import { createImage, type Image } from '#src/image/image.js';
import { psnr } from '#src/image/metrics.js';
import { cropPlanes, mirrorPlanes } from '#src/image/planes.js';
import { resizeImage } from '#src/image/resize.js';
import { emitModel } from '#src/onnx/model.js';
import { startEngine } from '#src/platform/node/engine.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { apply } from '#src/style-network/apply.js';
import { checkStyleNetwork } from '#src/style-network/check.js';
import { styleShares } from '#src/style-network/code.js';
import { decodeStyleNetwork } from '#src/style-network/file.js';
import type { PixelRange } from '#src/style-network/foreign.js';
import { styleNetwork } from '#src/style-network/graph.js';
import { applyMemory } from '#src/style-network/memory.js';
import type { StyleNetwork } from '#src/style-network/network.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import { planApply } from '#src/style-network/plan.js';
import { runApply } from '#src/style-network/run.js';
import { styleNetworkMinimumSize, styleNetworkShapeOf } from '#src/style-network/shape.js';
import { type Dim, foreignModel, negativeIn } from './support/foreign-model.js';
import { wasmEngine } from './support/ort.js';
import { random } from './support/random.js';
import { openEngine, scene } from './support/restyling.js';
import { negative, tinyFile } from './support/tiny-style-network.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const opened: StyleNetwork[] = [];
const open = async (bytes: Uint8Array, range?: PixelRange) => {
  const network = await openStyleNetwork(runtime, { fileName: 'tiny.onnx', bytes }, { range });
  opened.push(network);
  return network;
};
afterAll(async () => {
  for (const network of opened) await network.close();
});

const wave = [{ name: 'wave' }];

/** The code and the message of what was thrown. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  return `${error.code}: ${error.message}`;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('a network of fauve train', () => {
  it.each([
    ['at half size', { channels: [0, 4, 8] as const }, 33, 26],
    ['at full size', { channels: [4, 4, 8] as const, kernels: [5, 3] as const }, 21, 31],
    ['of one style', { styles: 1 }, 20, 23],
  ])('gives what the float64 reference gives: %s', async (_, change, width, height) => {
    const bytes = tinyFile(5, change);
    const network = await open(bytes);
    const image = scene(width, height, 3);
    const shares = Float32Array.of(0.5, 0.2, 0.3).subarray(0, network.styles.length);
    if (shares.length === 1) shares[0] = 1;
    const { weights } = decodeStyleNetwork(bytes);
    const names = new Map([...weights].map(([name, { shape }]) => [name, input(name, shape)]));
    const feeds = Object.fromEntries([...weights].map(([name, { data }]) => [name, data]));
    const style = shares.length > 1 ? input('style', [1, shares.length]) : undefined;
    const shape = styleNetworkShapeOf(weights);
    const graph = styleNetwork(input('image', [1, 3, height, width]), style, (name) => names.get(name)!, shape);
    const [expected] = evaluate([graph], { ...feeds, image: image.data, style: shares });
    expect(largestDifference(await network.run(image, shares), expected!)).toBeLessThan(1e-3);
  });

  it('gives a picture of the same size, whatever the size', async () => {
    const network = await open(tinyFile(6));
    const side = fc.integer({ min: 1, max: 70 });
    await fc.assert(
      fc.asyncProperty(side, side, async (width, height) => {
        const { image } = await apply({
          image: scene(width, height, 4),
          network,
          styles: wave,
        });
        expect([image.width, image.height]).toEqual([width, height]);
        expect(image.data.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
      { seed: 1905, numRuns: 40 },
    );
  });

  it('mirrors what is too small, and cuts it out again', async () => {
    const network = await open(tinyFile(6));
    const image = scene(9, 30, 5);
    const side = styleNetworkMinimumSize(network.shape);
    const wide = { width: side, height: 30 };
    const mirrored = mirrorPlanes(image.data, image, wide, { top: 0, left: 0 });
    // Column 8 is the last one of its own, 9 its left neighbour again.
    expect([mirrored[8], mirrored[9], mirrored[16]]).toEqual([image.data[8], image.data[7], image.data[0]]);
    const shares = Float32Array.of(1, 0, 0);
    const whole = await network.run(createImage(side, 30, mirrored), shares);
    const expected = cropPlanes(whole, wide, image, { top: 0, left: 0 });
    expect(await network.run(image, shares)).toEqual(expected);
  });

  it('plans before it runs: everything is decided, frozen, and in the plan', async () => {
    const network = await open(tinyFile(7));
    const image = scene(24, 20, 6);
    const styles = [{ name: 'wave', weight: 3 }, { name: 'scream' }];
    const request = { image, network, styles, options: { size: 30 } };
    const plan = await planApply(request);
    expect(plan.code).toEqual(Float32Array.of(0.75, 0.25, 0));
    expect(plan.code).toEqual(await network.encoder.encode(styles));
    expect(plan.size).toEqual({ width: 30, height: 25 });
    expect(plan.memory).toBe(applyMemory(network, plan.size));
    expect(plan.colourless).toBe(false);
    for (const each of [plan, plan.options, plan.size]) expect(Object.isFrozen(each)).toBe(true);
    expect((await runApply(plan)).image).toEqual((await apply(request)).image);
    expect(await failure(runApply(plan, { signal: AbortSignal.abort() }))).toMatch(/^aborted/);
  });

  it('mixes styles by their weights, which add up to 1', async () => {
    const network = await open(tinyFile(7));
    const image = scene(24, 20, 6);
    const restyle = async (...styles: { name: string; weight?: number }[]) =>
      (await apply({ image, network, styles })).image.data;
    const mixed = await restyle(
      { name: 'wave', weight: 4 },
      { name: 'scream', weight: 2 },
      { name: 'wave', weight: 2 },
    );
    expect(mixed).toEqual(await network.run(image, Float32Array.of(0.75, 0.25, 0)));
    const [pure, other] = [await restyle({ name: 'wave', weight: 0.1 }), await restyle({ name: 'scream' })];
    expect(pure).toEqual(await network.run(image, Float32Array.of(1, 0, 0)));
    for (const [a, b] of [
      [pure, other],
      [pure, mixed],
      [mixed, other],
    ] as const) {
      expect(largestDifference(a, b)).toBeGreaterThan(0.02);
    }
  });

  it('says which styles there are', async () => {
    const network = await open(tinyFile(7));
    const image = scene(20, 20, 6);
    const refused = (...styles: { name: string; weight?: number }[]) => failure(apply({ image, network, styles }));
    expect(await refused({ name: 'wale' })).toBe(
      "usage: tiny.onnx has no style 'wale'. It has wave, scream, night. Perhaps you mean wave.",
    );
    expect(await refused({ name: 'x' })).toBe("usage: tiny.onnx has no style 'x'. It has wave, scream, night.");
    expect(await refused()).toBe('usage: tiny.onnx has 3 styles. Say which: wave, scream, night.');
    expect(await refused({ name: 'wave', weight: 0 })).toContain('is a positive number, received 0');
    const many = Array.from({ length: 60 }, (_, i) => ({ name: `s${i}` }));
    expect(() => styleShares(many, [], 'many.onnx')).toThrow(/s39 and 20 more\.$/);
  });

  it('takes a strength: 0 is the photo, 1 the picture', async () => {
    const network = await open(tinyFile(7));
    const image = scene(21, 18, 6);
    const at = async (strength: number) =>
      (await apply({ image, network, styles: wave, options: { strength } })).image.data;
    const [photo, half, picture] = [await at(0), await at(0.5), await at(1)];
    expect(photo).toEqual(image.data);
    const mean = picture.map((value, i) => (value + image.data[i]!) / 2);
    expect(largestDifference(half, mean)).toBeLessThan(1e-6);
  });

  it("keeps the photo's colours, and its alpha", async () => {
    const network = await open(tinyFile(7));
    const { data } = scene(24, 20, 8);
    const image = createImage(24, 20, data, random(9).uniform([480], 0, 1));
    const plain = (await apply({ image, network, styles: wave })).image;
    expect(plain.alpha).toEqual(image.alpha);
    const options = { colours: 'luminance' } as const;
    const kept = (await apply({ image, network, styles: wave, options })).image;
    expect(kept.alpha).toEqual(image.alpha);
    expect(largestDifference(kept.data, keepLuminance(image, plain).data)).toBeLessThan(1e-6);
  });

  it('takes a size, also one that enlarges', async () => {
    const network = await open(tinyFile(7));
    const image = scene(40, 30, 8);
    const sized = async (size: number | string): Promise<Image> =>
      (await apply({ image, network, styles: wave, options: { size }, memoryLimit: 2 ** 40 })).image;
    const small = await sized(20);
    expect(small.data).toEqual(await network.run(resizeImage(image, 20, 15), Float32Array.of(1, 0, 0)));
    for (const [size, width, height] of [
      [80, 80, 60],
      ['50x20', 50, 20],
      ['original', 40, 30],
      ['auto', 40, 30],
    ] as const) {
      expect(await sized(size)).toMatchObject({ width, height });
    }
  });

  it('predicts its memory, and names the largest size that fits', async () => {
    const network = await open(tinyFile(7));
    const image = scene(300, 200, 8);
    const limit = applyMemory(network, { width: 150, height: 100 });
    const request = { image, network, styles: wave, memoryLimit: limit };
    expect(await failure(apply(request))).toMatch(
      /^system: 300×200 needs about \d+ MB; \d+ MB are free\. The size 150 fits, which gives 150×100\.$/,
    );
    const upright = { ...request, image: scene(200, 300, 8) };
    expect(await failure(apply(upright))).toMatch(/The size 150 fits, which gives 100×150/);
    expect(await failure(apply({ ...request, options: { size: '200x300' } }))).toMatch(/The size 100x150 fits,/);
    const { image: fitting } = await apply({ ...request, options: { size: 'auto' } });
    expect(fitting).toMatchObject({ width: 150, height: 100 });
    expect(await failure(apply({ ...request, memoryLimit: 1 }))).toContain('No size fits');
  });

  it('checks its options', async () => {
    const network = await open(tinyFile(7));
    const refused = (options: object) => failure(apply({ image: scene(20, 20, 1), network, styles: wave, options }));
    expect(await refused({ strength: 1.5 })).toBe(
      'usage: The option strength: expected a number from 0 to 1; received 1.5.',
    );
    expect(await refused({ strength: 'half' })).toContain('expected a number from 0 to 1; received "half"');
    expect(await refused({ colours: 'match' })).toContain('expected one of style, luminance; received "match"');
    expect(await refused({ size: 'huge' })).toContain('expected 512, 800x600, auto or original; received "huge"');
    expect(await refused({ sise: 3 })).toContain("no option 'sise'");
    expect(await refused({ size: 'auto' })).toContain('needs a memoryLimit');
  });

  it('stops when the signal has fired', async () => {
    const network = await open(tinyFile(7));
    const request = { image: scene(20, 20, 1), network, styles: wave, signal: AbortSignal.abort() };
    expect(await failure(apply(request))).toMatch(/^aborted: /);
  });

  it('takes no range, which is known', async () => {
    expect(await failure(open(tinyFile(7), '0-255'))).toMatch(/^usage: tiny\.onnx .* received the range 0-255/);
  });

  it('runs in a worker the same', async () => {
    const worker = await startEngine({ device: 'cpu', threads: 1 });
    try {
      const file = { fileName: 'tiny.onnx', bytes: tinyFile(7) };
      const far = await openStyleNetwork(worker, file);
      const near = await open(file.bytes);
      for (const [width, height] of [
        [24, 20],
        [31, 18],
      ] as const) {
        const image = scene(width, height, 2);
        const shares = Float32Array.of(0, 1, 0);
        expect(await far.run(image, shares)).toEqual(await near.run(image, shares));
      }
      await far.close();
      expect(await failure(far.run(scene(20, 20, 1), Float32Array.of(1, 0, 0)))).toContain('session is closed');
      expect(await failure(worker.openFile(Uint8Array.of(1, 2, 3)))).toMatch(/^input: The engine cannot run/);
    } finally {
      await worker.close();
    }
  });
});

describe('a network of another program', () => {
  /** How far a picture is from the negative of the photo. */
  const error = async (network: StyleNetwork, image: Image) => {
    const result = await apply({ image, network });
    expect(result.image).toMatchObject({ width: image.width, height: image.height });
    return largestDifference(
      result.image.data,
      image.data.map((value) => 1 - value),
    );
  };

  it.each([1, 255] as const)('of any size shows its range: white is %i', async (white) => {
    const network = await open(negative({ white }));
    expect(network).toMatchObject({ range: white === 1 ? '0-1' : '0-255', styles: [], notices: [] });
    for (const [width, height] of [
      [24, 24],
      [65, 90],
      [1, 7],
    ] as const) {
      expect(await error(network, scene(width, height, 3))).toBeLessThan(1e-5);
    }
  });

  it('that eats its border gets more to eat', async () => {
    const network = await open(negative({ white: 255, eaten: 3 }));
    for (const [width, height] of [
      [70, 61],
      [1, 1],
      [128, 128],
    ] as const) {
      expect(await error(network, scene(width, height, 3))).toBeLessThan(1e-5);
    }
  });

  it('that rounds sizes up gets such as it does not round', async () => {
    const network = await open(negative({ white: 1, stride: 2 }));
    // Every second pixel is lost; smooth pictures show little of that.
    const image = createImage(37, 41, new Float32Array(3 * 37 * 41).fill(0.25));
    expect(await error(network, image)).toBeLessThan(1e-6);
  });

  it.each([
    ['32×48', { size: [48, 32] }],
    ['40×40, and eats some', { size: [40, 40], eaten: 2 }],
    ['33×35, and rounds up', { size: [35, 33], stride: 2 }],
  ] as const)('of one size only, %s, gets pictures of that size', async (_, options) => {
    const network = await open(negative({ white: 255, ...options }));
    expect(network.range).toBe('0-255');
    expect(network.notices).toHaveLength(1);
    expect(network.notices[0]).toMatch(/takes pictures of \d+×\d+: photos are brought to that size and back/);
    const image = resizeImage(scene(6, 6, 3), 60, 50);
    const { image: picture } = await apply({ image, network });
    expect(
      psnr(
        picture,
        createImage(
          60,
          50,
          image.data.map((value) => 1 - value),
        ),
      ),
    ).toBeGreaterThan(25);
  });

  it('takes a range, and says when it had to guess', async () => {
    const x = input('x', [1, 3, 24, 24]);
    const same = emitModel({ y: relu(x) }, { anySize: ['x', 'y'] }).bytes;
    const guessed = await open(same);
    expect(guessed.range).toBe('0-255');
    expect(guessed.notices[0]).toMatch(/fits the range 0-1 as well as 0-255; 0-255 is taken/);
    expect(await open(same, '0-1')).toMatchObject({ range: '0-1', notices: [] });
  });

  it('of another form is refused, with what it has', async () => {
    const [a, b] = [input('a', [1, 3, 16, 16]), input('b', [1, 1, 16, 16])];
    expect(await failure(open(emitModel({ y: relu(b) }).bytes))).toMatch(
      /^input: tiny\.onnx takes 'b' float32\[1,1,16,16\] and gives 'y' float32\[1,1,16,16\]; expected one picture/,
    );
    const both = emitModel({ y: relu(a), z: relu(b) }).bytes;
    expect(await failure(open(both))).toContain("takes 'a' float32[1,3,16,16], 'b' float32[1,1,16,16]");
    expect(await failure(open(Uint8Array.of(1, 2, 3)))).toMatch(/^input: tiny\.onnx is no ONNX model/);
    const damaged = negative({ white: 1 });
    damaged.fill(0xff, damaged.length >> 1);
    expect(await failure(open(damaged))).toMatch(/^input: tiny\.onnx/);
  });

  const any = ['?', '?', '?', '?'];
  it.each<[string, boolean, boolean, readonly Dim[], readonly Dim[]]>([
    ['[1,3,H,W]', false, false, [1, 3, '?', '?'], any],
    ['[N,3,?,?]', false, false, ['N', 3, '?', '?'], ['N', 3, '?', '?']],
    ['[?,?,?,3]', true, true, ['?', '?', '?', 3], ['?', '?', '?', 3]],
    ['[?,?,?,3], and says nothing of its output', true, true, ['?', '?', '?', 3], any],
    ['[1,40,32,3]', true, true, [1, 40, 32, 3], [1, 40, 32, 3]],
    ['[1,40,32,?]', true, true, [1, 40, 32, '?'], any],
    ['[1,?,40,32]', false, false, [1, '?', 40, 32], any],
    ['[?,?,?,?], and means channels first', false, false, any, any],
    ['[?,?,?,?], and means channels last', true, true, any, any],
    ['[?,?,?,3] and gives [?,3,?,?]', true, false, ['?', '?', '?', 3], ['?', 3, '?', '?']],
    ['[?,?,?,?] and gives [?,?,?,3]', false, true, any, ['?', '?', '?', 3]],
    ['a shape of which it says nothing', true, true, [], []],
  ])('takes %s', async (_, inLast, outLast, from, to) => {
    const network = await open(negativeIn({ inLast, outLast }, from, to));
    expect(network.range).toBe('0-255');
    const fixed = from.includes(40);
    const sizes = fixed
      ? [[32, 40]]
      : [
          [70, 61],
          [3, 90],
          [64, 64],
        ];
    for (const [width, height] of sizes as [number, number][]) {
      expect(await error(network, scene(width, height, 3))).toBeLessThan(1e-5);
    }
  });

  it('shows its layout to the engine of browsers, too', async () => {
    const wasm = wasmEngine();
    const file = { fileName: 'tiny.onnx', bytes: negativeIn({ inLast: true, outLast: false }, any, any) };
    const network = await openStyleNetwork(wasm, file);
    expect(await error(network, scene(70, 66, 3))).toBeLessThan(1e-5);
    await wasm.close();
  });

  it('that takes each value by itself may have any layout', async () => {
    const bytes = foreignModel({ node: [{ opType: 'Relu', input: ['x'], output: ['y'] }] });
    const network = await open(bytes, '0-1');
    const image = scene(30, 20, 3);
    expect((await apply({ image, network })).image.data).toEqual(image.data);
  });

  it('that runs in both layouts and does not say its own is refused', async () => {
    const attribute = [
      { name: 'kernel_shape', type: 7, ints: [3, 3] },
      { name: 'pads', type: 7, ints: [1, 1, 1, 1] },
    ];
    const node = [{ opType: 'AveragePool', input: ['x'], output: ['y'], attribute }];
    expect(await failure(open(foreignModel({ node })))).toMatch(
      /^input: tiny\.onnx does not say whether it takes pictures \[1,3,H,W\] or \[1,H,W,3\], .*Export it again/,
    );
    expect((await open(foreignModel({ node, from: ['?', '?', '?', 3] }))).styles).toEqual([]);
  });

  it.each<[readonly Dim[]]>([
    [[1, 1, '?', '?']],
    [[1, 4, '?', '?']],
    [['?', '?', '?', 1]],
    [['?', '?', '?', 4]],
    [[1, 64, 64, 4]],
    [[3, '?', '?']],
    [['?', '?', 3]],
    [[2, 3, '?', '?']],
    [[1, 3, '?', '?', '?']],
  ])('that takes [%s] is refused', async (from) => {
    const bytes = foreignModel({ node: [{ opType: 'Relu', input: ['x'], output: ['y'] }], from });
    expect(await failure(open(bytes))).toMatch(
      /^input: tiny\.onnx takes 'x' float32\[[\d,?]+\] and gives .*; expected one picture, float32\[1,3,H,W\] or \[1,H,W,3\], both ways\. /,
    );
  });

  it('has no style to choose, and its own range', async () => {
    const network = await open(negative({ white: 1 }));
    expect(await failure(apply({ image: scene(9, 9, 1), network, styles: wave }))).toContain(
      'was not trained by Fauve: it has one style, without a name',
    );
    expect(checkStyleNetwork({ fileName: 'n.onnx', bytes: negative({ white: 1 }) }).model).toBeUndefined();
  });

  it('that diverged in training is told from one that works', async () => {
    const network = await open(tinyFile(7));
    const image = createImage(20, 20, new Float32Array(1200).fill(Number.NaN));
    expect(await failure(network.run(image, Float32Array.of(1, 0, 0)))).toContain('no numbers (NaN)');
  });
});
