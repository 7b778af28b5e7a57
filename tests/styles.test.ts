import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { luminance } from '#src/image/colour.js';
import { ssim } from '#src/image/metrics.js';
import { resizeImage } from '#src/image/resize.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { relativeError } from '#src/styles/low-rank.js';
import type { Style } from '#src/styles/style-file.js';
import { captureStyle } from '#src/stylize/capture.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import { lossSettings, resolveStylizeOptions } from '#src/stylize/options.js';
import { StylizeAborted } from '#src/stylize/stylize.js';
import { measureTargets, type WeightedStyle } from '#src/stylize/targets.js';
import { texture } from '#src/stylize/texture.js';
import { openEngine, restyle, scene, tinyWeights } from './support/restyling.js';
import { tinyVgg } from './support/tiny-vgg.js';

const painting = scene(96, 72, 5, [0.8, 0.5, 0.3]);
const content = scene(64, 48, 1);
const about = { name: 'waves', title: 'Waves', artist: '', year: null, source: '' };

let runtime: Runtime;
/** At the full rank: 64 and 96 pixels. */
let style: Style;
beforeAll(async () => {
  runtime = await openEngine();
  style = await capture({ sizes: [64, 96] });
});
afterAll(() => runtime.close());

const capture = (more: { sizes?: number[]; bytes?: number; networks?: NetworkWeights[] } = {}) =>
  captureStyle({ image: painting, about, networks: [tinyWeights], runtime, bytes: 1e6, ...more });

/** The style targets of a picture whose longer side is 64, at a style scale. */
async function targets(weighted: WeightedStyle, styleScale = 1, statistics: 'gram' | 'mean-variance' = 'gram') {
  const settings = lossSettings(resolveStylizeOptions({ styleStatistics: statistics, contentWeight: 0 }));
  return measureTargets(runtime, vgg(tinyWeights), settings, content, [weighted], styleScale);
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof FauveError ? `${error.code}: ${error.message}` : String(error)),
  );
}

describe('the targets of a captured style', () => {
  it.each(['gram', 'mean-variance'] as const)('are those of the painting at its sizes: %s', async (statistics) => {
    for (const scale of [1, 1.5]) {
      const from = await targets({ image: painting, weight: 1 }, scale, statistics);
      const kept = await targets({ style, weight: 1 }, scale, statistics);
      expect(Object.keys(kept).sort()).toEqual(Object.keys(from).sort());
      for (const [name, values] of Object.entries(from)) expect(relativeError(values, kept[name]!)).toBeLessThan(0.01);
    }
  });

  it('lie between those of two sizes, and stay at the ends', async () => {
    const [low, middle, high] = [
      await targets({ style, weight: 1 }, 1),
      await targets({ style, weight: 1 }, Math.sqrt(1.5)),
      await targets({ style, weight: 1 }, 1.5),
    ];
    const name = 'target style relu3_1';
    const half = low[name]!.map((value, i) => (value + high[name]![i]!) / 2);
    // 64 · √1.5 is rounded to whole pixels.
    expect(relativeError(half, middle[name]!)).toBeLessThan(0.02);
    expect(await targets({ style, weight: 1 }, 0.5)).toEqual(low);
    expect(await targets({ style, weight: 1 }, 4)).toEqual(high);
  });

  it('are blended with those of paintings', async () => {
    const other = scene(70, 70, 8, [0.2, 0.3, 0.8]);
    const blend = (first: WeightedStyle) =>
      measureTargets(
        runtime,
        vgg(tinyWeights),
        lossSettings(resolveStylizeOptions({ contentWeight: 0 })),
        content,
        [first, { image: other, weight: 1 }],
        1,
      );
    const [a, b] = [await blend({ image: painting, weight: 2 }), await blend({ style, weight: 2 })];
    for (const [name, values] of Object.entries(a)) expect(relativeError(values, b[name]!)).toBeLessThan(0.01);
  });

  it('cost as much style loss as the squares of their errors', async () => {
    const small = await capture({ sizes: [64], bytes: 2500 });
    const generated = resizeImage(painting, 64, 48);
    const [full, kept] = [await targets({ image: painting, weight: 1 }), await targets({ style: small, weight: 1 })];
    const options = { contentWeight: 0, tvWeight: 0 };
    const styles = [{ style: small, weight: 1 }];
    const { terms } = await measureLosses({ content, styles, generated, weights: tinyWeights, runtime, options });
    expect(terms).toHaveLength(5);
    for (const { name, value } of terms) {
      const error = relativeError(kept[`target ${name}`]!, full[`target ${name}`]!);
      expect(error).toBeGreaterThan(1e-4);
      expect(Math.abs(value - error ** 2)).toBeLessThan(1e-6 + 0.01 * error ** 2);
    }
  });
});

