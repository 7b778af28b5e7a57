import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { luminance, luminanceImage } from '#src/image/colour.js';
import { createImage, type Image } from '#src/image/image.js';
import { quantise } from '#src/image/quantise.js';
import { resizeImage } from '#src/image/resize.js';
import { startEngine } from '#src/platform/node/engine.js';
import type { Runtime } from '#src/runtime/runtime.js';
import type { StylizeEvent } from '#src/stylize/events.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import type { StylizeOptionsInput } from '#src/stylize/options.js';
import { StylizeAborted } from '#src/stylize/stylize.js';
import { relativeDifference } from './support/numbers.js';
import { openEngine, type Restyling, restyle, scene, tinyWeights } from './support/restyling.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const photo = scene(64, 48, 1);
const run = (given: Restyling = {}) => restyle(runtime, given);
const inRange = ({ data }: Image) => data.every((value) => value >= 0 && value <= 1);

/** The code and the message of what was thrown. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  expect(error.message).not.toContain('\n');
  return `${error.code}: ${error.message}`;
}

describe('the picture', () => {
  it.each<[string, StylizeOptionsInput]>([
    ['L-BFGS', {}],
    ['L-BFGS without a pyramid', { preconditioner: 'none' }],
    ['L-BFGS from noise', { init: 'noise' }],
    ['Adam', { optimiser: 'adam', steps: 20, learningRate: 0.01 }],
    ['Adam with an average', { optimiser: 'adam', steps: 20, learningRate: 0.01, averageDecay: 0.5 }],
    [
      'means and variances, as in the papers',
      { styleStatistics: 'mean-variance', normalisation: 'classic', tvWeight: 0 },
    ],
  ])('comes nearer to what is wanted: %s', async (_, options) => {
    const { image, loss, history } = await run({ options });
    expect(history).toHaveLength(options.steps ?? 6);
    expect(loss).toBeLessThan(0.95 * history[0]!.loss);
    expect([image.width, image.height]).toEqual([64, 48]);
    expect(inRange(image)).toBe(true);
    if (options.optimiser !== 'adam') {
      for (const [i, { loss: now }] of history.slice(1).entries()) expect(now).toBeLessThanOrEqual(history[i]!.loss);
    }
  });

  it('has exactly the size that is asked for', async () => {
    const side = fc.integer({ min: 33, max: 71 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.constantFrom('lbfgs' as const, 'adam' as const),
        async (width, height, optimiser) => {
          const { image, options } = await run({ options: { size: `${width}x${height}`, steps: 1, optimiser } });
          expect([image.width, image.height]).toEqual([width, height]);
          expect(options.size).toBe(`${width}x${height}`);
          expect(inRange(image)).toBe(true);
        },
      ),
      { seed: 1905, numRuns: 6 },
    );
    const longer = await run({ options: { size: 51, steps: 1 } });
    expect([longer.image.width, longer.image.height]).toEqual([51, 38]);
    const own = await run({ content: scene(39, 35, 1), options: { size: 'original', steps: 1 } });
    expect([own.image.width, own.image.height]).toEqual([39, 35]);
  });

  it('is the same for the same request, in this thread and in a worker', async () => {
    const { image, history } = await run();
    const again = await run();
    expect(again.image.data).toEqual(image.data);
    expect(again.history).toEqual(history);
    const worker = await startEngine({ device: 'cpu', threads: 1 });
    expect((await restyle(worker)).image.data).toEqual(image.data);
    await worker.close();
  });

  it('depends on the seed when it starts from noise, and only then', async () => {
    const ofSeed = async (init: 'noise' | 'content', seed: number) =>
      (await run({ options: { init, seed, steps: 2 } })).image.data;
    expect(await ofSeed('noise', 1)).toEqual(await ofSeed('noise', 1));
    expect(await ofSeed('noise', 2)).not.toEqual(await ofSeed('noise', 1));
    expect(await ofSeed('content', 2)).toEqual(await ofSeed('content', 1));
  });

  it('starts from the picture that is given', async () => {
    const { image, loss } = await run({ options: { steps: 12 } });
    // What is almost done needs no way back, whatever size it comes in.
    const further = await run({ init: image, options: { steps: 1, init: 'noise' } });
    expect(further.history[0]!.loss).toBeLessThanOrEqual(loss * 1.001);
    const large = await run({ init: resizeImage(image, 80, 60), options: { steps: 1 } });
    expect(large.history[0]!.loss).toBeLessThan((await run({ options: { steps: 1 } })).history[0]!.loss);
  });

  it('keeps its loss from one scale to the next better than a start from nothing', async () => {
    const content = scene(200, 194, 1);
    const options: StylizeOptionsInput = { size: 200, steps: 1, coarseSteps: 6, init: 'noise' };
    const coarseToFine = await run({ content, options: { ...options, scales: 2 } });
    const alone = await run({ content, options });
    expect(coarseToFine.scales).toEqual([
      { width: 100, height: 97, steps: 6 },
      { width: 200, height: 194, steps: 1 },
    ]);
    expect(coarseToFine.loss).toBeLessThan(alone.loss);
  });
});

describe('the losses of the result', () => {
  it.each<[string, StylizeOptionsInput]>([
    ['relative', {}],
    ['classic, average pooling, fine strokes', { normalisation: 'classic', pooling: 'average', styleScale: 0.6 }],
    ['recoloured style', { colours: 'match' }],
    ['Adam, two content layers', { optimiser: 'adam', contentLayers: { relu2_2: 1, relu4_2: 3 }, tvNorm: 'l1' }],
  ])('are those of the picture with 8 bits, measured afterwards: %s', async (_, options) => {
    const styles = [
      { image: scene(56, 60, 2), weight: 2 },
      { image: scene(50, 70, 3), weight: 1 },
    ];
    const result = await run({ styles, options: { ...options, steps: 3 } });
    const generated = quantise(result.image);
    const report = await measureLosses({
      content: photo,
      styles,
      generated,
      weights: tinyWeights,
      runtime,
      options: result.options,
    });
    expect(relativeDifference(result.loss, report.total)).toBeLessThan(1e-5);
    expect(report.terms.map(({ name }) => name)).toEqual(Object.keys(result.terms));
    for (const { name, value } of report.terms) {
      expect(relativeDifference(result.terms[name]!, value), name).toBeLessThan(1e-5);
    }
  });
});

it('measures brightness alone where that is all that is restyled', async () => {
  const styles = [{ image: scene(56, 60, 2), weight: 1 }];
  const generated = scene(64, 48, 7, [0.7, 0.4, 0.3]);
  const measured = async (picture: Image, colours: StylizeOptionsInput['colours']) =>
    (
      await measureLosses({
        content: photo,
        styles,
        generated: picture,
        weights: tinyWeights,
        runtime,
        options: { colours },
      })
    ).total;
  const grey = luminanceImage(generated);
  expect(await measured(generated, 'luminance')).toBe(await measured(grey, 'luminance'));
  expect(await measured(generated, 'style')).not.toBe(await measured(grey, 'style'));
});

describe('colours', () => {
  /** Without luminance, pixel by pixel. */
  const chroma = (image: Image) => {
    const y = luminance(image);
    return image.data.map((value, i) => value - y[i % y.length]!);
  };
  const means = ({ data, width, height }: Image) =>
    [0, 1, 2].map((channel) => {
      const plane = data.subarray(channel * width * height, (channel + 1) * width * height);
      return plane.reduce((sum, value) => sum + value, 0) / plane.length;
    });

  it("luminance keeps the photo's chroma and changes its brightness", async () => {
    const content = scene(64, 48, 1, [0.55, 0.5, 0.45]);
    const { image } = await run({
      content,
      style: scene(56, 60, 2, [0.2, 0.5, 0.8]),
      options: { colours: 'luminance' },
    });
    const [before, after] = [chroma(content), chroma(image)];
    const y = luminance(image);
    let compared = 0;
    for (let i = 0; i < after.length; i++) {
      const pixel = i % y.length;
      const channels = [pixel, pixel + y.length, pixel + 2 * y.length];
      // Where the colour is outside [0,1] its chroma has to give way.
      if (channels.some((p) => y[pixel]! + before[p]! < 0.001 || y[pixel]! + before[p]! > 0.999)) continue;
      expect(Math.abs(after[i]! - before[i]!)).toBeLessThan(1e-5);
      compared++;
    }
    expect(compared).toBeGreaterThan(after.length / 2);
    const original = luminance(content);
    expect(y.some((value, i) => Math.abs(value - original[i]!) > 0.02)).toBe(true);
  });

  it("match keeps the photo's mean colour where style takes the painting's", async () => {
    const given = { content: scene(64, 48, 1, [0.3, 0.5, 0.7]), style: scene(56, 60, 2, [0.75, 0.45, 0.25]) };
    const shift = async (colours: 'style' | 'match') => {
      const { image } = await run({ ...given, options: { colours, steps: 15, contentWeight: 0.01 } });
      const wanted = means(given.content);
      return Math.hypot(...means(image).map((value, i) => value - wanted[i]!));
    };
    const [style, match] = [await shift('style'), await shift('match')];
    expect(match).toBeLessThan(style / 2);
  });

  it.each(['style', 'luminance', 'match'] as const)('%s: alpha comes back', async (colours) => {
    const alpha = Float32Array.from({ length: 64 * 48 }, (_, i) => (i % 64) / 63);
    const content = createImage(64, 48, photo.data, alpha);
    const same = await run({ content, options: { colours, steps: 1 } });
    expect(same.image.alpha).toEqual(alpha);
    const { image } = await run({ content, options: { colours, size: 45, steps: 1 } });
    expect(image.alpha).toEqual(resizeImage(content, 45, 34).alpha);
    expect((await run({ options: { colours, steps: 1 } })).image.alpha).toBeUndefined();
  });
});

