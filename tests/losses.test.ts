import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import { input, type Shape, sizeOf, type Tensor, topologicalOrder } from '#src/graph/tensor.js';
import { contentLoss, type Normalisation } from '#src/losses/content.js';
import { channelStatistics, gramMatrix, type StyleStatistics, styleLoss, styleStatistics } from '#src/losses/style.js';
import {
  activeLayers,
  blendTargets,
  contentTargets,
  type LossSettings,
  lossGraph,
  lossTerms,
  styleTargets,
} from '#src/losses/total.js';
import { type TotalVariationNorm, totalVariationLoss } from '#src/losses/total-variation.js';
import { vgg } from '#src/networks/vgg.js';
import { everyTerm } from './support/loss-settings.js';
import { centralDifference, innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { runOnnx } from './support/ort.js';
import { random } from './support/random.js';
import { tinyVgg } from './support/tiny-vgg.js';

type Feeds = Record<string, Float32Array>;

describe('gradients against central differences', () => {
  const [f, g] = [input('f', [1, 4, 5, 3]), input('g', [1, 4, 5, 3])];
  const picture = input('f', [1, 3, 5, 7]);
  const losses: [string, Tensor, Tensor][] = (['classic', 'relative'] as const).flatMap((normalisation) => [
    [`content, ${normalisation}`, f, contentLoss(f, g, normalisation)] as [string, Tensor, Tensor],
    ...(['gram', 'mean-variance'] as const).map((kind): [string, Tensor, Tensor] => [
      `style, ${kind}, ${normalisation}`,
      f,
      styleLoss(styleStatistics(f, kind), styleStatistics(g, kind), normalisation),
    ]),
  ]);
  losses.push(['total variation, l1', picture, totalVariationLoss(picture, 'l1')]);
  losses.push(['total variation, squared', picture, totalVariationLoss(picture, 'squared')]);

  it.each(losses)('%s', (_, x, loss) => {
    const values = random(21);
    const feeds = { f: values.uniform(x.shape, 0, 1), g: values.uniform(x.shape, 0, 1) };
    const [gradient] = evaluate(grad(loss, [x]), feeds);
    for (let i = 0; i < 3; i++) {
      const direction = values.uniform(x.shape);
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

describe('Gram matrices', () => {
  const gramOf = (shape: Shape, data: Float32Array) => evaluate([gramMatrix(input('f', shape))], { f: data })[0]!;

  it('are symmetric and positive semi-definite', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
        fc.integer(),
        ([channels, height, width], seed) => {
          const shape = [1, channels, height, width];
          const gram = gramOf(shape, random(seed).uniform(shape));
          const rows = Array.from({ length: channels }, (_, i) => [...gram.slice(i * channels, (i + 1) * channels)]);
          rows.forEach((row, i) => {
            row.forEach((value, j) => {
              expect(rows[j]![i]).toBe(value);
            });
          });
          const eigenvalues = new EigenvalueDecomposition(new Matrix(rows), { assumeSymmetric: true }).realEigenvalues;
          expect(Math.min(...eigenvalues)).toBeGreaterThan(-1e-12);
        },
      ),
      { seed: 1905, numRuns: 60 },
    );
  });

  it('of constant channels are the products of the constants over C', () => {
    const values = [1, -2, 0.5];
    for (const [height, width] of [
      [1, 1],
      [3, 2],
      [4, 7],
    ] as const) {
      const area = height * width;
      const data = Float32Array.from({ length: 3 * area }, (_, i) => values[Math.floor(i / area)]!);
      const expected = values.flatMap((a) => values.map((b) => (a * b) / 3));
      gramOf([1, 3, height, width], data).forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 12);
      });
    }
  });

  it('of channels that never meet are diagonal', () => {
    // Channel 0 is 2 in one pixel of four, channel 1 is 3 in another: the diagonal holds 4 / 8 and 9 / 8.
    expect([...gramOf([1, 2, 2, 2], Float32Array.of(2, 0, 0, 0, 0, 3, 0, 0))]).toEqual([0.5, 0, 0, 1.125]);
  });

  it('do not know where anything is', () => {
    const shape = [1, 3, 4, 5];
    const data = random(31).uniform(shape);
    const order = Array.from({ length: 20 }, (_, i) => (i * 7 + 3) % 20);
    const moved = data.map((_, i) => data[Math.floor(i / 20) * 20 + order[i % 20]!]!);
    expect(relativeError(gramOf(shape, moved), gramOf(shape, data))).toBeLessThan(1e-14);
  });
});

