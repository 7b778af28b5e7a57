import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { memoryNeed } from '#src/graph/memory.js';
import { add, conv, exp, mul, relu, reshape } from '#src/graph/ops.js';
import { constant, input } from '#src/graph/tensor.js';
import { fitLongerSide } from '#src/image/resize.js';
import type { Size } from '#src/image/size.js';
import { outputSize } from '#src/image/size.js';
import { vgg } from '#src/networks/vgg.js';
import { largestSize, predictMemory, requireMemory } from '#src/stylize/memory.js';
import { resolveStylizeOptions, type StylizeOptionsInput } from '#src/stylize/options.js';
import { openEngine, restyle, scene, tinyWeights } from './support/restyling.js';

describe('memoryNeed', () => {
  // 25 values of 4 bytes.
  const x = input('x', [5, 5]);

  it('counts a convolution: weights, what goes in and what comes out', () => {
    const image = input('image', [1, 3, 4, 4]);
    const kernel = constant(new Float32Array(54), [2, 3, 3, 3]);
    const y = conv(image, kernel, undefined, { pads: [1, 1, 1, 1] });
    expect(memoryNeed([y])).toEqual({ constants: 4 * 54, activations: 4 * (48 + 32) });
  });

  it('frees a value after its last use', () => {
    // Of four values in a row never more than two are alive.
    expect(memoryNeed([exp(exp(exp(x)))])).toEqual({ constants: 0, activations: 200 });
  });

  it('computes in place where nobody else needs the input', () => {
    expect(memoryNeed([relu(reshape(x, [25]))]).activations).toBe(100);
    // x is needed again for the sum.
    expect(memoryNeed([add(x, relu(x))]).activations).toBe(200);
  });

  it('counts a value that is used twice once', () => {
    const y = exp(x);
    expect(memoryNeed([mul(y, y)]).activations).toBe(200);
    expect(memoryNeed([mul(exp(y), y)]).activations).toBe(200);
  });

  it('keeps what is an output to the end', () => {
    const y = exp(x);
    const z = exp(y);
    expect(memoryNeed([y, z, exp(z)]).activations).toBe(300);
    expect(memoryNeed([exp(z)]).activations).toBe(200);
  });
});

const network = vgg(tinyWeights);
const style = { image: scene(40, 30, 2), weight: 1 };
const predict = (size: Size, options: StylizeOptionsInput = {}) =>
  predictMemory(network, resolveStylizeOptions(options), size, [style.image]);

describe('predictMemory', () => {
  it('grows with the picture, and in the end in proportion to it', () => {
    const needs = [50, 100, 200, 400, 800].map((side) => predict({ width: side, height: side }));
    for (let i = 1; i < needs.length; i++) expect(needs[i]).toBeGreaterThan(needs[i - 1]!);
    const [a, b, c] = needs.slice(-3) as [number, number, number];
    expect((c - b) / (b - a)).toBeCloseTo(4, 2);
  });

  it('holds at least the picture, its gradient and the pairs of L-BFGS', () => {
    const size = { width: 400, height: 200 };
    const image = 4 * 3 * 400 * 200;
    const more = predict(size, { history: 30 }) - predict(size, { history: 10 });
    expect(more).toBe(2 * 20 * image);
    expect(predict(size)).toBeGreaterThan((2 * 20 + 2) * image);
  });

  it('sees a style image that is larger than the picture', () => {
    const size = { width: 200, height: 150 };
    expect(predict(size, { styleScale: 8 })).toBeGreaterThan(predict(size) + 5e7);
  });
});

