import { describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { slice } from '#src/graph/ops.js';
import { input, type Tensor } from '#src/graph/tensor.js';
import { contentErrors, gramMatrices, power, relativeErrors } from '#src/losses/batch.js';
import { contentLoss } from '#src/losses/content.js';
import { gramMatrix, styleLoss } from '#src/losses/style.js';
import { vgg } from '#src/networks/vgg.js';
import { styleNetwork } from '#src/style-network/graph.js';
import { styleNetworkMargins, styleNetworkParameters } from '#src/style-network/shape.js';
import {
  noiseInput,
  photosInput,
  photosShape,
  styleInput,
  styleWeightInput,
  type TrainingStep,
  targetInput,
} from '#src/training/style-network/step.js';
import { centralDifference, innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { runOnnx } from './support/ort.js';
import { random } from './support/random.js';
import { tinyDistilled } from './support/tiny-distilled.js';
import { tinyVgg } from './support/tiny-vgg.js';
import { gradientsOf, type StepCase, stepCase } from './support/training-step.js';

type Feeds = Record<string, Float32Array | Float64Array>;

/** Evaluates named tensors in float64. */
function evaluated(tensors: Readonly<Record<string, Tensor>>, feeds: Feeds): Record<string, Float64Array> {
  const values = evaluate(Object.values(tensors), feeds);
  return Object.fromEntries(Object.keys(tensors).map((name, i) => [name, values[i]!]));
}

/** Total and terms. */
function losses({ outputs, terms }: TrainingStep, feeds: Feeds): Record<string, number> {
  const wanted = ['total', ...terms.map(({ name }) => name)];
  const values = evaluated(Object.fromEntries(wanted.map((name) => [name, outputs[name]!])), feeds);
  return Object.fromEntries(wanted.map((name) => [name, values[name]![0]!]));
}

const cases: [string, StepCase][] = [
  ['one style, without layers at full size', { channels: [0, 2, 2] }],
  ['three styles, without layers at full size', { channels: [0, 2, 2], styles: 3 }],
  ['one style, with layers at full size', { channels: [2, 2, 2] }],
  ['three styles, with layers at full size', { channels: [2, 3, 2], styles: 3 }],
  ['layers at an eighth of the size', { channels: [0, 2, 2, 3], styles: 2, options: { cropSize: 28 } }],
  ['stability, one style', { options: { stabilityWeight: 20 } }],
  ['stability, two styles, layers at full size', { channels: [2, 2, 3], styles: 2, options: { stabilityWeight: 20 } }],
  ['clipped', { styles: 2, options: { clipNorm: 0.01 } }],
  ['clipped, stability', { channels: [2, 2, 2], options: { clipNorm: 0.01, stabilityWeight: 20 } }],
  ['a loss network with heads', { styles: 2, distilled: true }],
  ['only the tables of the styles', { styles: 2, options: { train: 'styles' } }],
];

describe('gradients of the total against central differences', { timeout: 60_000 }, () => {
  it.each(cases)('%s', (_, given) => {
    const { graph, feeds, shape, options } = stepCase(given);
    const every = [...styleNetworkParameters(shape).keys()];
    const expected = options.train === 'all' ? every : every.filter((name) => /\.(scale|shift)$/.test(name));
    expect(graph.names).toEqual(expected);

    const gradients = evaluated({ ...gradientsOf(graph), norm: graph.outputs['gradient norm']! }, feeds);
    const clipped = options.clipNorm > 0 ? options.clipNorm / gradients.norm![0]! : 1;
    expect(clipped).toBeLessThanOrEqual(1);
    for (const [i, name] of graph.names.entries()) {
      const direction = random(50 + i).uniform([feeds[name]!.length]);
      const f = (at: Float64Array) => evaluate([graph.outputs.total!], { ...feeds, [name]: at })[0]![0]!;
      const along = innerProduct(gradients[name]!, direction);
      const numeric = (step: number) => clipped * centralDifference(f, feeds[name]!, direction, step);
      const error = (step: number) => relativeDifference(along, numeric(step));
      // One of many thousand activations may be so near to a kink that a step crosses it: then a shorter one is tried.
      const close = [1e-5, 3e-6, 1e-6, 1e-7].some((step) => error(step) < 1e-6);
      if (!close) expect.unreachable(`d/d ${name}: ${along}, numerically ${numeric(3e-6)}`);
    }
  });

  it('are left as they are below the norm that clips, and have just that norm above it', () => {
    const of = (clipNorm: number) => {
      const { graph, feeds } = stepCase({ options: { clipNorm } });
      const gradients = gradientsOf(graph);
      const values = evaluated({ ...gradients, norm: graph.outputs['gradient norm']! }, feeds);
      return { all: Object.keys(gradients).flatMap((name) => [...values[name]!]), norm: values.norm![0]! };
    };
    const free = of(0);
    const length = (all: readonly number[]) => Math.sqrt(innerProduct(all, all));
    expect(relativeDifference(length(free.all), free.norm)).toBeLessThan(1e-12);
    expect(of(1.01 * free.norm).all).toEqual(free.all);
    const short = of(0.25 * free.norm);
    expect(short.norm).toBe(free.norm);
    expect(relativeDifference(length(short.all), 0.25 * free.norm)).toBeLessThan(1e-9);
    expect(relativeDifference(innerProduct(short.all, free.all), 0.25 * free.norm ** 2)).toBeLessThan(1e-9);
  });
});

describe('the emitted step against the reference, in float32', { timeout: 60_000 }, () => {
  it.each(cases)('%s', async (_, given) => {
    const { options } = given;
    const { graph, feeds } = stepCase({ ...given, options: { amsgrad: true, averageDecay: 0.5, ...options } });
    const reference = evaluated(graph.outputs, feeds);
    const received = await runOnnx(graph.outputs, feeds);
    expect(Object.keys(received).sort()).toEqual(Object.keys(graph.outputs).sort());
    for (const [name, values] of Object.entries(reference)) {
      // Adam's first step is about as long for a tiny gradient as for a large one.
      const tolerance = /moment/.test(name) ? 2e-3 : 1e-3;
      expect(relativeError(received[name]!, values), name).toBeLessThan(tolerance);
    }
  });
});

describe('a step of Muon', () => {
  it('moves the kernels that are normalised its way, and all else as Adam does; in ONNX Runtime as in float64', async () => {
    const of = (optimiser: 'adam' | 'muon') => stepCase({ styles: 2, options: { optimiser, averageDecay: 0.5 } });
    const { graph, feeds } = of('muon');
    const kernels = graph.names.filter((name) => /^(first|down2|residual1[ab]|up1)\.weight$/.test(name));
    expect(graph.state.filter((name) => name.endsWith(' momentum'))).toEqual(kernels.map((name) => `${name} momentum`));
    expect(Object.keys(graph.scalars(1, 0.01)).sort()).toEqual(['adam correction', 'adam rate', 'muon rate']);
    const reference = evaluated(graph.outputs, feeds);
    const adam = evaluated(of('adam').graph.outputs, of('adam').feeds);
    for (const name of graph.names) {
      const same = relativeError(reference[`next ${name}`]!, adam[`next ${name}`]!) < 1e-12;
      expect(same, name).toBe(!kernels.includes(name));
    }
    const received = await runOnnx(graph.outputs, feeds);
    for (const [name, values] of Object.entries(reference)) {
      expect(relativeError(received[name]!, values), name).toBeLessThan(2e-3);
    }
  });

  it('asks for no rate that nothing uses', () => {
    const styles = stepCase({ styles: 2, options: { optimiser: 'muon', train: 'styles' } });
    expect(Object.keys(styles.graph.scalars(1, 0.01)).sort()).toEqual(['adam correction', 'adam rate']);
  });
});

describe('the terms of a step', { timeout: 60_000 }, () => {
  it('add up to the total with their weights, which share the weight of their kind', () => {
    const { graph, feeds } = stepCase({ styles: 2, options: { stabilityWeight: 7 } });
    expect(graph.terms).toEqual([
      { name: 'content relu2_1', weight: 0.15 },
      { name: 'style relu1_1', weight: 0.25 },
      { name: 'style relu2_1', weight: 0.75 },
      { name: 'total variation', weight: 0.5 },
      { name: 'stability', weight: 7 },
    ]);
    const { total, ...terms } = losses(graph, feeds);
    const sum = graph.terms.reduce((s, { name, weight }) => s + weight * terms[name]!, 0);
    expect(relativeDifference(total!, sum)).toBeLessThan(1e-12);
    for (const value of Object.values(terms)) expect(value).toBeGreaterThan(0);
  });

  it('of a kind without weight are left out; without any there is nothing to train', () => {
    const without = (options: NonNullable<StepCase['options']>) =>
      stepCase({ options }).graph.terms.map(({ name }) => name);
    expect(without({ contentWeight: 0 })).toEqual(['style relu1_1', 'style relu2_1', 'total variation']);
    expect(without({ styleWeight: 0, tvWeight: 0 })).toEqual(['content relu2_1']);
    expect(without({ styleLayers: { relu1_1: 0, relu2_1: 1 }, tvWeight: 0 })).toEqual([
      'content relu2_1',
      'style relu2_1',
    ]);
    expect(() => without({ contentWeight: 0, styleWeight: 0, tvWeight: 0 })).toThrow(/weights of the losses are 0/);
  });

  it('are means over the batch: of two photos, of each alone', () => {
    const { graph, feeds, shape } = stepCase({ styles: 2, options: { stabilityWeight: 1 } });
    const both = losses(graph, feeds);
    const { graph: single } = stepCase({ styles: 2, options: { stabilityWeight: 1, batch: 1 } });
    const half = (values: ArrayLike<number>, i: number) => {
      const length = values.length / 2;
      return Float32Array.from(values).slice(i * length, (i + 1) * length);
    };
    const batched = [photosInput, noiseInput, styleWeightInput, styleInput];
    const alone = [0, 1].map((i) =>
      losses(single, { ...feeds, ...Object.fromEntries(batched.map((name) => [name, half(feeds[name]!, i)])) }),
    );
    expect(shape.styles).toBe(2);
    for (const [name, value] of Object.entries(both)) {
      expect(relativeDifference((alone[0]![name]! + alone[1]![name]!) / 2, value), name).toBeLessThan(1e-12);
    }
  });

  it('of one of several styles are those of a network that has only this one', () => {
    const { graph, feeds, weights } = stepCase({ styles: 3 });
    const one = stepCase({ styles: 1 });
    const second = (values: ArrayLike<number>) => {
      const length = values.length / 3;
      return Float32Array.from(values).slice(length, 2 * length);
    };
    const which = Float32Array.of(0, 1, 0, 0, 1, 0);
    const rows = Object.fromEntries(
      [...weights].map(([name, { data }]) => [name, /\.(scale|shift)$/.test(name) ? second(data) : data]),
    );
    const layers = ['relu1_1', 'relu2_1'].map((layer) => [targetInput(layer), second(feeds[targetInput(layer)]!)]);
    const expected = losses(graph, { ...feeds, [styleInput]: which });
    const received = losses(one.graph, { ...one.feeds, ...feeds, ...rows, ...Object.fromEntries(layers) });
    for (const [name, value] of Object.entries(expected)) {
      expect(relativeDifference(received[name]!, value), name).toBeLessThan(1e-9);
    }
  });

  it('of the style are 0 where the picture has the Gram matrices of the style, and grow with the weight of the style', () => {
    const { graph, feeds, weights, shape, network, options } = stepCase({ options: { batch: 1 } });
    const surrounded = input(photosInput, photosShape(shape, options));
    const { before } = styleNetworkMargins(shape);
    const photo = slice(surrounded, [0, 0, before, before], [1, 3, 20, 20]);
    const parameters = new Map([...weights].map(([name, { shape }]) => [name, input(name, shape)]));
    const picture = styleNetwork(photo, undefined, (name) => parameters.get(name)!, shape, surrounded);
    const features = vgg(network).features(picture, ['relu1_1', 'relu2_1']);
    const own = evaluated(
      Object.fromEntries(Object.entries(features).map(([layer, f]) => [targetInput(layer), gramMatrix(f)])),
      feeds,
    );
    const near = losses(graph, { ...feeds, ...own });
    const far = losses(graph, feeds);
    const twice = losses(graph, { ...feeds, [styleWeightInput]: feeds[styleWeightInput]!.map((w) => 2 * w) });
    for (const name of ['style relu1_1', 'style relu2_1']) {
      expect(near[name]).toBeLessThan(1e-15);
      expect(far[name]).toBeGreaterThan(0.01);
      expect(relativeDifference(twice[name]!, 2 * far[name]!)).toBeLessThan(1e-12);
    }
    expect(near['content relu2_1']).toBe(far['content relu2_1']);
  });

  it('of a flat picture: no variation, the same picture of the shifted photo', () => {
    const { graph, feeds, weights } = stepCase({ options: { stabilityWeight: 1 } });
    const flat = { 'last.weight': new Float32Array(weights.get('last.weight')!.data.length) };
    // Four pixels of one colour.
    const colour = Float32Array.from({ length: 12 }, (_, i) => 0.3 * (i % 3));
    const values = losses(graph, { ...feeds, ...flat, 'last.bias': colour });
    expect(values['total variation']).toBe(0);
    expect(values.stability).toBe(0);
    expect(values['content relu2_1']).toBeGreaterThan(0);
  });
});

describe('losses of a batch', () => {
  const shape = [3, 3, 6, 8] as const;
  const [f, g] = [input('f', shape), input('g', shape)];
  const feeds = { f: random(61).uniform(shape), g: random(62).uniform(shape, -0.5, 1) };
  const [single, target] = [input('f', [1, 3, 6, 8]), input('g', [1, 3, 6, 8])];
  const picture = (i: number) => ({
    f: feeds.f.slice(i * 144, (i + 1) * 144),
    g: feeds.g.slice(i * 144, (i + 1) * 144),
  });
  const heads = [
    ['without a head', undefined],
    ['with a head', vgg(tinyDistilled({ teacherChannels: 5 })).head('relu2_1')],
  ] as const;

  it.each(heads)('are those of each picture alone, %s', (_, head) => {
    const content = contentErrors(f, g, head);
    const grams = gramMatrices(f, head);
    const style = relativeErrors(grams, gramMatrices(g, head));
    expect([content.shape, grams.shape, style.shape]).toEqual([
      [3, 1, 1, 1],
      [3, 3, 3],
      [3, 1, 1],
    ]);
    const [contents, matrices, styles] = evaluate([content, grams, style], feeds);
    for (let i = 0; i < 3; i++) {
      const gram = gramMatrix(single, head);
      const alone = [
        contentLoss(single, target, 'relative', head),
        gram,
        styleLoss([gram], [gramMatrix(target, head)], 'relative'),
      ];
      const [c, m, s] = evaluate(alone, picture(i));
      expect(relativeDifference(contents![i]!, c![0]!)).toBeLessThan(1e-12);
      expect(relativeError(matrices!.slice(9 * i, 9 * i + 9), m!)).toBeLessThan(1e-12);
      expect(relativeDifference(styles![i]!, s![0]!)).toBeLessThan(1e-12);
    }
  });

  it('are 0 at the target and 1 of nothing', () => {
    const same = { f: feeds.f, g: feeds.f };
    const [content, style] = evaluate([contentErrors(f, g), relativeErrors(gramMatrices(f), gramMatrices(g))], same);
    expect([...content!, ...style!]).toEqual([0, 0, 0, 0, 0, 0]);
    const nothing = { f: new Float32Array(432), g: feeds.g };
    const [far] = evaluate([contentErrors(f, g)], nothing);
    for (const value of far!) expect(value).toBeCloseTo(1, 9);
  });

  it('know the power of each picture', () => {
    const [powers] = evaluate([power(f)], { f: new Float32Array(432).fill(1).fill(3, 144, 288) });
    expect(relativeError(powers!, [1, 9, 1])).toBeLessThan(1e-12);
  });

  it('see a network that is as deep as its weights', () => {
    expect(vgg(tinyVgg('vgg19', { deepest: 'conv2_1' })).layers.at(-1)).toBe('relu2_1');
  });
});
