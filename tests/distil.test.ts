import { Matrix } from 'ml-matrix';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelScales } from '#src/formats/rounding.js';
import type { WeightTensor } from '#src/formats/tensor.js';
import { evaluate } from '#src/graph/evaluate.js';
import type { Tensor } from '#src/graph/tensor.js';
import { distilledTaps } from '#src/networks/distilled.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { defaultAdamOptions } from '#src/optim/adam.js';
import { readImage } from '#src/platform/node/images.js';
import { pictureFolder } from '#src/platform/node/picture-folder.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { cropOf, type PictureSource, randomFor, randomSquare } from '#src/training/crops.js';
import { decodeDistilCheckpoint, encodeDistilCheckpoint } from '#src/training/loss-network/checkpoint.js';
import { closedForm, fitHeads } from '#src/training/loss-network/closed-form.js';
import { DistilAborted, type DistilEvent, type DistilRequest, distil } from '#src/training/loss-network/distil.js';
import { sumsOfRows, verticalFilters } from '#src/training/loss-network/separable.js';
import { trainingStep } from '#src/training/loss-network/step.js';
import { layersOf, type StudentShape } from '#src/training/loss-network/student.js';
import { random } from './support/random.js';
import { openEngine, scene } from './support/restyling.js';
import { tinyVgg } from './support/tiny-vgg.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const teacher: NetworkWeights = tinyVgg('vgg19', { channels: 6, deepest: 'conv5_1' });
const every = (channels: number) =>
  Object.fromEntries(
    [...teacher.tensors.keys()].filter((key) => key.endsWith('.weight')).map((key) => [key.slice(0, 7), channels]),
  );
const small = { conv1_1: 3, conv1_2: 4, conv2_1: 4, conv3_1: 4, conv4_1: 4, conv4_2: 4, conv5_1: 4 };

/** A source of crops of a made-up scene. */
const source = (seed: number, colour: readonly number[]): PictureSource => ({
  name: `scene ${seed}`,
  size: async () => ({ width: 90, height: 70, colours: 'rgb' as const }),
  crop: async ({ left, top, mirrored }, size) =>
    scene(size, size, 1 + seed + left + top + Number(mirrored), colour).data,
});
const pictures = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => source(seed + 10 * i, [0.3 + 0.1 * i, 0.5, 0.7 - 0.1 * i]));

const request = (options: DistilRequest['options'] = {}): DistilRequest => ({
  teacher,
  runtime,
  photos: pictures(3, 1),
  paintings: pictures(3, 11),
  tests: [],
  options: {
    shape: small,
    cropSize: 64,
    crops: 8,
    pool: 3,
    triplets: 1,
    fresh: 1,
    testEvery: 0,
    pictureLife: 3,
    ...options,
  },
});

const batches = Array.from({ length: 2 }, (_, b) => ({
  data: Float32Array.from(Array.from({ length: 8 }, (_, i) => [...scene(64, 64, 8 * b + i + 1).data]).flat()),
  count: 8,
  size: 64,
}));