describe('requireMemory', () => {
  const check = (size: Size, content: Size, limit: number | undefined, input: StylizeOptionsInput = {}) => {
    const options = resolveStylizeOptions(input);
    const run = () => requireMemory([network], options, size, content, [style], limit);
    if (limit === undefined || predict(size, input) <= limit) return { need: run() };
    try {
      run();
    } catch (error) {
      if (!(error instanceof FauveError)) throw error;
      expect(error.code).toBe('system');
      const named = error.reason.kind === 'memory' ? error.reason.largest : undefined;
      const wanted =
        named === undefined ? undefined : resolveStylizeOptions({ size: named.includes('x') ? named : Number(named) });
      return { message: error.message, named, fitting: wanted && outputSize(content, wanted.size) };
    }
    throw new Error('Nothing was refused.');
  };

  it('returns the need when it fits, or when nothing is known about the limit', () => {
    const size = { width: 300, height: 200 };
    expect(check(size, size, undefined)).toEqual({ need: predict(size) });
    expect(check(size, size, predict(size))).toEqual({ need: predict(size) });
  });

  it.each<[string, Size, Size]>([
    ['of its shape', { width: 800, height: 600 }, { width: 1000, height: 750 }],
    ['upright', { width: 300, height: 800 }, { width: 900, height: 2400 }],
    ['of another shape than the content', { width: 1200, height: 150 }, { width: 800, height: 800 }],
  ])('names a size that really fits, and not a much smaller one than need be: a picture %s', (_, size, content) => {
    const limit = predict(fitLongerSide(size.width, size.height, 400));
    const { message, named, fitting } = check(size, content, limit);
    expect(message).toMatch(
      new RegExp(
        `^${size.width}×${size.height} needs about [\\d.]+ [MG]B; [\\d.]+ [MG]B are free\\. The size \\S+ fits\\.$`,
      ),
    );
    expect(predict(fitting!)).toBeLessThanOrEqual(limit);
    expect(Math.max(fitting!.width, fitting!.height)).toBeGreaterThan(390);
    // Where the shape is the content's, one number says it, and keeps it.
    const ownShape = outputSize(content, Math.max(size.width, size.height));
    expect(named!.includes('x')).toBe(ownShape.height !== size.height);
    expect(fitting!.width / fitting!.height).toBeCloseTo(size.width / size.height, 1);
  });

  it('says so when no size fits', () => {
    const size = { width: 500, height: 500 };
    expect(check(size, size, 2 ** 20).message).toContain('No size fits');
  });
});

describe("size 'auto'", () => {
  const options = resolveStylizeOptions({ size: 'auto' });
  const content = { width: 800, height: 500 };

  it('is as large as the limit allows', () => {
    const limit = predict({ width: 400, height: 250 });
    const size = largestSize([network], options, content, [style], limit);
    expect(predict(size)).toBeLessThanOrEqual(limit);
    expect(size.width).toBeGreaterThan(390);
    expect(size.width / size.height).toBeCloseTo(1.6, 2);
  });

  it("is never above the picture's own", () => {
    expect(largestSize([network], options, content, [style], 2 ** 50)).toEqual(content);
    expect(largestSize([network], options, { width: 24, height: 17 }, [style], 2 ** 50)).toEqual({
      width: 24,
      height: 17,
    });
  });

  it('is decided also beside a style image that is long and narrow', () => {
    const panorama = { image: scene(240, 40, 2), weight: 1 };
    const size = largestSize([network], options, content, [panorama], predict({ width: 400, height: 250 }));
    expect(size.width).toBeGreaterThan(390);
    expect(() => largestSize([network], options, content, [panorama], 2 ** 20)).toThrow(/too little for any picture/);
  });

  it('needs a limit, and memory', () => {
    expect(() => largestSize([network], options, content, [style], undefined)).toThrow(/needs a memoryLimit/);
    expect(() => largestSize([network], options, content, [style], 2 ** 20)).toThrow(/too little for any picture/);
  });

  it('is resolved by stylize, which keeps to the limit', async () => {
    const runtime = await openEngine();
    const photo = scene(120, 90, 1);
    const limit = predict({ width: 80, height: 60 }, { history: 3 });
    const small = await restyle(runtime, {
      content: photo,
      memoryLimit: limit,
      options: { size: 'auto', steps: 1, history: 3 },
    });
    const { width, height } = small.image;
    expect(small.options.size).toBe(`${width}x${height}`);
    expect(width).toBeGreaterThan(70);
    expect(predict({ width, height }, { history: 3 })).toBeLessThanOrEqual(limit);
    const { image } = await restyle(runtime, {
      content: photo,
      memoryLimit: 2 ** 40,
      options: { size: 'auto', steps: 1 },
    });
    expect([image.width, image.height]).toEqual([120, 90]);
    await expect(restyle(runtime, { memoryLimit: 2 ** 20 })).rejects.toThrow(/64×48 needs about .* No size fits/);
    await runtime.close();
  });
});