describe('two styles', () => {
  const [first, second] = [scene(56, 60, 2, [0.8, 0.4, 0.3]), scene(50, 70, 7, [0.2, 0.5, 0.8])];
  const blended = (a: number, b: number) =>
    run({
      styles: [
        { image: first, weight: a },
        { image: second, weight: b },
      ],
    });

  it('blend by the ratio of their weights', async () => {
    const { image } = await blended(1, 3);
    expect((await blended(2, 6)).image.data).toEqual(image.data);
    expect((await blended(3, 1)).image.data).not.toEqual(image.data);
  });

  it('give a picture that lies between those of each alone', async () => {
    const red = async (result: Promise<{ image: Image }>) =>
      (await result).image.data.subarray(0, 64 * 48).reduce((sum, value) => sum + value, 0) / (64 * 48);
    const [low, middle, high] = [
      await red(run({ style: second })),
      await red(blended(1, 1)),
      await red(run({ style: first })),
    ];
    expect(middle).toBeGreaterThan(low);
    expect(middle).toBeLessThan(high);
  });
});

describe('events', () => {
  it('come in order, and the terms add up to the loss', async () => {
    const events: StylizeEvent[] = [];
    const sizes: number[][] = [];
    const result = await run({
      content: scene(192, 192, 1),
      options: { size: 192, scales: 2, coarseSteps: 2, steps: 3, init: 'noise' },
      onProgress: async (event) => {
        events.push(event);
        if (event.type !== 'step') return;
        const { width, height, data } = await event.image();
        sizes.push([width, height]);
        expect(data).toHaveLength(3 * width * height);
      },
    });
    expect(events.map(({ type }) => type).join(' ')).toBe('start scale step step scale step step step');
    const [start] = events;
    if (start?.type !== 'start') throw new Error('The first event is not the start.');
    expect(start).toMatchObject({ width: 192, height: 192, steps: 5, scales: result.scales, device: 'cpu' });
    expect(start.engine).toBe(runtime.engine);
    expect(start.memory).toBeGreaterThan(0);
    expect(sizes).toEqual([...Array(2).fill([96, 96]), ...Array(3).fill([192, 192])]);
    const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []));
    expect(steps.map(({ step, scale }) => [step, scale])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 1],
      [5, 1],
    ]);
    for (const [i, { loss, terms, seconds }] of steps.entries()) {
      const sum = start.terms.reduce((total, { name, weight }) => total + weight * terms[name]!, 0);
      expect(relativeDifference(sum, loss)).toBeLessThan(1e-5);
      expect(result.history[i]).toEqual({ step: i + 1, scale: i < 2 ? 0 : 1, loss, terms });
      expect(seconds).toBeGreaterThan(steps[i - 1]?.seconds ?? 0);
    }
  });

  it('hold the run until they have been dealt with', async () => {
    let [open, most] = [0, 0];
    await run({
      onProgress: async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 2));
        open--;
      },
    });
    expect(most).toBe(1);
  });

  it('end the run when the listener fails', async () => {
    const onProgress = () => Promise.reject(new Error('the disk is full'));
    await expect(run({ onProgress })).rejects.toThrow('the disk is full');
  });
});