describe('the closed form', { timeout: 60_000 }, () => {
  it('is the teacher itself when no channel is left out', async () => {
    const shape = every(6);
    const layers = layersOf(shape, teacher);
    const kernels = await closedForm(runtime, teacher, shape, layers, batches, () => {});
    const { errors } = await fitHeads(runtime, teacher, kernels, layers, batches);
    for (const tap of distilledTaps) expect(errors[tap]).toBeLessThan(0.02);
  });

  it('explains most of the features with fewer channels and layers, and no more than all', async () => {
    const layers = layersOf(small, teacher);
    const kernels = await closedForm(runtime, teacher, small, layers, batches, () => {});
    expect([...kernels].map(([name, { shape }]) => `${name} ${shape}`).slice(0, 4)).toEqual([
      'conv1_1.weight 3,3,3,3',
      'conv1_1.bias 3',
      'conv1_2.weight 4,3,3,3',
      'conv1_2.bias 4',
    ]);
    const { heads, errors } = await fitHeads(runtime, teacher, kernels, layers, batches);
    expect(heads.get('relu4_2.head')!.shape).toEqual([4, 6]);
    for (const tap of distilledTaps) {
      expect(errors[tap]).toBeGreaterThan(0);
      expect(errors[tap]).toBeLessThan(0.5);
    }
  });

  it('rounds kernels so that the features suffer less than by rounding each weight', async () => {
    const shape = every(6);
    const layers = layersOf(shape, teacher);
    const errorsOf = async (kernels: ReadonlyMap<string, WeightTensor>) =>
      (await fitHeads(runtime, teacher, kernels, layers, batches)).errors;
    const exact = await closedForm(runtime, teacher, shape, layers, batches, () => {});
    const plain = new Map(exact);
    for (const layer of layers) {
      const { shape: size, data } = exact.get(`${layer}.weight`)!;
      const scale = kernelScales({ shape: size, data }, 7);
      const each = data.length / scale.length;
      const rounded = data.map((value, i) => {
        const step = scale[Math.floor(i / each)]!;
        return Math.round(value / step) * step;
      });
      plain.set(`${layer}.weight`, { shape: size, data: rounded });
    }
    const fitted = await closedForm(runtime, teacher, shape, layers, batches, () => {}, 7);
    for (const layer of layers) {
      const { shape: size, data } = fitted.get(`${layer}.weight`)!;
      const scale = kernelScales({ shape: size, data }, 7);
      const each = data.length / scale.length;
      for (const [i, value] of data.entries()) {
        const number = value / scale[Math.floor(i / each)]!;
        expect(Math.abs(number - Math.round(number))).toBeLessThan(1e-3);
      }
    }
    const [better, worse] = [await errorsOf(fitted), await errorsOf(plain)];
    expect(better.relu5_1!).toBeLessThan(0.8 * worse.relu5_1!);
  });

  it('needs no more vertical filters than a kernel has, and loses little with half of them', async () => {
    const errorsWith = async (rank: number | undefined) => {
      const shape: StudentShape =
        rank === undefined ? every(6) : { ...every(6), conv2_2: [6, rank], conv4_4: [6, rank] };
      const layers = layersOf(shape, teacher);
      const kernels = await closedForm(runtime, teacher, shape, layers, batches, () => {});
      if (rank !== undefined) {
        expect(kernels.get('conv2_2.vertical.weight')!.shape).toEqual([rank, 6, 3, 1]);
        expect(kernels.get('conv2_2.weight')!.shape).toEqual([6, rank, 1, 3]);
      }
      return (await fitHeads(runtime, teacher, kernels, layers, batches)).errors.relu5_1!;
    };
    const [whole, full, half, one] = [
      await errorsWith(undefined),
      await errorsWith(18),
      await errorsWith(9),
      await errorsWith(1),
    ];
    expect(Math.abs(full - whole)).toBeLessThan(1e-3);
    expect(half - whole).toBeLessThan(0.2 * (one - whole));
  });

  it('finds vertical filters that no others of their number beat by much', async () => {
    // One picture's patches, a kernel of rank 1 and a small rest: the filter of rank 1 has to be found.
    const values = random(5);
    const [channels, outputs, count] = [3, 4, 500];
    const size = 9 * channels + 1;
    const [vertical, horizontal] = [values.uniform([3 * channels]), values.uniform([3 * outputs])];
    const kernel = new Matrix(
      Array.from({ length: size }, (_, row) => {
        const [u, v, i] = [Math.floor(row / channels / 3), Math.floor(row / channels) % 3, row % channels];
        return Array.from({ length: outputs }, (_, o) =>
          row === size - 1 ? 0.5 : vertical[u * channels + i]! * horizontal[v * outputs + o]!,
        );
      }),
    );
    const patches = new Matrix(
      Array.from({ length: size }, (_, row) =>
        row === size - 1 ? Array<number>(count).fill(1) : [...values.uniform([count])],
      ),
    );
    const gram = patches.mmul(patches.transpose());
    const sums = { normal: Float64Array.from(gram.to1DArray()), right: gram.mmul(kernel) };
    const filters = await verticalFilters(runtime, kernel, sums, 1, 127);
    const largest = vertical.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most));
    const sign = Math.sign(largest * filters.data.reduce((m, value) => (Math.abs(value) > Math.abs(m) ? value : m)));
    for (const [at, value] of filters.data.entries()) {
      const [i, u] = [Math.floor(at / 3), at % 3];
      expect(Math.abs(sign * value - vertical[u * channels + i]! / Math.abs(largest))).toBeLessThan(0.01);
    }
    const rows = await sumsOfRows(runtime, sums, filters);
    const seen = new Matrix(
      Array.from({ length: 4 }, (_, v) =>
        Array.from({ length: count }, (_, p) => {
          if (v === 3) return 1;
          let value = 0;
          for (let u = 0; u < 3; u++)
            for (let i = 0; i < channels; i++)
              value += filters.data[3 * i + u]! * patches.get((3 * u + v) * channels + i, p);
          return value;
        }),
      ),
    );
    const expected = seen.mmul(seen.transpose());
    for (const [i, value] of expected.to1DArray().entries()) {
      expect(Math.abs(rows.normal[i]! - value)).toBeLessThan(1e-4 * gram.max());
    }
    const targets = seen.mmul(patches.transpose()).mmul(kernel);
    expect(Matrix.sub(rows.right, targets).abs().max()).toBeLessThan(1e-4 * targets.abs().max());
  });

  it.each([
    [{ ...small, conv1_2: [4, 10] }, /conv1_2 has 1 to 9 vertical filters, received 10/],
    [{ conv9_1: 4 }, /no convolution 'conv9_1'/],
    [{ ...small, conv1_1: 7 }, /1 to 6 channels, received 7/],
    [{ conv1_1: 3 }, /needs conv2_1/],
  ])('refuses a shape that cannot serve: %j', (shape, message) => {
    expect(() => layersOf(shape as unknown as StudentShape, teacher)).toThrow(message);
  });
});

