import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import { input, type Tensor } from '#src/graph/tensor.js';
import type { Normalisation } from '#src/losses/content.js';
import { gramMatrix, type StyleStatistics } from '#src/losses/style.js';
import { blendTargets, contentTargets, type LossSettings, lossGraph, styleTargets } from '#src/losses/total.js';
import { vgg } from '#src/networks/vgg.js';
import { loadOracle, type OracleTerm } from './oracle/oracle.js';
import { everyTerm } from './support/loss-settings.js';
import { centralDifference, innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { runOnnx } from './support/ort.js';
import { random } from './support/random.js';
import { oracleWeights } from './support/tiny-vgg.js';

type Feeds = Record<string, Float32Array | Float64Array>;

const oracle = loadOracle().losses;
const { images, samplePositions } = oracle;
const styleNames = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'];

const image = input('image', images.generated.shape);

/** Evaluates named tensors in float64. */
function evaluated(tensors: Readonly<Record<string, Tensor>>, feeds: Feeds): Record<string, Float64Array> {
  const values = evaluate(Object.values(tensors), feeds);
  return Object.fromEntries(Object.keys(tensors).map((name, i) => [name, values[i]!]));
}

function networkOf(name: 'caffe' | 'torchvision') {
  const expected = oracle.networks[name];
  return { expected, network: vgg(oracleWeights(expected), expected.pooling) };
}

/** The targets of the oracle's pictures, in float64. */
function targetsOf(network: ReturnType<typeof vgg>, wanted: LossSettings, style: 'style' | 'style2' = 'style'): Feeds {
  const [content, painting] = [input('content', images.content.shape), input('style', images[style].shape)];
  return {
    ...evaluated(contentTargets(network, content, wanted), { content: images.content.data }),
    ...evaluated(styleTargets(network, painting, wanted), { style: images[style].data }),
  };
}

/** Values and gradients of the total and of every term of a loss graph, as one set of outputs. */
function withGradients(network: ReturnType<typeof vgg>, wanted: LossSettings): Record<string, Tensor> {
  const { terms, total } = lossGraph(network, image, wanted);
  const values = { total, ...Object.fromEntries(terms.map((term) => [term.name, term.value])) };
  const gradients = Object.entries(values).map(([name, value]) => [`gradient of ${name}`, grad(value, [image])[0]!]);
  return { ...values, ...Object.fromEntries(gradients) };
}

/** The oracle's numbers have 9 digits: what is beyond 1e-8 is ours. */
function expectTerm(value: Float64Array, gradient: Float64Array, term: OracleTerm, tolerance = 2e-8): void {
  expect(relativeDifference(value[0]!, term.value)).toBeLessThan(tolerance);
  expect(relativeDifference(Math.sqrt(innerProduct(gradient, gradient)), term.gradientNorm)).toBeLessThan(tolerance);
  const samples = samplePositions.map((at) => gradient[at]!);
  expect(relativeError(samples, term.gradientSamples)).toBeLessThan(tolerance);
}

describe.each(['caffe', 'torchvision'] as const)('against PyTorch, the network of %s', (name) => {
  const { expected, network } = networkOf(name);

  it('Gram matrices', () => {
    const features = network.features(image, styleNames);
    const grams = styleNames.map((layer) => gramMatrix(features[layer]!));
    const values = evaluate(grams, { image: images.generated.data });
    for (const [i, layer] of styleNames.entries()) {
      expect(grams[i]!.shape).toEqual(expected.gram[layer]!.shape);
      expect(relativeError(values[i]!, expected.gram[layer]!.data)).toBeLessThan(1e-8);
    }
  });

  describe.each<[Normalisation, StyleStatistics]>([
    ['classic', 'gram'],
    ['relative', 'gram'],
    ['classic', 'mean-variance'],
    ['relative', 'mean-variance'],
  ])('%s, %s', (normalisation, statistics) => {
    const wanted: LossSettings = {
      ...everyTerm,
      normalisation,
      styleStatistics: statistics,
      tvNorm: normalisation === 'classic' ? 'l1' : 'squared',
    };
    const outputs = withGradients(network, wanted);
    let feeds: Feeds;
    let reference: Record<string, Float64Array>;
    beforeAll(() => {
      feeds = { image: images.generated.data, ...targetsOf(network, wanted) };
      reference = evaluated(outputs, feeds);
    });

    it('has the values and gradients of all terms', () => {
      const style = statistics === 'gram' ? expected.styleGram : expected.styleMeanVariance;
      expectTerm(
        reference['content relu4_2']!,
        reference['gradient of content relu4_2']!,
        expected.content[normalisation],
      );
      for (const layer of styleNames) {
        const term = style[normalisation][layer]!;
        expectTerm(reference[`style ${layer}`]!, reference[`gradient of style ${layer}`]!, term);
      }
      const variation = oracle.totalVariation[wanted.tvNorm];
      expectTerm(reference['total variation']!, reference['gradient of total variation']!, variation);
    });

    it('is the same in ONNX Runtime, in float32', async () => {
      const received = await runOnnx(outputs, feeds);
      for (const [output, values] of Object.entries(reference)) {
        const tolerance = output.startsWith('gradient') ? 1e-3 : 1e-4;
        expect(relativeError(received[output]!, values), output).toBeLessThan(tolerance);
      }
    });
  });

  it('has the slope of a central difference', () => {
    const { total } = lossGraph(network, image, everyTerm);
    const feeds: Feeds = { image: images.generated.data, ...targetsOf(network, everyTerm) };
    const [gradient] = evaluate(grad(total, [image]), feeds);
    const direction = random(22).uniform(image.shape);
    // No activation of the oracle's picture is nearer to a kink than 2e-5 of its layer's size.
    const f = (at: Float64Array) => evaluate([total], { ...feeds, image: at })[0]![0]!;
    const numeric = centralDifference(f, images.generated.data, direction, 1e-6);
    expect(relativeDifference(innerProduct(gradient!, direction), numeric)).toBeLessThan(1e-6);
  });

  it('has the total and its whole gradient', async () => {
    expect(oracle.totalWeights).toEqual({
      content: everyTerm.contentWeight,
      style: everyTerm.styleWeight,
      tv: everyTerm.tvWeight,
    });
    const { total } = lossGraph(network, image, everyTerm);
    const outputs = { total, gradient: grad(total, [image])[0]! };
    const feeds = { image: images.generated.data, ...targetsOf(network, everyTerm) };
    const reference = evaluated(outputs, feeds);
    expectTerm(reference.total!, reference.gradient!, expected.total);
    expect(relativeError(reference.gradient!, expected.total.gradient.data)).toBeLessThan(2e-8);
    const received = await runOnnx(outputs, feeds);
    expect(relativeDifference(received.total![0]!, expected.total.value)).toBeLessThan(1e-4);
    expect(relativeError(received.gradient!, expected.total.gradient.data)).toBeLessThan(1e-3);
  });

  it.each<[StyleStatistics, Normalisation]>([
    ['gram', 'relative'],
    ['mean-variance', 'classic'],
  ])('blends two styles, %s', (styleStatistics, normalisation) => {
    const wanted: LossSettings = { ...everyTerm, contentWeight: 0, tvWeight: 0, styleStatistics, normalisation };
    const [first, second] = (['style', 'style2'] as const).map((style) => {
      const targets = Object.entries(targetsOf(network, wanted, style));
      return Object.fromEntries(targets.map(([target, values]) => [target, Float32Array.from(values)]));
    });
    // Only the ratio of the weights counts.
    const blend = blendTargets([
      { targets: first!, weight: 2 * oracle.blendWeights[0] },
      { targets: second!, weight: 2 * oracle.blendWeights[1] },
    ]);
    const reference = evaluated(withGradients(network, wanted), { image: images.generated.data, ...blend });
    const terms = styleStatistics === 'gram' ? expected.blendGram : expected.blendMeanVariance;
    for (const layer of styleNames) {
      // Blended targets are float32.
      expectTerm(reference[`style ${layer}`]!, reference[`gradient of style ${layer}`]!, terms[layer]!, 2e-6);
    }
  });

  it.each<[Normalisation, StyleStatistics]>([
    ['classic', 'gram'],
    ['relative', 'gram'],
    ['classic', 'mean-variance'],
    ['relative', 'mean-variance'],
  ])('is zero at the target, and so is its gradient: %s, %s', (normalisation, statistics) => {
    const wanted: LossSettings = { ...everyTerm, tvWeight: 0, normalisation, styleStatistics: statistics };
    const own = { image: images.generated.data };
    const targets = {
      ...evaluated(contentTargets(network, image, wanted), own),
      ...evaluated(styleTargets(network, image, wanted), own),
    };
    for (const value of Object.values(evaluated(withGradients(network, wanted), { ...own, ...targets }))) {
      for (const x of value) expect(x).toBeCloseTo(0, 12);
    }
  });
});
