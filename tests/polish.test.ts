import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FauveError } from '#src/errors.js';
import { quantise } from '#src/image/quantise.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { captureStyle } from '#src/stylize/capture.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '#src/stylize/checkpoint.js';
import type { StylizeEvent } from '#src/stylize/events.js';
import { carryOver } from '#src/stylize/image-optimiser.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import { requireMemory } from '#src/stylize/memory.js';
import { resolveStylizeOptions } from '#src/stylize/options.js';
import type { Scale } from '#src/stylize/scales.js';
import { StylizeAborted } from '#src/stylize/stylize.js';
import { openEngine, type Restyling, restyle, scene, tinyWeights } from './support/restyling.js';
import { tinyDistilled } from './support/tiny-distilled.js';

vi.setConfig({ testTimeout: 30_000 });

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const about = { name: 'waves', title: 'Waves', artist: 'Nobody', year: 1901, source: '' };
const weights = { ...tinyDistilled({ seed: 4 }), sha256: 'a'.repeat(64) };
const polished = (polish: number, given: Restyling = {}) =>
  restyle(runtime, { weights, polishWeights: tinyWeights, ...given, options: { steps: 3, polish, ...given.options } });

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FauveError);
  return `${(error as FauveError).code}: ${(error as FauveError).message}`;
}

describe('polish', () => {
  it('goes on with the other network at the full size, and reports its loss', async () => {
    const plain = await polished(0);
    const { scales, history, loss, image, options } = await polished(4);
    expect(scales).toEqual([
      { width: 64, height: 48, steps: 3 },
      { width: 64, height: 48, steps: 4, network: 'vgg19' },
    ]);
    expect(history.slice(0, 3)).toEqual(plain.history);
    expect(history.map(({ scale }) => scale)).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect(options.polish).toBe(4);
    const judge = (generated: typeof image) =>
      measureLosses({
        content: scene(64, 48, 1),
        styles: [{ image: scene(56, 60, 2), weight: 1 }],
        generated: quantise(generated),
        weights: tinyWeights,
        runtime,
      });
    expect(loss).toBeCloseTo((await judge(image)).total, 5);
    expect(loss).toBeLessThan((await judge(plain.image)).total);
  });

  it('without steps is as if it were not there', async () => {
    const { image, scales } = await restyle(runtime, { weights, options: { steps: 3 } });
    const none = await polished(0);
    expect(none.image).toEqual(image);
    expect(none.scales).toEqual(scales);
  });

  it('goes on after each of several stops to the very same picture', async () => {
    const whole = await polished(4);
    let resume: Checkpoint | undefined;
    for (const stopAfter of [1, 2, 4, 6]) {
      const controller = new AbortController();
      const onProgress = (event: StylizeEvent) => {
        if (event.type === 'step' && event.step === stopAfter) controller.abort();
      };
      const run = polished(4, { ...(resume ? { resume } : {}), signal: controller.signal, onProgress });
      const stopped = await run.catch((error: unknown) => error);
      expect(stopped).toBeInstanceOf(StylizeAborted);
      resume = decodeCheckpoint(encodeCheckpoint((stopped as StylizeAborted).checkpoint));
      const other = { ...tinyWeights, sha256: 'b'.repeat(64) };
      expect(await failure(polished(4, { resume, polishWeights: other }))).toMatch(/checkpoint is of other/);
    }
    expect((await polished(4, { resume: resume! })).image).toEqual(whole.image);
  });

  it('works with Adam', async () => {
    const { history, loss } = await polished(5, { options: { optimiser: 'adam', learningRate: 0.01 } });
    expect(history).toHaveLength(8);
    expect(Number.isFinite(loss)).toBe(true);
  });

  it('needs the weights of that network, before any work', async () => {
    const events: string[] = [];
    const run = restyle(runtime, {
      weights,
      options: { polish: 2 },
      onProgress: ({ type }) => {
        events.push(type);
      },
    });
    expect(await failure(run)).toMatch(/^usage: polish ends with 2 steps of another network and needs its weights/);
    expect(events).toEqual([]);
  });

  it('takes captured styles that hold something for its network', async () => {
    const capture = (networks: NetworkWeights[]) =>
      captureStyle({ image: scene(96, 96, 2), about, networks, runtime, bytes: 1e6 });
    const both = await capture([weights, tinyWeights]);
    const { scales } = await polished(2, { styles: [{ style: both, weight: 1 }] });
    expect(scales.at(-1)).toMatchObject({ steps: 2, network: 'vgg19' });
    const one = await capture([weights]);
    expect(await failure(polished(2, { styles: [{ style: one, weight: 1 }] }))).toMatch(
      /^usage: polish has to look at the painting with vgg19, and the style waves was captured for other networks/,
    );
  });

  it("takes L-BFGS's memory along to the same size, and to no other", () => {
    const image = new Float32Array(3 * 8 * 8);
    const pair = { 's 0': image.slice(), 'y 0': image.slice(), 'curvature 0': image.slice(0, 3) };
    const state = { arrays: { image, ...pair }, numbers: { pairs: 12 } };
    const [from, larger] = [8, 16].map((side) => ({ width: side, height: side, steps: 1 })) as [Scale, Scale];
    const picture = image.slice().fill(0.5);
    expect(carryOver(state, from, { ...from, network: 'vgg19' }, picture)).toEqual({
      arrays: { image: picture, ...pair },
      numbers: { pairs: 12 },
    });
    expect(carryOver(state, from, larger, picture).arrays).toEqual({ image: picture });
  });

  it('needs the memory of the larger network, and of the weights of the other', () => {
    const options = resolveStylizeOptions({ polish: 1 });
    const size = { width: 256, height: 256 };
    const need = (...networks: Parameters<typeof requireMemory>[0]) =>
      requireMemory(networks, options, size, size, [], undefined);
    const [small, large] = [vgg(weights), vgg(tinyDistilled({ channels: 32 }))];
    expect(need(small, large)).toBeGreaterThan(need(large));
    expect(need(small, large)).toBe(need(large, small));
    expect(need(small, large) - need(large)).toBeLessThan(need(small) / 10);
  });
});