describe('a training step', { timeout: 60_000 }, () => {
  const shape = { triplets: 2, fresh: 1, size: 16, gramWeight: 5, residualWeight: 5 };
  const values = random(3);
  let outputs: Record<string, Tensor>;
  let feeds: Record<string, Float32Array>;
  let names: readonly string[];

  beforeAll(async () => {
    const layers = layersOf(small, teacher);
    const kernels = await closedForm(runtime, teacher, small, layers, batches, () => {});
    const { heads } = await fitHeads(runtime, teacher, kernels, layers, batches);
    const student = new Map([...kernels, ...heads]);
    const graph = trainingStep(teacher, student, layers, shape, defaultAdamOptions);
    const weights = Object.fromEntries([...student].map(([name, { data }]) => [name, data]));
    const moment = (name: string) => new Float32Array(weights[name.replace(/ (first|second) moment$/, '')]!.length);
    outputs = graph.outputs;
    names = graph.names;
    feeds = {
      ...weights,
      ...Object.fromEntries(graph.state.map((name) => [name, moment(name)])),
      x: values.uniform([2, 3, 16, 16], 0.2, 0.8),
      rest: values.uniform([5, 3, 16, 16], 0, 1),
      'content weight': Float32Array.of(0.1, 0.3),
      'adam rate': Float32Array.of(0.01),
      'adam correction': Float32Array.of(1),
    };
  }, 60_000);

  /** How a scalar changes when an input moves along a direction, by central differences. */
  const along = (output: Tensor, name: string, direction: Float32Array): number => {
    const step = 1e-5 * Math.max(...feeds[name]!.map(Math.abs));
    const at = (t: number) => {
      const moved = Float64Array.from(feeds[name]!, (value, i) => value + t * direction[i]!);
      return evaluate([output], { ...feeds, [name]: moved })[0]![0]!;
    };
    return (at(step) - at(-step)) / (2 * step);
  };
  const dot = (a: ArrayLike<number>, b: Float32Array) => b.reduce((sum, value, i) => sum + value * a[i]!, 0);

  it('gives the gradient of the stylisation losses with respect to the pictures in the making', () => {
    const direction = values.uniform([2, 3, 16, 16]);
    const [gradient] = evaluate([outputs['x gradient']!], feeds);
    // The mean of two pictures' losses is given, the gradient is that of their sum.
    const numeric = 2 * along(outputs.stylisation!, 'x', direction);
    expect(Math.abs(dot(gradient!, direction) - numeric)).toBeLessThan(1e-5 * Math.abs(numeric));
  });

  it('steps along the gradient of the total with respect to kernels, biases and heads', () => {
    for (const name of ['conv1_1.weight', 'conv2_1.bias', 'conv4_2.weight', 'conv5_1.weight', 'relu3_1.head']) {
      expect(names).toContain(name);
      const direction = values.uniform([feeds[name]!.length]);
      // From nothing, the first moment is (1 − β₁) · gradient.
      const [moment] = evaluate([outputs[`next ${name} first moment`]!], feeds);
      const gradient = dot(moment!, direction) / (1 - defaultAdamOptions.beta1);
      const numeric = along(outputs.total!, name, direction);
      expect(Math.abs(gradient - numeric)).toBeLessThan(1e-4 * Math.abs(numeric));
    }
  });
});

