import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createImage, type Image } from '#src/image/image.js';
import { lossTerms } from '#src/losses/total.js';
import { loadNetworkWeights } from '#src/platform/node/model-store.js';
import { loadStyle } from '#src/platform/node/style-store.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import { lossSettings, resolveStylizeOptions } from '#src/stylize/options.js';
import { stylize } from '#src/stylize/stylize.js';
import { openEngine, scene } from './support/restyling.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

/** The mean of each 2×2 pixels. */
function halved({ width, height, data }: Image): Image {
  const [w, h] = [width / 2, height / 2];
  const out = new Float32Array(3 * w * h);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const at = (dy: number, dx: number) => data[c * width * height + (2 * y + dy) * width + 2 * x + dx]!;
        out[c * w * h + y * w + x] = (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4;
      }
  return createImage(w, h, out);
}

const picture = scene(64, 64, 1);
const painting = scene(64, 64, 2, [0.8, 0.3, 0.2]);
const layers = { contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1, relu2_1: 3 } } as const;

describe('a style that is compared at several sizes', () => {
  it('has terms at each, which share its weight alike', () => {
    const terms = lossTerms(
      lossSettings(resolveStylizeOptions({ ...layers, styleSizes: 3, styleWeight: 6, tvWeight: 0 })),
    );
    const style = terms.filter(({ kind }) => kind === 'style');
    expect(style.map(({ name, weight }) => [name, weight])).toEqual([
      ['style relu1_1', 0.5],
      ['style relu2_1', 1.5],
      ['style relu1_1 at 1/2', 0.5],
      ['style relu2_1 at 1/2', 1.5],
      ['style relu1_1 at 1/4', 0.5],
      ['style relu2_1 at 1/4', 1.5],
    ]);
  });

  it('measures there what the halves of picture and painting measure', async () => {
    const weights = await loadNetworkWeights('distilled-small');
    const measured = async (generated: Image, style: Image, styleSizes: number) => {
      const styles = [{ image: style }];
      const options = { ...layers, styleSizes };
      const { terms } = await measureLosses({ content: generated, styles, generated, weights, runtime, options });
      return Object.fromEntries(terms.map(({ name, value }) => [name, value]));
    };
    const both = await measured(picture, painting, 2);
    const half = await measured(halved(picture), halved(painting), 1);
    for (const layer of ['relu1_1', 'relu2_1']) {
      expect(both[`style ${layer} at 1/2`]).toBeCloseTo(half[`style ${layer}`]!, 5);
      expect(both[`style ${layer} at 1/2`]).not.toBeCloseTo(both[`style ${layer}`]!, 3);
    }
  });

  it('comes nearer to the style in the small, from a painting and from a style file', async () => {
    const weights = await loadNetworkWeights('distilled-small');
    for (const style of [{ image: painting }, await loadStyle('starry-night')]) {
      const atQuarter = async (styleSizes: number) => {
        const options = { ...layers, styleSizes, size: 64, scales: 1, steps: 12 };
        const { image } = await stylize({ content: picture, styles: [style], weights, runtime, options });
        const { terms } = await measureLosses({
          ...{ content: picture, styles: [style], generated: image, weights, runtime },
          options: { ...layers, styleSizes: 3 },
        });
        return terms.filter(({ level }) => level === 2).reduce((sum, { value }) => sum + value, 0);
      };
      expect(await atQuarter(3)).toBeLessThan(0.8 * (await atQuarter(1)));
    }
  });

  it('needs a picture whose quarter is large enough for its layers', async () => {
    const weights = await loadNetworkWeights('distilled-small');
    const request = { content: picture, styles: [{ image: painting }], weights, runtime };
    const small = stylize({ ...request, options: { size: 24, styleLayers: { relu4_1: 1 }, styleSizes: 3 } });
    await expect(small).rejects.toMatchObject({ reason: { kind: 'too-small' } });
    await expect(stylize({ ...request, options: { styleSizes: 4 } })).rejects.toThrow(/styleSizes: expected at most 3/);
  });
});