describe('channel statistics', () => {
  it('are the mean and the deviation of each channel', () => {
    const [mean, deviation] = evaluate(channelStatistics(input('f', [1, 2, 2, 2])), {
      f: Float32Array.of(1, 1, 3, 3, 5, 5, 5, 5),
    });
    expect([...mean!]).toEqual([2, 5]);
    expect(deviation![0]).toBeCloseTo(1, 7);
    // The root of 1e-8: flat, but with a finite derivative.
    expect(deviation![1]).toBeCloseTo(1e-4, 12);
  });

  it('have a finite gradient at a flat channel', () => {
    const f = input('f', [1, 1, 2, 2]);
    const loss = styleLoss(styleStatistics(f, 'mean-variance'), [input('m', [1]), input('d', [1])], 'classic');
    const feeds = { f: new Float32Array(4).fill(0.5), m: Float32Array.of(0.5), d: Float32Array.of(1) };
    for (const value of evaluate(grad(loss, [f]), feeds)[0]!) expect(value).toBeCloseTo(0, 12);
  });
});

describe('relative terms', () => {
  it('do not change with the scale of the features, as classic ones do', () => {
    const shape = [1, 3, 4, 4];
    const values = random(41);
    const [f, g] = [values.uniform(shape), values.uniform(shape)];
    const [a, b] = [input('a', shape), input('b', shape)];
    const losses = (normalisation: Normalisation) => [
      contentLoss(a, b, normalisation),
      styleLoss([gramMatrix(a)], [gramMatrix(b)], normalisation),
    ];
    const at = (normalisation: Normalisation, scale: number) =>
      evaluate(losses(normalisation), { a: f.map((x) => x * scale), b: g.map((x) => x * scale) }).map((x) => x[0]!);
    const [content, style] = at('relative', 1);
    const [content64, style64] = at('relative', 64);
    expect(content64).toBeCloseTo(content!, 8);
    expect(style64).toBeCloseTo(style!, 8);
    expect(at('classic', 64)[0]! / at('classic', 1)[0]!).toBeCloseTo(64 ** 2, 6);
    expect(at('classic', 64)[1]! / at('classic', 1)[1]!).toBeCloseTo(64 ** 4, 2);
    // Nothing at all is as far from the target as the target is large.
    const nothing = evaluate(losses('relative'), { a: new Float32Array(48), b: g });
    for (const value of nothing) expect(value[0]).toBeCloseTo(1, 8);
  });

  it('are finite when the target is zero', () => {
    const f = input('f', [1, 1, 1, 2]);
    const loss = contentLoss(f, input('t', [1, 1, 1, 2]), 'relative');
    const [value] = evaluate([loss], { f: Float32Array.of(0, 0), t: Float32Array.of(0, 0) });
    expect(value![0]).toBe(0);
  });
});

