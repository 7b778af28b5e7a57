import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '#src/formats/safetensors.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { decodeStyleNetwork, encodeStyleNetwork, type StyleNetworkModel } from '#src/style-network/file.js';
import { isStyleParameter } from '#src/style-network/shape.js';
import {
  decodeTrainCheckpoint,
  encodeTrainCheckpoint,
  type TrainCheckpoint,
} from '#src/training/style-network/checkpoint.js';
import { defaultTrainOptions, resolveTrainOptions, trainOptionSpecs } from '#src/training/style-network/options.js';
import { TrainAborted, type TrainEvent, type TrainRequest, train } from '#src/training/style-network/train.js';
import { openEngine, scene } from './support/restyling.js';
import { blue, lossNetwork, photo, red, style, trainingRequest, weightsOf } from './support/training.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const request = (options: TrainRequest['options'] = {}) => trainingRequest(runtime, options);

/** Runs until a step is done, and gives the checkpoint. */
async function interrupted(given: TrainRequest, step: number): Promise<TrainCheckpoint> {
  const controller = new AbortController();
  const onProgress = (event: TrainEvent) => {
    if (event.type === 'step' && event.step === step) controller.abort();
  };
  const error = await train({ ...given, signal: controller.signal, onProgress }).catch((error: unknown) => error);
  if (!(error instanceof TrainAborted)) throw error;
  expect(error.message).toBe(`Stopped after iteration ${step} of ${error.checkpoint.options.iterations}.`);
  return error.checkpoint;
}

/** Runs to the end, and collects what is told. */
async function told(given: TrainRequest) {
  const events: TrainEvent[] = [];
  const onProgress = (event: TrainEvent) => {
    events.push(event);
  };
  const result = await train({ ...given, onProgress }).catch((error: unknown) => error as Error);
  return { result, events, types: [...new Set(events.map(({ type }) => type))] };
}