/** How many crops of photos are read before the one that is spoilt. */
const POISONED = 11;

describe('distil', { timeout: 120_000 }, () => {
  it('lowers the errors on pictures that stay the same', async () => {
    const one = (seed: number) => [
      { ...source(seed, []), crop: async () => scene(64, 64, seed, [0.4, 0.6, 0.3]).data },
    ];
    const options = {
      steps: 60,
      learningRate: 0.01,
      averageDecay: 0.9,
      fresh: 1,
      pictureLife: 300,
      pictureRate: 1e-9,
    };
    const { history, tensors } = await distil({ ...request(options), photos: one(1), paintings: one(2) });
    const mean = (from: number, to: number) =>
      history.slice(from, to).reduce((sum, { total }) => sum + total, 0) / (to - from);
    expect(mean(55, 60)).toBeLessThan(0.75 * mean(0, 5));
    for (const { data } of tensors.values()) expect(data.every(Number.isFinite)).toBe(true);
  });

  it("keeps the identity as the head of a layer with all of its teacher's channels, and trains the layer", async () => {
    let state: readonly string[] = [];
    const { tensors, history } = await distil({
      ...request({ shape: { ...small, conv4_2: 6 }, steps: 2, learningRate: 0.01 }),
      onProgress: async (event) => {
        if (event.type === 'step') state = Object.keys((await event.checkpoint()).state);
      },
    });
    expect(state).toContain('conv4_2.weight');
    expect(state).toContain('relu4_1.head');
    expect(state).not.toContain('relu4_2.head');
    const identity = Float32Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0));
    expect(tensors.get('relu4_2.head')).toEqual({ shape: [6, 6], data: identity });
    expect(history.every(({ errors }) => errors['feature relu4_2']! > 0)).toBe(true);
  });

  it('goes on after an interruption to the very same network', async () => {
    const whole = await distil(request({ steps: 6 }));
    const controller = new AbortController();
    const onProgress = (event: DistilEvent) => {
      if (event.type === 'step' && event.step === 3) controller.abort();
    };
    const stopped = await distil({ ...request({ steps: 6 }), signal: controller.signal, onProgress }).catch((e) => e);
    expect(stopped).toBeInstanceOf(DistilAborted);
    const bytes = encodeDistilCheckpoint((stopped as DistilAborted).checkpoint);
    const resumed = await distil({ ...request(), resume: decodeDistilCheckpoint(bytes) });
    expect(resumed.history.map(({ total }) => total)).toEqual(whole.history.map(({ total }) => total));
    for (const [name, { data }] of whole.tensors) expect(resumed.tensors.get(name)!.data).toEqual(data);
  });

  /** Stops a run after a step. */
  async function stoppedAt(step: number, options: DistilRequest): Promise<DistilAborted['checkpoint']> {
    const controller = new AbortController();
    const onProgress = (event: DistilEvent) => {
      if (event.type === 'step' && event.step === step) controller.abort();
    };
    const stopped = await distil({ ...options, signal: controller.signal, onProgress }).catch((error) => error);
    if (stopped instanceof DistilAborted) return stopped.checkpoint;
    throw stopped;
  }

  it('goes on twice from one checkpoint to the same network: a run does not write into what it was given', async () => {
    const checkpoint = await stoppedAt(3, request({ steps: 6, rounds: 0 }));
    const bytes = encodeDistilCheckpoint(checkpoint);
    const [first, second] = [
      await distil({ ...request(), resume: checkpoint }),
      await distil({ ...request(), resume: checkpoint }),
    ];
    expect(second.history.map(({ total }) => total)).toEqual(first.history.map(({ total }) => total));
    for (const [name, { data }] of first.tensors) expect(second.tensors.get(name)!.data).toEqual(data);
    expect(encodeDistilCheckpoint(checkpoint)).toEqual(bytes);
  });

  it('gives checkpoints that stay as they are while the run goes on', async () => {
    const kept: { checkpoint: DistilAborted['checkpoint']; bytes: Uint8Array }[] = [];
    await distil({
      ...request({ steps: 3, rounds: 0 }),
      onProgress: async (event) => {
        if (event.type !== 'step' || event.step !== 2) return;
        const checkpoint = await event.checkpoint();
        kept.push({ checkpoint, bytes: encodeDistilCheckpoint(checkpoint) });
      },
    });
    expect(encodeDistilCheckpoint(kept[0]!.checkpoint)).toEqual(kept[0]!.bytes);
  });

  it('goes back from a step that diverges, as train does, and on to the same network after an interruption', async () => {
    // The crops of the fourth step hold no numbers, once.
    const poisoned = () => {
      let asked = 0;
      const options = request({ steps: 6, rounds: 0 });
      const photos = options.photos.map((each) => ({
        ...each,
        crop: async (...square: Parameters<PictureSource['crop']>) => {
          const data = await each.crop(...square);
          asked++;
          return asked === POISONED ? data.map(() => Number.NaN) : data;
        },
      }));
      return { ...options, photos };
    };
    const events: DistilEvent[] = [];
    const result = await distil({ ...poisoned(), onProgress: (event) => void events.push(event) });
    const rollbacks = events.filter((event) => event.type === 'rollback');
    expect(rollbacks).toHaveLength(1);
    expect(rollbacks[0]).toMatchObject({ step: expect.any(Number), to: 0, loss: Number.NaN });
    expect((rollbacks[0] as { step: number }).step).toBeLessThan(5);
    expect(result.history.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { data } of result.tensors.values()) expect(data.every(Number.isFinite)).toBe(true);
    const checkpoint = await stoppedAt(5, poisoned());
    expect(checkpoint).toMatchObject({ rateFactor: 0.5, lastGood: { step: 0, rateFactor: 1 } });
    const read = decodeDistilCheckpoint(encodeDistilCheckpoint(checkpoint));
    expect(read.lastGood.makings).toEqual(checkpoint.lastGood.makings);
  });

  it('tests for real: the teacher judges what was made with the student', async () => {
    const tests = [{ name: 'pair', content: scene(64, 64, 5), style: scene(64, 64, 6, [0.8, 0.3, 0.2]) }];
    const options = { steps: 2, testEvery: 5, testSteps: 5, testSize: 64 };
    const result = await distil({ ...request(options), tests });
    expect(result.tests.map(({ step }) => step)).toEqual([0, 2]);
    const [{ pairs: [pair] = [] } = {}] = result.tests;
    expect(pair!.teacher).toBeLessThan(pair!.start);
    expect(pair!.student).toBeLessThan(pair!.start);
  });

  it('refuses an empty folder, a wrong option and a checkpoint of another teacher', async () => {
    await expect(distil({ ...request(), photos: [] })).rejects.toThrow(/received 0 and 3/);
    await expect(distil(request({ steps: -1 }))).rejects.toThrow(/steps/);
    expect(() => decodeDistilCheckpoint(new Uint8Array(4), 'a.checkpoint')).toThrow(/a\.checkpoint/);
  });
});