describe('total variation', () => {
  const at = (shape: Shape, data: Float32Array, norm: TotalVariationNorm) =>
    evaluate([totalVariationLoss(input('x', shape), norm)], { x: data })[0]![0]!;

  it.each<TotalVariationNorm>(['l1', 'squared'])('of a constant picture is 0: %s', (norm) => {
    expect(at([1, 3, 4, 5], new Float32Array(60).fill(0.7), norm)).toBe(0);
    const x = input('x', [1, 3, 4, 5]);
    const [gradient] = evaluate(grad(totalVariationLoss(x, norm), [x]), { x: new Float32Array(60).fill(0.7) });
    expect(gradient!.every((value) => Math.abs(value) === 0)).toBe(true);
  });

  it('of a step edge is its height over the number of neighbours in a row', () => {
    // Five columns have four horizontal neighbours, one of which is the edge; there is no vertical change.
    const edge = Float32Array.from({ length: 3 * 4 * 5 }, (_, i) => (i % 5 < 2 ? 0.25 : 0.75));
    expect(at([1, 3, 4, 5], edge, 'l1')).toBeCloseTo(0.5 / 4, 12);
    expect(at([1, 3, 4, 5], edge, 'squared')).toBeCloseTo(0.25 / 4, 12);
    // The same picture on its side: four rows of five, three vertical neighbours.
    const side = Float32Array.from({ length: 3 * 4 * 5 }, (_, i) => (Math.floor(i / 5) % 4 < 2 ? 0.25 : 0.75));
    expect(at([1, 3, 4, 5], side, 'l1')).toBeCloseTo(0.5 / 3, 12);
  });

  it('of a ramp is the sum of its two slopes', () => {
    const ramp = Float32Array.from({ length: 30 }, (_, i) => (i % 6) * 0.125 + Math.floor(i / 6) * 0.0625);
    expect(at([1, 1, 5, 6], ramp, 'l1')).toBeCloseTo(0.125 + 0.0625, 12);
    expect(at([1, 1, 5, 6], ramp, 'squared')).toBeCloseTo(0.125 ** 2 + 0.0625 ** 2, 12);
  });

  it.each<[string, Shape]>([
    ['wide', [1, 3, 6, 1]],
    ['high', [1, 3, 1, 6]],
  ])('of a picture that is one pixel %s has one direction', (_, shape) => {
    const ramp = Float32Array.from({ length: 18 }, (_, i) => (i % 6) * 0.125);
    expect(at(shape, ramp, 'l1')).toBeCloseTo(0.125, 12);
    expect(at(shape, ramp, 'squared')).toBeCloseTo(0.125 ** 2, 12);
  });

  it('of one pixel is 0, with a gradient of 0, also in ONNX Runtime', async () => {
    const x = input('x', [1, 3, 1, 1]);
    const loss = totalVariationLoss(x, 'l1');
    const received = await runOnnx({ loss, gradient: grad(loss, [x])[0]! }, { x: Float32Array.of(0.1, 0.2, 0.3) });
    expect([...received.loss!, ...received.gradient!]).toEqual([0, 0, 0, 0]);
  });
});

