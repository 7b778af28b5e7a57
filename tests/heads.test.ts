import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import { input, type Tensor } from '#src/graph/tensor.js';
import { contentLoss, type Normalisation, project } from '#src/losses/content.js';
import { type StyleStatistics, styleLoss, styleStatistics } from '#src/losses/style.js';
import { contentTargets, type LossSettings, lossGraph, styleTargets } from '#src/losses/total.js';
import { distilledTaps } from '#src/networks/distilled.js';
import { type Head, headOf } from '#src/networks/heads.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import { everyTerm } from './support/loss-settings.js';
import { centralDifference, innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { runOnnx } from './support/ort.js';
import { random } from './support/random.js';
import { tinyDistilled } from './support/tiny-distilled.js';

const normalisations: readonly Normalisation[] = ['classic', 'relative'];
const statistics: readonly StyleStatistics[] = ['gram', 'mean-variance'];

/** [k,C]: a teacher with more channels, as many, and fewer (a head of lower rank). */
const shapes: readonly (readonly [number, number])[] = [
  [3, 7],
  [4, 4],
  [5, 2],
  [1, 1],
];

const headWith = (k: number, channels: number, seed = 3): Head =>
  headOf({ shape: [k, channels], data: random(seed).uniform([k, channels], -1, 0.9) })!;

/** Features of the picture and of its target, [1,k,5,3]. */
function features(k: number) {
  const shape = [1, k, 5, 3];
  const values = random(8);
  const feeds = { f: values.uniform(shape, 0, 1), g: values.uniform(shape, 0, 1) };
  return { f: input('f', shape), g: input('g', shape), feeds };
}

it('that is the identity is none, in the 8 bits of a file too', () => {
  const identity = Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? 127 * 0.00787 : 0));
  expect(headOf({ shape: [3, 3], data: identity })).toBeUndefined();
  expect(headOf({ shape: [3, 3], data: identity.with(1, 0.01) })).toBeDefined();
  expect(headOf(undefined)).toBeUndefined();
});

describe.each(shapes)('a head from %i channels to %i', (k, channels) => {
  const head = headWith(k, channels);
  const { f, g, feeds } = features(k);
  const [teacherF, teacherG] = [project(f, head.matrix), project(g, head.matrix)];
  const value = (loss: Tensor) => evaluate([loss], feeds)[0]![0]!;

  it.each(normalisations)("content, %s: the error of the teacher's features", (normalisation) => {
    const expected = value(contentLoss(teacherF, teacherG, normalisation));
    expect(relativeDifference(value(contentLoss(f, g, normalisation, head)), expected)).toBeLessThan(1e-5);
  });

  it.each(statistics.flatMap((kind) => normalisations.map((n) => [kind, n] as const)))(
    "style, %s, %s: the distance of the teacher's statistics",
    (kind, normalisation) => {
      const loss = (a: Tensor, b: Tensor, h?: Head) =>
        value(styleLoss(styleStatistics(a, kind, h), styleStatistics(b, kind, h), normalisation));
      expect(relativeDifference(loss(f, g, head), loss(teacherF, teacherG))).toBeLessThan(1e-5);
    },
  );

  it('has derivatives', () => {
    const losses = normalisations.flatMap((normalisation) => [
      contentLoss(f, g, normalisation, head),
      ...statistics.map((kind) =>
        styleLoss(styleStatistics(f, kind, head), styleStatistics(g, kind, head), normalisation),
      ),
    ]);
    const direction = random(5).uniform(f.shape);
    for (const loss of losses) {
      const [gradient] = evaluate(grad(loss, [f]), feeds);
      const numeric = centralDifference(
        (at) => evaluate([loss], { ...feeds, f: at })[0]![0]!,
        feeds.f,
        direction,
        1e-5,
      );
      expect(relativeDifference(innerProduct(gradient!, direction), numeric)).toBeLessThan(1e-6);
    }
  });
});