describe('train', { timeout: 60_000 }, () => {
  it('lowers the loss of photos that stay the same', async () => {
    const one = { ...photo(1), crop: async (_: unknown, ...size: [number, number]) => scene(...size, 1).data };
    const options = { iterations: 60, learningRate: 0.02, averageDecay: 0.9 };
    const { history, terms, model } = await train({ ...request(options), photos: [one] });
    expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    const mean = (from: number, to: number) =>
      history.slice(from, to).reduce((sum, { total }) => sum + total, 0) / (to - from);
    expect(mean(55, 60)).toBeLessThan(0.6 * mean(0, 5));
    for (const { total, terms: values } of history) {
      expect(total).toBeCloseTo(
        terms.reduce((sum, { name, weight }) => sum + weight * values[name]!, 0),
        4,
      );
    }
    expect(Object.keys(model.ranges!)).toContain('residual1a.weight');
    for (const values of Object.values(weightsOf(model))) expect(values.every(Number.isFinite)).toBe(true);
    expect(model).toMatchObject({ name: 'tiny', licence: 'CC0-1.0', styles: [{ name: 'red' }] });
    expect(model.training).toMatchObject({ iterations: 60, learningRate: 0.02, lossNetwork: 'vgg19', photos: 1 });
  });

  it('makes the same network of the same request, another of another seed', async () => {
    const [first, again, other] = [
      await train(request()),
      await train(request()),
      await train(request({ seed: 1 })),
    ].map(({ model }) => encodeStyleNetwork(model));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it.each([
    ['one style, by Muon', {}, [red]],
    ['one style, by AMSGrad', { optimiser: 'adam' as const, amsgrad: true }, [red]],
    ['two styles, stability', { stabilityWeight: 5, clipNorm: 0.5, schedule: 'constant' as const }, [red, blue]],
  ])('goes on after interruptions digit for digit: %s', async (_, options, styles) => {
    const given = { ...request(options), styles };
    const whole = await train(given);
    let next = given;
    for (const step of [1, 4]) {
      const checkpoint = await interrupted(next, step);
      const resume = decodeTrainCheckpoint(encodeTrainCheckpoint(checkpoint));
      expect(resume).toEqual(checkpoint);
      next = { ...given, options: {}, resume };
    }
    const resumed = await train(next);
    const losses = ({ history }: typeof whole) =>
      history.map(({ step, total, terms, rate }) => [step, total, terms, rate]);
    expect(losses(resumed)).toEqual(losses(whole));
    expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.model));
    expect(encodeStyleNetwork(resumed.model)).toEqual(encodeStyleNetwork(whole.model));
  });

  it('keeps the moving average of the weights, or the last ones', async () => {
    const given = request({ iterations: 3, averageDecay: 0.5 });
    const passed: Float32Array[] = [];
    await train({
      ...request({ iterations: 3, averageDecay: 0 }),
      onProgress: async (event) => {
        if (event.type === 'step') passed.push((await event.checkpoint()).state['first.weight']!);
      },
    });
    const { model } = await train(given);
    for (const [i, value] of model.weights.get('first.weight')!.data.entries()) {
      const [first, second, third] = passed.map((data) => data[i]!) as [number, number, number];
      expect(value).toBeCloseTo((first + 2 * second + 4 * third) / 7, 6);
    }
    expect(passed[0]).not.toEqual(passed[2]);
  });

  it.each([
    ['content alone', { styleWeight: 0, tvWeight: 0 }, ['content relu2_1']],
    ['style alone', { contentWeight: 0, tvWeight: 0 }, ['style relu1_1', 'style relu2_1']],
    ['total variation alone', { contentWeight: 0, styleWeight: 0 }, ['total variation']],
    ['a layer of weight 0', { styleLayers: { relu1_1: 0, relu2_1: 1 } }, undefined],
  ])('takes any of the terms: %s', async (_, options, names) => {
    const { terms } = await train({ ...request({ ...options, iterations: 2 }), styles: [red, blue] });
    if (names) expect(terms.map(({ name }) => name)).toEqual(names);
    expect(terms.map(({ name }) => name)).not.toContain(names ? 'nothing' : 'style relu1_1');
  });

  it('shows test photos and flat cards on the way and at the end', async () => {
    const tests = [{ name: 'view', image: scene(80, 40, 3) }];
    const { events } = await told({ ...request({ testEvery: 4, testSize: 48 }), styles: [red, blue], tests });
    const shown = events.filter((event) => event.type === 'test');
    expect(shown.map(({ step }) => step)).toEqual([4, 6]);
    for (const { pictures, cards } of shown) {
      expect(pictures.map(({ photo, style }) => [photo, style])).toEqual([
        ['view', 'red'],
        ['view', 'blue'],
      ]);
      expect(pictures.map(({ image }) => [image.width, image.height])).toEqual([
        [48, 24],
        [48, 24],
      ]);
      expect(pictures[0]!.image.data).not.toEqual(pictures[1]!.image.data);
      expect(Object.keys(cards)).toEqual(['grey', 'white', 'gradient']);
      for (const score of Object.values(cards)) expect(score).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('training from a network', { timeout: 60_000 }, () => {
  let known: StyleNetworkModel;
  beforeAll(async () => {
    const { model } = await train({ ...request({ channels: [3, 4, 5] }), styles: [red, blue] });
    known = decodeStyleNetwork(encodeStyleNetwork(model));
  });
  const green = style('green', 7, [0.3, 0.8, 0.3]);
  /** Options without an architecture: that of the network counts. */
  const from = (options: TrainRequest['options'] = {}): TrainRequest => {
    const { channels: _, blocks: __, kernels: ___, ...rest } = request().options!;
    return { ...request(), options: { ...rest, ...options }, from: known, styles: [green] };
  };

  it('adds a style and leaves every bit of the others', async () => {
    const { events, result } = await told(from({ train: 'styles', learningRate: 0.05 }));
    if (result instanceof Error) throw result;
    const model = decodeStyleNetwork(encodeStyleNetwork(result.model));
    expect(model.styles.map(({ name }) => name)).toEqual(['red', 'blue', 'green']);
    expect(model.training).toMatchObject({ channels: [3, 4, 5], from: { name: 'tiny' }, train: 'styles' });
    let tables = 0;
    for (const [name, { shape, data }] of known.weights) {
      const now = model.weights.get(name)!;
      if (!isStyleParameter(name)) {
        expect(now, name).toEqual({ shape, data });
        continue;
      }
      expect(now.shape).toEqual([3, shape[1]]);
      expect(now.data.slice(0, data.length), name).toEqual(data);
      const mean = Array.from({ length: shape[1]! }, (_, c) => (data[c]! + data[shape[1]! + c]!) / 2);
      expect([...now.data.slice(data.length)]).not.toEqual(mean);
      tables += shape[1]!;
    }
    expect(events[0]).toMatchObject({ type: 'start', trained: tables });
  });

  it('trains everything, for the styles that are given: those that it knows as they are', async () => {
    const still = { train: 'all' as const, learningRate: 1e-12, averageDecay: 0, iterations: 1 };
    const { model } = await train({ ...from(still), styles: [blue, green] });
    expect(model.styles.map(({ name }) => name)).toEqual(['blue', 'green']);
    const [before, after] = [known.weights.get('down2.shift')!, model.weights.get('down2.shift')!];
    const mean = Array.from({ length: 5 }, (_, c) => (before.data[c]! + before.data[5 + c]!) / 2);
    const expected = [...before.data.slice(5), ...mean];
    expect(after.shape).toEqual([2, 5]);
    for (const [i, value] of after.data.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    const { model: moved } = await train(from({ train: 'all', iterations: 2 }));
    expect(moved.styles.map(({ name }) => name)).toEqual(['green']);
    expect(moved.weights.get('last.weight')!.data).not.toEqual(known.weights.get('last.weight')!.data);
  });

  it('resumes, but not from another network', async () => {
    const given = from({ train: 'styles' });
    const whole = await train(given);
    const resume = await interrupted(given, 2);
    expect(weightsOf((await train({ ...given, resume })).model)).toEqual(weightsOf(whole.model));
    const { from: _, ...without } = given;
    const weights = new Map(known.weights);
    const last = weights.get('last.bias')!;
    weights.set('last.bias', { ...last, data: last.data.map((value) => value + 1) });
    await expect(train({ ...given, from: { ...known, weights }, resume })).rejects.toThrow(/another network/);
    await expect(train({ ...without, resume })).rejects.toThrow(/trained of a network that is given/);
  });

  it.each<[string, Partial<TrainRequest>, TrainRequest['options'], RegExp]>([
    ['a style that it has', { styles: [blue] }, { train: 'styles' }, /two styles called 'blue'/],
    ['the same style twice', { styles: [green, green] }, {}, /two styles called 'green'/],
    ['another architecture', {}, { blocks: 2 }, /option blocks: tiny has 1, received 2/],
  ])('refuses %s', async (_, change, options, message) => {
    await expect(train({ ...from(options), ...change })).rejects.toThrow(message);
  });
});

describe('the watchdog', { timeout: 60_000 }, () => {
  /** A photo that is no number, the first so many times that it is asked for at all. */
  const broken = (times: number, after: number) => {
    let asked = 0;
    const crop = async (...args: Parameters<ReturnType<typeof photo>['crop']>) => {
      asked++;
      const data = await photo(1).crop(...args);
      return asked > after && asked <= after + times ? data.fill(Number.NaN) : data;
    };
    return [{ ...photo(1), crop }];
  };

  it('goes back after a loss that is no number, at half the rate, and finishes', async () => {
    const given = { ...request({ batch: 1, schedule: 'constant', averageDecay: 0 }), photos: broken(1, 3) };
    const { result, events } = await told(given);
    if (result instanceof Error) throw result;
    const [rollback, ...others] = events.filter((event) => event.type === 'rollback');
    expect(others).toEqual([]);
    expect(rollback).toEqual({ type: 'rollback', step: 4, to: 0, loss: Number.NaN });
    expect(result.history.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const { history } = await train({ ...given, photos: [photo(1)] });
    for (const [i, { rate }] of result.history.entries()) expect(rate).toBeCloseTo(history[i]!.rate / 2, 12);
    for (const values of Object.values(weightsOf(result.model))) expect(values.every(Number.isFinite)).toBe(true);
  });

  it('goes back to the same moment, and at the same rate, when it was interrupted in between', async () => {
    const options = { batch: 1, averageDecay: 0, iterations: 8 };
    const whole = await told({ ...request(options), photos: broken(1, 3) });
    const resume = await interrupted({ ...request(options), photos: broken(1, 3) }, 5);
    expect(resume).toMatchObject({ rateFactor: 0.5, lastGood: { step: 0, rateFactor: 1 } });
    const resumed = await train({
      ...request(options),
      photos: [photo(1)],
      resume: decodeTrainCheckpoint(encodeTrainCheckpoint(resume)),
    });
    if (whole.result instanceof Error) throw whole.result;
    expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.result.model));
  });

  it('gives up after eight attempts, with a word on what to do', async () => {
    const { result, events } = await told({ ...request({ batch: 1 }), photos: broken(1000, 2) });
    expect(events.filter(({ type }) => type === 'rollback')).toHaveLength(9);
    expect(String(result)).toMatch(/The loss became NaN at iteration 1, again after 8 attempts.*lower learning rate/);
  });

  /** Photos of which some, by the number of the crop, have hardly any content that a relative error could be of. */
  const withEmpty = (numbers: readonly number[]): TrainRequest['photos'] => {
    let asked = 0;
    const crop = async (...args: Parameters<ReturnType<typeof photo>['crop']>) => {
      const data = await photo(1).crop(...args);
      if (!numbers.includes(++asked)) return data;
      return data.map((_, i) => lossNetwork.preprocessing.mean[Math.floor((3 * i) / data.length)]! / 255);
    };
    return [{ ...photo(1), crop }];
  };

  it('notices a loss that is many times what it was, and stays', async () => {
    const given = { ...request({ batch: 1, iterations: 60 }), photos: withEmpty([55, 56, 57, 58]) };
    const { result, events } = await told(given);
    if (result instanceof Error) throw result;
    const [rollback, ...others] = events.filter((event) => event.type === 'rollback');
    expect(others).toEqual([]);
    expect(rollback).toMatchObject({ step: 58, to: 0 });
    expect(rollback!.loss).toBeGreaterThan(5 * Math.max(...result.history.map(({ total }) => total)));
    expect(result.history).toHaveLength(60);
  });

  it('goes on after a few photos in which there is nothing to see', async () => {
    const { result, events } = await told({
      ...request({ batch: 1, iterations: 60 }),
      photos: withEmpty([54, 55, 56, 58]),
    });
    if (result instanceof Error) throw result;
    expect(events.filter(({ type }) => type === 'rollback')).toEqual([]);
    const totals = result.history.map(({ total }) => total);
    expect(Math.max(...totals)).toBeGreaterThan(5 * totals[0]!);
  });

  it('notices a gradient that is no number before it spoils the weights', async () => {
    let runs = 0;
    const open: Runtime['open'] = async (model) => {
      const session = await runtime.open(model);
      const run: typeof session.run = async (...args) => {
        const values = await session.run(...args);
        const spoiled = 'gradient norm' in values && ++runs === 3;
        return spoiled ? { ...values, 'gradient norm': Float32Array.of(Number.POSITIVE_INFINITY) } : values;
      };
      return { ...session, run };
    };
    const { result, events } = await told({ ...request(), runtime: { ...runtime, open } });
    if (result instanceof Error) throw result;
    expect(events.filter(({ type }) => type === 'rollback')).toMatchObject([{ step: 3, to: 0 }]);
    expect(result.history).toHaveLength(6);
  });
});

describe('what cannot be trained', { timeout: 60_000 }, () => {
  it.each<[string, Partial<TrainRequest>, RegExp]>([
    ['no style', { styles: [] }, /at least one style/],
    ['no photos', { photos: [] }, /needs photos, received none/],
    ['two styles of one name', { styles: [red, { ...blue, name: 'red' }] }, /two styles called 'red'/],
    ['only the styles of nothing', { options: { train: 'styles' } }, /of a network that is given/],
    ['weights that are all 0', { options: { contentWeight: 0, styleWeight: 0, tvWeight: 0 } }, /losses are 0/],
    ['a layer that the loss network lacks', { options: { contentLayers: { relu4_2: 1 } } }, /no layer 'relu4_2'/],
    ['words that do not fit into the file', { licence: 'x'.repeat(2000) }, /The licence of the network/],
  ])('is said before the work starts: %s', async (_, change, message) => {
    const events: TrainEvent[] = [];
    const onProgress = (event: TrainEvent) => void events.push(event);
    const options = { ...request().options, ...change.options };
    await expect(train({ ...request(), onProgress, ...change, options })).rejects.toThrow(message);
    expect(events).toEqual([]);
  });

  it('a checkpoint of other pictures', async () => {
    const resume = await interrupted(request(), 1);
    const refused = (change: Partial<TrainRequest>) =>
      expect(train({ ...request(), resume, ...change })).rejects.toThrow(
        /of a run with other pictures or another network: it has 3 photos and the styles red/,
      );
    await refused({ styles: [blue] });
    await refused({ styles: [red, blue] });
    await refused({ styles: [{ ...red, style: blue.style }] });
    await refused({ styles: [{ ...red, weight: 2 }] });
    await refused({ photos: [photo(1), photo(2)] });
    await refused({ photos: [photo(1), photo(2), photo(4)] });
    await refused({ weights: { ...request().weights, sha256: 'f'.repeat(64) } });
  });

  it('a checkpoint that is damaged, or none', async () => {
    const bytes = encodeTrainCheckpoint(await interrupted(request(), 1));
    const { tensors, metadata } = readSafetensors(bytes);
    const rewritten = (change: Record<string, string>) =>
      decodeTrainCheckpoint(writeSafetensors(tensors, { ...metadata, ...change }), 'a.checkpoint');
    expect(() => decodeTrainCheckpoint(bytes.slice(0, -1), 'a.checkpoint')).toThrow(/a\.checkpoint/);
    expect(() => rewritten({ format: 'another' })).toThrow(/a\.checkpoint is no checkpoint of train/);
    expect(() => rewritten({ run: '{}' })).toThrow(/a\.checkpoint is damaged/);
    expect(() => rewritten({ options: '{"batch":0}' })).toThrow(/a\.checkpoint is damaged/);
    expect(() => rewritten({ history: '{' })).toThrow(/a\.checkpoint is damaged/);
    // One of the time when there was only Adam.
    const { optimiser, ...earlier } = JSON.parse(metadata.options!);
    expect(optimiser).toBe('muon');
    expect(rewritten({ options: JSON.stringify(earlier) }).options.optimiser).toBe('adam');
  });
});

describe('options', () => {
  it('have defaults that fit, and each a description', () => {
    expect(resolveTrainOptions({})).toEqual({ ...defaultTrainOptions, learningRate: 0.005 });
    expect(resolveTrainOptions({ optimiser: 'adam' }).learningRate).toBe(0.001);
    expect(resolveTrainOptions({ learningRate: 0.02 }).learningRate).toBe(0.02);
    expect(trainOptionSpecs.map(({ name }) => name).sort()).toEqual(Object.keys(defaultTrainOptions).sort());
    for (const { description } of trainOptionSpecs) expect(description).not.toBe('');
  });

  it.each<[unknown, RegExp]>([
    [{ iterations: 0 }, /iterations/],
    [{ batch: 1.5 }, /batch/],
    [{ cropSize: 32 }, /cropSize/],
    [{ kernels: [4, 3] }, /kernels: expected odd numbers; received \[4, 3\]/],
    [{ channels: [0, 4] }, /channels: expected 3 or 4 numbers/],
    [{ kernels: [3] }, /kernels: expected 2 numbers/],
    [{ optimiser: 'sgd' }, /optimiser/],
    [{ styleLayers: { pool1: 1 } }, /styleLayers/],
    [{ beta2: 1 }, /beta2/],
    [{ learningRate: Number.NaN }, /learningRate/],
    [{ schedule: 'linear' }, /schedule/],
    [{ train: 'nothing' }, /train/],
    [{ contentWeigth: 1 }, /no option 'contentWeigth' of training\. Perhaps you mean contentWeight\./],
  ])('that are wrong are named: %j', (given, message) => {
    expect(() => resolveTrainOptions(given)).toThrow(message);
  });
});