describe('settings', () => {
  const network = vgg(tinyVgg('vgg19'));
  const small = input('image', [1, 3, 16, 16]);
  const convolutions = (t: Tensor) => topologicalOrder([t]).filter(({ op }) => op === 'Conv').length;

  it('divides the weights of a kind by their sum', () => {
    const terms = lossTerms({
      ...everyTerm,
      contentLayers: { relu4_2: 3, relu3_1: 1 },
      styleWeight: 2,
      styleLayers: { relu1_1: 256, relu2_1: 64, relu3_1: 16 },
    });
    expect(terms.map(({ name, kind, layer, weight }) => [name, kind, layer, weight])).toEqual([
      ['content relu4_2', 'content', 'relu4_2', 0.15 * 0.75],
      ['content relu3_1', 'content', 'relu3_1', 0.15 * 0.25],
      ['style relu1_1', 'style', 'relu1_1', 2 * (256 / 336)],
      ['style relu2_1', 'style', 'relu2_1', 2 * (64 / 336)],
      ['style relu3_1', 'style', 'relu3_1', 2 * (16 / 336)],
      ['total variation', 'total variation', undefined, 0.5],
    ]);
  });

  it('has a total that is the weighted sum of its terms', () => {
    const { total, terms, targets } = lossGraph(network, small, everyTerm);
    const values = random(51);
    const feeds: Feeds = { image: values.uniform(small.shape, 0, 1) };
    for (const [name, shape] of Object.entries(targets)) feeds[name] = values.uniform(shape, 0, 40);
    const [sum, ...parts] = evaluate([total, ...terms.map(({ value }) => value)], feeds);
    const expected = terms.reduce((all, { weight }, i) => all + weight * parts[i]![0]!, 0);
    expect(relativeDifference(sum![0]!, expected)).toBeLessThan(1e-12);
  });

  it('leaves out layers of weight 0 and what lies behind them', () => {
    const wanted: LossSettings = { ...everyTerm, styleLayers: { relu1_1: 1, relu3_1: 2, relu5_1: 0 } };
    expect(activeLayers(wanted)).toEqual({ content: ['relu4_2'], style: ['relu1_1', 'relu3_1'] });
    expect(convolutions(lossGraph(network, small, wanted).total)).toBe(10);
    const styleOnly: LossSettings = { ...wanted, contentWeight: 0 };
    expect(activeLayers(styleOnly)).toEqual({ content: [], style: ['relu1_1', 'relu3_1'] });
    expect(convolutions(lossGraph(network, small, styleOnly).total)).toBe(5);
    expect(contentTargets(network, small, styleOnly)).toEqual({});
    const smoothOnly: LossSettings = { ...styleOnly, styleWeight: 0 };
    expect(convolutions(lossGraph(network, small, smoothOnly).total)).toBe(0);
    expect(lossGraph(network, small, smoothOnly).targets).toEqual({});
    expect(lossTerms({ ...everyTerm, tvWeight: 0 }).map(({ kind }) => kind)).not.toContain('total variation');
  });

  it.each<StyleStatistics>(['gram', 'mean-variance'])('makes the targets that it asks for: %s', (styleStatistics) => {
    const wanted: LossSettings = { ...everyTerm, styleStatistics };
    const { targets, total } = lossGraph(network, small, wanted);
    // A style of another size has statistics of the same shape; the content has the size of the image.
    const made = {
      ...contentTargets(network, small, wanted),
      ...styleTargets(network, input('style', [1, 3, 19, 23]), wanted),
    };
    expect(Object.fromEntries(Object.entries(made).map(([name, t]) => [name, t.shape]))).toEqual(targets);
    expect(Object.keys(targets)).toHaveLength(styleStatistics === 'gram' ? 6 : 11);
    const inputs = topologicalOrder([total]).flatMap((t) => (t.op === 'Input' ? [t as Tensor<'Input'>] : []));
    const names = inputs.map(({ attributes }) => attributes.name);
    expect(names.sort()).toEqual(['image', ...Object.keys(targets)].sort());
  });

  it('blends targets by the shares of the weights', () => {
    const a = { targets: { g: Float32Array.of(1, 2) }, weight: 3 };
    const b = { targets: { g: Float32Array.of(5, -2) }, weight: 1 };
    expect(blendTargets([a, b])).toEqual({ g: Float32Array.of(2, 1) });
    expect(blendTargets([a])).toEqual({ g: Float32Array.of(1, 2) });
    expect(blendTargets([b, a])).toEqual(blendTargets([a, b]));
  });

  it('says what is wrong', () => {
    const nothing = () => lossGraph(network, small, { ...everyTerm, contentWeight: 0, styleWeight: 0, tvWeight: 0 });
    expect(nothing).toThrow(FauveError);
    expect(nothing).toThrow('All loss weights are 0. Give at least one a positive weight.');
    expect(() => lossTerms({ ...everyTerm, contentLayers: {}, styleLayers: {}, tvWeight: 0 })).toThrow(FauveError);
    const unknown = { ...everyTerm, styleLayers: { relu9_1: 1 } };
    expect(() => lossGraph(network, small, unknown)).toThrow("vgg19 has no layer 'relu9_1'");
    expect(() => styleTargets(network, small, unknown)).toThrow("vgg19 has no layer 'relu9_1'");
    const tooSmall = input('image', [1, 3, 16, 15]);
    expect(() => lossGraph(network, tooSmall, everyTerm)).toThrow('The image is 15×16; relu5_1 needs at least 16×16.');
  });

  it('has targets of as many values as their shapes say', () => {
    const { targets } = lossGraph(network, small, { ...everyTerm, styleStatistics: 'mean-variance' });
    expect(targets['target content relu4_2']).toEqual([1, 3, 2, 2]);
    expect(targets['target style relu1_1']).toEqual([3]);
    expect(targets['target style relu1_1 deviation']).toEqual([3]);
    expect(sizeOf(lossGraph(network, small, everyTerm).targets['target style relu5_1']!)).toBe(9);
  });
});