describe('the root of a head', () => {
  it.each(shapes)('of %i×%i is lower triangular, with the products of the head', (k, channels) => {
    const { root, matrix } = headWith(k, channels);
    const row = (data: ArrayLike<number>, i: number, n: number) =>
      Array.from({ length: n }, (_, c) => data[i * n + c]!);
    const product = (data: ArrayLike<number>, n: number) =>
      Array.from({ length: k * k }, (_, i) => innerProduct(row(data, Math.floor(i / k), n), row(data, i % k, n)));
    const expected = product(matrix.data!, channels).map((value) => (value * k) / channels);
    expect(relativeError(product(root.data!, k), expected)).toBeLessThan(1e-6);
    for (let i = 0; i < k; i++) for (let j = i + 1; j < k; j++) expect(root.data![i * k + j]).toBe(0);
  });

  it('is finite for a head of zeros and for channels that say the same', () => {
    for (const data of [new Float32Array(6), Float32Array.of(1, 2, 1, 2, 1, 2)]) {
      const { root } = headOf({ shape: [3, 2], data })!;
      expect(root.data!.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('a distilled network', () => {
  const image = input('image', [1, 3, 32, 35]);
  const picture = random(1).uniform(image.shape, 0, 1);
  const [content, style] = [random(2).uniform(image.shape, 0, 1), random(3).uniform(image.shape, 0, 1)];

  /** The whole loss, its terms and its gradient by the reference. */
  function losses(weights: NetworkWeights, settings: LossSettings) {
    const network = vgg(weights);
    const { total, terms } = lossGraph(network, image, settings);
    const outputs = [total, ...terms.map((term) => term.value), ...grad(total, [image])];
    const targets = (made: Record<string, Tensor>, data: Float32Array) => {
      const values = evaluate(Object.values(made), { image: data });
      return Object.fromEntries(Object.keys(made).map((name, i) => [name, Float32Array.from(values[i]!)]));
    };
    const feeds = {
      image: picture,
      ...targets(contentTargets(network, image, settings), content),
      ...targets(styleTargets(network, image, settings), style),
    };
    return { values: evaluate(outputs, feeds), outputs, feeds };
  }

  const variants = normalisations.flatMap((normalisation) =>
    statistics.map((styleStatistics) => [{ ...everyTerm, normalisation, styleStatistics }] as const),
  );

  it.each(variants)('with heads that change nothing has the losses of the plain network: %o', (settings) => {
    const distilled = tinyDistilled({ identity: true });
    const plain = { ...distilled, tensors: new Map([...distilled.tensors].filter(([key]) => !key.endsWith('.head'))) };
    const [{ values: received }, { values: expected }] = [losses(distilled, settings), losses(plain, settings)];
    for (const [i, value] of received.entries()) expect(relativeError(value, expected[i]!)).toBeLessThan(1e-5);
  });

  it.each(variants)('has finite gradients that ONNX Runtime computes, too: %o', async (settings) => {
    const { values, outputs, feeds } = losses(tinyDistilled({ teacherChannels: 6 }), settings);
    const run = await runOnnx(Object.fromEntries(outputs.map((output, i) => [`output ${i}`, output])), feeds);
    for (const [i, expected] of values.entries()) {
      expect(expected.every(Number.isFinite)).toBe(true);
      expect(relativeError(run[`output ${i}`]!, expected)).toBeLessThan(1e-3);
    }
  });

  it('offers the layers that have a head', () => {
    const network = vgg(tinyDistilled());
    expect(network.layers).toEqual(distilledTaps);
    expect(network.head('relu4_2')).toMatchObject({ channels: 3 });
    const build = () => network.features(image, ['relu1_2']);
    expect(build).toThrow(FauveError);
    expect(build).toThrow(
      "distilled has no layer 'relu1_2'. Use one of relu1_1, relu2_1, relu3_1, relu4_1, relu4_2, relu5_1, or the network vgg19",
    );
  });

  it('keeps the pooling that it was made with', () => {
    expect(() => vgg(tinyDistilled(), 'average')).toThrow("received pooling 'average'. Use the network vgg19 for it.");
  });
});