describe('stopping', () => {
  it('before the start', async () => {
    const events: StylizeEvent[] = [];
    const signal = AbortSignal.abort();
    expect(await failure(run({ signal, onProgress: (event) => void events.push(event) }))).toMatch(/^aborted: /);
    expect(events).toEqual([]);
  });

  it('gives the picture of the last step', async () => {
    const stop = new AbortController();
    let shown: Image | undefined;
    const stopped = await run({
      signal: stop.signal,
      onProgress: async (event) => {
        if (event.type !== 'step' || event.step !== 3) return;
        shown = await event.image();
        stop.abort();
      },
    }).catch((error: unknown) => error);
    if (!(stopped instanceof StylizeAborted)) throw new Error(`expected StylizeAborted, received ${stopped}`);
    expect(stopped.message).toBe('Stopped after step 3.');
    expect(stopped.image.data).toEqual(shown!.data);
    expect(inRange(stopped.image)).toBe(true);
    expect(stopped.checkpoint).toMatchObject({ width: 64, height: 48, scale: 0, scaleStep: 3 });
  });
});

describe('an absurd learning rate', () => {
  const wild = (steps: number, onProgress: (event: StylizeEvent) => void = () => {}) =>
    run({ options: { optimiser: 'adam', learningRate: 10, schedule: 'constant', steps }, onProgress });

  it('is noticed and halved until the loss falls', async () => {
    const notices: string[] = [];
    const { image, loss, history } = await wild(60, (event) => {
      if (event.type === 'notice') notices.push(event.message);
    });
    expect(notices.length).toBeGreaterThan(2);
    for (const notice of notices) expect(notice).toMatch(/^The loss went from \S+ to \S+: back to the last good image/);
    expect(loss).toBeLessThan(history[0]!.loss);
    expect(inRange(image)).toBe(true);
  });

  it.each([1, 3, 6])('does not leave a ruined picture when the run ends after %i steps', async (steps) => {
    const { image, loss, history } = await wild(steps);
    expect(inRange(image)).toBe(true);
    // Four times the lowest loss is what the optimiser itself calls diverged.
    expect(loss).toBeLessThan(4 * history[0]!.loss);
  });
});