describe('crops', () => {
  it('lie inside the picture, and are as large as can be where it is small', () => {
    for (let i = 0; i < 200; i++) {
      const size = { width: 30 + i, height: 120 - (i % 100) };
      const { left, top, width: side } = randomSquare(size, 40, randomFor(7, i));
      expect(side).toBeGreaterThanOrEqual(Math.min(40, size.width, size.height));
      expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
      expect(left + side).toBeLessThanOrEqual(size.width);
      expect(top + side).toBeLessThanOrEqual(size.height);
    }
  });

  it('of files are upright, sRGB and of the size asked for', async () => {
    const chelsea = (await pictureFolder('examples/photos')).find(({ name }) => name === 'chelsea.jpg')!;
    const { width, height } = await chelsea.size();
    const side = Math.min(width, height);
    const square = { left: width - side, top: 0, width: side, height: side, mirrored: false };
    const data = await chelsea.crop(square, 64, 64);
    const mirror = await chelsea.crop({ ...square, mirrored: true }, 64, 64);
    expect(data).toHaveLength(3 * 64 * 64);
    for (let x = 0; x < 64; x++) expect(data[x]).toBeCloseTo(mirror[63 - x]!, 1);
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(data)).toBeCloseTo(mean((await readImage('examples/photos/chelsea.jpg')).data), 1);
    await expect(pictureFolder('tests')).rejects.toThrow(/holds no picture/);
    await expect(pictureFolder('nowhere')).rejects.toThrow(/nowhere does not exist/);
  });

  it('show what lies around them, and its mirror image where the picture ends', async () => {
    const [size, around] = [40, { before: 17, after: 23 }] as const;
    const n = size + around.before + around.after;
    for (let i = 0; i < 60; i++) {
      const whole = { width: 41 + 3 * i, height: 150 - 2 * i, colours: 'rgb' as const };
      // Its colours say where a pixel is.
      const places: PictureSource = {
        name: 'places',
        size: async () => whole,
        crop: async ({ left, top, width, height, mirrored }, columns, rows) => {
          expect(left + width).toBeLessThanOrEqual(whole.width);
          expect(top + height).toBeLessThanOrEqual(whole.height);
          const pixels = Array.from(
            { length: rows * columns },
            (_, p) => [p % columns, Math.floor(p / columns)] as const,
          );
          const x = pixels.map(([x]) => left + (((mirrored ? columns - 1 - x : x) + 0.5) * width) / columns);
          const y = pixels.map(([, y]) => top + ((y + 0.5) * height) / rows);
          return Float32Array.from([...x, ...y, ...x.fill(0)]);
        },
      };
      const { left, top, width: side, mirrored } = randomSquare(whole, size, drawnBefore(i));
      const crop = await cropOf([places], size, randomFor(8, i), around);
      expect(crop).toHaveLength(3 * n * n);
      const inside = (place: number, end: number) => end - Math.abs(end - Math.abs(place));
      // It is cut at whole pixels, and the last one before a mirror is not seen twice.
      const most = 1 + (1.5 * side) / size;
      for (let at = 0; at < n; at++) {
        const along = (at - around.before + 0.5) * (side / size);
        const x = inside(left + (mirrored ? side - along : along), whole.width);
        const y = inside(top + along, whole.height);
        expect(Math.abs(crop[at]! - x), `column ${at} of photo ${i}`).toBeLessThan(most);
        expect(Math.abs(crop[n * n + at * n]! - y), `row ${at} of photo ${i}`).toBeLessThan(most);
      }
    }
    /** What is drawn after the picture. */
    function drawnBefore(i: number) {
      const random = randomFor(8, i);
      random();
      return random;
    }
  });

  it('are drawn from numbers that depend on the seed and the purpose alone', () => {
    const draw = (...what: number[]) => Array.from({ length: 4 }, randomFor(1, ...what));
    expect(draw(2, 3)).toEqual(draw(2, 3));
    const all = [draw(2, 3), draw(3, 2), draw(2, 4), draw(2), draw(0, 0)];
    expect(new Set(all.map(String)).size).toBe(all.length);
    expect(all.flat().every((value) => value >= 0 && value < 1)).toBe(true);
  });
});
