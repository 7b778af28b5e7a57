import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as fauve from './support/doors.js';
import { openEngine, scene, tinyWeights } from './support/restyling.js';
import { negative } from './support/tiny-style-network.js';
import { tinyVgg } from './support/tiny-vgg.js';
import { photo, trainingRequest } from './support/training.js';

let runtime: fauve.Runtime;
let style: fauve.Style;
let network: fauve.StyleNetwork;
const content = scene(64, 48, 1);
const painting = scene(48, 64, 2);
const about = { name: 'waves', title: 'Waves', artist: '', year: null, source: '' };

beforeAll(async () => {
  runtime = await openEngine();
  style = await fauve.captureStyle({ image: painting, about, networks: [tinyWeights], runtime, sizes: [64] });
  network = await fauve.openStyleNetwork(runtime, { fileName: 'negative.onnx', bytes: negative({ white: 1 }) });
});
afterAll(async () => {
  await network.close();
  await runtime.close();
});

interface Listening {
  readonly signal: AbortSignal;
  readonly onProgress: (event: { readonly type: string }) => void;
}

const options = { size: 64, steps: 3, scales: 1 };
const shape = { conv1_1: 3, conv1_2: 4, conv2_1: 4, conv3_1: 4, conv4_1: 4, conv4_2: 4, conv5_1: 4 };
const distilOptions = { shape, cropSize: 64, crops: 8, pool: 3, triplets: 1 };
const teacher = tinyVgg('vgg19', { channels: 6, deepest: 'conv5_1' });

/** Runs that have steps. */
const runs: Record<string, (listening: Listening) => Promise<unknown>> = {
  stylize: (listening) =>
    fauve.stylize({ content, styles: [{ image: painting }], weights: tinyWeights, runtime, options, ...listening }),
  texture: (listening) => fauve.texture({ style, weights: tinyWeights, runtime, size: 32, steps: 3, ...listening }),
  train: (listening) => fauve.train({ ...trainingRequest(runtime), ...listening }),
  distil: (listening) =>
    fauve.distil({
      ...{ teacher, runtime, photos: [photo(1)], paintings: [photo(2)], tests: [] },
      options: { ...distilOptions, fresh: 1, steps: 3, rounds: 0, testEvery: 0, pictureLife: 3 },
      ...listening,
    }),
};

/** Runs that only wait for one thing. */
const passes: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  captureStyle: (signal) =>
    fauve.captureStyle({ image: painting, about, networks: [tinyWeights], runtime, sizes: [64], signal }),
  measureLosses: (signal) =>
    fauve.measureLosses({
      ...{ content, styles: [{ image: painting }], generated: content, weights: tinyWeights, runtime, signal },
    }),
  apply: (signal) => fauve.apply({ image: content, network, signal }),
};

/** What a run ends with when the signal fires at an event, or before it begins. */
async function stopped(run: (listening: Listening) => Promise<unknown>, at: string): Promise<fauve.FauveError> {
  const controller = new AbortController();
  const types: string[] = [];
  const onProgress = ({ type }: { readonly type: string }) => {
    types.push(type);
    if (type === at) controller.abort();
  };
  if (at === 'call') controller.abort();
  const error: unknown = await run({ signal: controller.signal, onProgress }).catch((reason: unknown) => reason);
  if (!(error instanceof fauve.FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  expect(error.code).toBe('aborted');
  if (at === 'call') expect(types).toEqual([]);
  else expect(types.filter((type) => type === 'step')).toHaveLength(at === 'step' ? 1 : 0);
  return error;
}

const kept = [fauve.StylizeAborted, fauve.TrainAborted, fauve.DistilAborted] as const;
const keeps = (error: unknown) => kept.some((kind) => error instanceof kind);

describe('a signal that fires', () => {
  it.each(Object.keys(runs))('before the call: %s keeps nothing', async (name) => {
    expect(keeps(await stopped(runs[name]!, 'call'))).toBe(false);
  });

  it.each(['stylize', 'texture', 'train'])('at the start: %s keeps nothing', async (name) => {
    const error = await stopped(runs[name]!, 'start');
    expect(keeps(error)).toBe(false);
    expect(error.message).toBe('Stopped before the first step.');
  });

  it('during the closed form: distil keeps nothing', async () => {
    expect(keeps(await stopped(runs.distil!, 'closed form'))).toBe(false);
  });

  it('after the closed form: distil keeps it', async () => {
    expect(await stopped(runs.distil!, 'start')).toMatchObject({ checkpoint: { step: 0 } });
  });

  it.each(Object.keys(runs))('during the first step: %s keeps a checkpoint', async (name) => {
    const error = await stopped(runs[name]!, 'step');
    expect(keeps(error)).toBe(true);
    expect(error.message).toMatch(/^Stopped after (step|iteration) 1/);
  });

  it.each(Object.keys(passes))('before the call, or while it works: %s says so', async (name) => {
    const controller = new AbortController();
    for (const signal of [AbortSignal.abort(), controller.signal]) {
      const running = passes[name]!(signal);
      controller.abort();
      await expect(running).rejects.toMatchObject({ name: 'FauveError', code: 'aborted' });
    }
  });

  it('after the last step: the result is there', async () => {
    const controller = new AbortController();
    const onProgress = (event: { readonly type: string; readonly step?: number }) => {
      if (event.step === 3) controller.abort();
    };
    await expect(runs.stylize!({ signal: controller.signal, onProgress })).resolves.toBeDefined();
  });

  it('in a run that went on, before its first step: the checkpoint is still good', async () => {
    const error = await stopped(runs.stylize!, 'step');
    const { checkpoint } = error as fauve.StylizeAborted;
    const resumed = (listening: Listening) => runs.stylize!({ ...listening, ...{ resume: checkpoint } });
    expect(keeps(await stopped(resumed, 'scale'))).toBe(false);
    await expect(resumed({ signal: new AbortController().signal, onProgress: () => {} })).resolves.toBeDefined();
  });

  it('leaves a texture without its margin, which can be gone on with', async () => {
    const error = (await stopped(runs.texture!, 'step')) as fauve.StylizeAborted;
    expect([error.image.width, error.image.height]).toEqual([32, 32]);
    const given = { style, weights: tinyWeights, runtime, size: 32, steps: 3 };
    const whole = await fauve.texture(given);
    expect((await fauve.texture({ ...given, resume: error.checkpoint })).image.data).toEqual(whole.image.data);
  });
});