describe('requests that cannot be met', () => {
  it.each(['lbfgs', 'adam'] as const)('weights that are no numbers, %s', async (optimiser) => {
    const tensors = new Map(tinyWeights.tensors);
    const { shape, data } = tensors.get('conv3_1.weight')!;
    tensors.set('conv3_1.weight', { shape, data: data.map((value, i) => (i === 5 ? Number.NaN : value)) });
    const weights = { ...tinyWeights, tensors };
    expect(await failure(run({ weights, options: { optimiser } }))).toMatch(/^input: The loss .*is not finite/);
  });

  it('pictures that are too small, naming the layer and what it needs', async () => {
    const tiny = scene(12, 9, 1);
    expect(await failure(run({ content: tiny }))).toBe(
      'input: The content image is 12×9; relu5_1 needs at least 16×16. Use a larger image.',
    );
    expect(await failure(run({ style: tiny }))).toMatch(/^input: The style image is 12×9; relu5_1 .* 16×16/);
    // Where the picture's size or the style scale is the reason, the least that would do is named.
    expect(await failure(run({ options: { size: 15 } }))).toBe(
      'input: The picture is 15×11; relu5_1 needs at least 16×16. Use a size of 21 or more.',
    );
    expect(await failure(run({ options: { size: '60x6' } }))).toMatch(/ Use a size of 155x16 or more\.$/);
    const message = await failure(run({ options: { styleScale: 0.2 } }));
    expect(message).toBe(
      'input: Beside a picture of 64×48, at style scale 0.2, the style image is 12×13; relu5_1 needs at least 16×16. Use a size of 83 or more, or a style scale of 0.27 or more.',
    );
    for (const options of [{ styleScale: 0.27 }, { styleScale: 0.2, size: 83 }, { size: 21 }]) {
      expect((await run({ options: { ...options, steps: 1 } })).history).toHaveLength(1);
    }
    expect(await failure(run({ options: { styleScale: 0.2, size: 82 } }))).toMatch(/the style image is 15×16/);
    // Shallow layers are content with less.
    const options: StylizeOptionsInput = {
      contentLayers: { relu2_2: 1 },
      styleLayers: { relu1_1: 1 },
      size: 12,
      steps: 1,
    };
    expect((await run({ content: tiny, options })).image.height).toBe(9);
  });

  it('no style, a weight that is none, a layer that is not there, no loss at all', async () => {
    expect(await failure(run({ styles: [] }))).toMatch(/^usage: There is no style/);
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const styles = [{ image: photo, weight }];
      expect(await failure(run({ styles }))).toBe(
        `usage: stylize, styles[0].weight: expected a positive number; received ${weight}.`,
      );
    }
    expect(await failure(run({ options: { styleLayers: { relu5_4: 1 } } }))).toMatch(
      /^usage: vgg19 has no layer 'relu5_4'/,
    );
    const nothing = { contentWeight: 0, styleWeight: 0, tvWeight: 0 };
    expect(await failure(run({ options: nothing }))).toMatch(/^usage: All loss weights are 0/);
    expect(await failure(run({ options: { steps: 0 } }))).toMatch(/^usage: The option steps/);
    expect(await failure(run({ options: { size: 'auto' } }))).toMatch(/^usage: .*memoryLimit/);
  });

  it('layers that all weigh nothing', async () => {
    const options: StylizeOptionsInput = { contentLayers: { relu4_2: 0 }, styleLayers: {}, tvWeight: 0 };
    expect(await failure(run({ options }))).toMatch(/^usage: All loss weights are 0/);
  });
});