describe('stylize with a captured style', () => {
  it('makes the picture that the painting makes', async () => {
    const options = { size: 64, steps: 12, scales: 1 };
    const from = await restyle(runtime, { styles: [{ image: painting, weight: 1 }], options });
    const kept = await restyle(runtime, { styles: [{ style, weight: 1 }], options });
    expect(ssim(from.image, kept.image)).toBeGreaterThan(0.98);
    expect(kept.loss / from.loss).toBeCloseTo(1, 1);
  });

  it('goes on from a checkpoint, but not with another style', async () => {
    const styles = [{ style, weight: 1 }];
    const whole = await restyle(runtime, { styles });
    const controller = new AbortController();
    const stopped = restyle(runtime, {
      styles,
      signal: controller.signal,
      onProgress: (event) => {
        if (event.type === 'step' && event.step === 3) controller.abort();
      },
    });
    const error = await stopped.catch((reason: unknown) => reason);
    if (!(error instanceof StylizeAborted)) throw error;
    const resumed = await restyle(runtime, { styles, resume: error.checkpoint });
    expect(resumed.image.data).toEqual(whole.image.data);
    const other = { ...style, name: 'other' };
    expect(
      await failure(restyle(runtime, { styles: [{ style: other, weight: 1 }], resume: error.checkpoint })),
    ).toMatch(/^input: The checkpoint is of other pictures/);
  });

  it('predicts its memory without a painting', async () => {
    const request = { styles: [{ style, weight: 1 }], memoryLimit: 4e9 };
    const { image } = await restyle(runtime, { ...request, options: { size: 'auto' } });
    expect([image.width, image.height]).toEqual([64, 48]);
    expect(await failure(restyle(runtime, { ...request, memoryLimit: 1e6 }))).toMatch(/^system: .*needs about/);
  });

  it('with luminance keeps the colours of the photo and takes the brightness of the restyled picture', async () => {
    const options = { size: 64, steps: 8, scales: 1 };
    const styles = [{ style, weight: 1 }];
    const coloured = await restyle(runtime, { styles, options });
    const kept = await restyle(runtime, { styles, options: { ...options, colours: 'luminance' } });
    const [a, b] = [luminance(coloured.image), luminance(kept.image)];
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-4);
    expect(relativeError(coloured.image.data, kept.image.data)).toBeGreaterThan(0.05);
  });

  it.each<[RegExp, () => Parameters<typeof restyle>[1]]>([
    [
      /^usage: colours 'match' recolours the painting, and the style waves is/,
      () => ({ options: { colours: 'match' } }),
    ],
    [
      /^usage: .*captured for vgg19, not for tiny\. Use the painting itself/,
      () => ({ weights: { ...tinyWeights, name: 'tiny' } }),
    ],
    [
      /^input: .*other weights of vgg19 \(SHA-256 000000000000…\) than these \(ffffffffffff…\)/,
      () => ({ weights: { ...tinyWeights, sha256: 'f'.repeat(64) } }),
    ],
    [/^usage: .*max pooling, received pooling 'average'/, () => ({ options: { pooling: 'average' } })],
    [
      /^usage: The style waves has no layer relu2_2 of vgg19; it has relu1_1, relu2_1/,
      () => ({ options: { styleLayers: { relu2_2: 1 } } }),
    ],
  ])('refuses what it cannot do: %s', async (message, given) => {
    const { options, ...rest } = given()!;
    const run = restyle(runtime, {
      styles: [{ style, weight: 1 }],
      ...rest,
      options: { size: 64, steps: 1, ...options },
    });
    expect(await failure(run)).toMatch(message);
  });

  it('refuses a style whose layers have another size', async () => {
    const damaged = structuredClone(style);
    for (const { layers } of damaged.networks[0]!.sizes) {
      Object.assign(layers.relu2_1!, { factor: { shape: [1, 1], data: new Float32Array(1) } });
    }
    expect(await failure(restyle(runtime, { styles: [{ style: damaged, weight: 1 }] }))).toMatch(
      /^input: The style waves is damaged: relu2_1 is \[1,1\]/,
    );
  });
});

describe('capturing', () => {
  it('says how far it is, and stops when it is asked to', async () => {
    const told: string[] = [];
    const request = { image: painting, about, networks: [tinyWeights], runtime, sizes: [64, 32] };
    const kept = await captureStyle({
      ...request,
      onProgress: ({ network, size, done, total }) => told.push(`${network} ${size} ${done}/${total}`),
    });
    expect(told).toEqual(['vgg19 32 1/2', 'vgg19 64 2/2']);
    expect(kept.networks[0]!.sha256).toBe(tinyWeights.sha256);
    expect(await failure(captureStyle({ ...request, signal: AbortSignal.abort() }))).toMatch(/^aborted: /);
  });

  it('does not enlarge a painting more than twice', async () => {
    const sizes = async (width: number) => {
      const image = scene(width, 24, 1);
      const { networks } = await captureStyle({
        image,
        about,
        networks: [tinyVgg('vgg19', { deepest: 'conv1_1' })],
        runtime,
      });
      return networks[0]!.sizes.map(({ size }) => size);
    };
    expect([await sizes(30), await sizes(255), await sizes(256)]).toEqual([[256], [256], [256, 512]]);
  });

  it('refuses a picture that is too narrow, and words that cannot be kept', async () => {
    const request = { about, networks: [tinyWeights], runtime, sizes: [64] };
    expect(await failure(captureStyle({ ...request, image: scene(200, 20, 1) }))).toMatch(
      /^input: The painting is 200×20, at 64 pixels 64×6; vgg19 needs at least 16×16/,
    );
    expect(await failure(captureStyle({ ...request, image: painting, about: { ...about, name: 'A b' } }))).toMatch(
      /^usage: The name of a style: expected a name as great-wave.*received "A b"/,
    );
  });
});

describe('a texture', () => {
  it('comes near the style from nothing, another with another seed, the same with the same', async () => {
    const paint = (seed: number) => texture({ style, weights: tinyWeights, runtime, size: 64, steps: 25, seed });
    const [a, again, b] = [await paint(1), await paint(1), await paint(2)];
    expect([a.image.width, a.image.height]).toEqual([64, 64]);
    expect(a.history.at(-1)!.loss).toBeLessThan(a.history[0]!.loss / 3);
    expect(again.image.data).toEqual(a.image.data);
    expect(relativeError(a.image.data, b.image.data)).toBeGreaterThan(0.05);
    expect(a.options.contentWeight).toBe(0);
  });

  it('has a size', async () => {
    expect(await failure(texture({ style, weights: tinyWeights, runtime, size: 8 }))).toMatch(/^usage: The size of a/);
  });
});
