import { describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { caffePreprocessing } from '#src/networks/registry.js';
import { vgg } from '#src/networks/vgg.js';
import { type StyleNetworkShape, styleNetworkParameters } from '#src/style-network/shape.js';
import { defaultTrainOptions, type TrainOptions } from '#src/training/style-network/options.js';
import {
  noiseInput,
  photosInput,
  styleInput,
  styleWeightInput,
  type TrainingStep,
  targetInput,
  trainingStep,
} from '#src/training/style-network/step.js';
import { loadTrainOracle, type OracleTraining } from './oracle/train-oracle.js';
import { relativeDifference, relativeError } from './support/numbers.js';
import { runOnnx } from './support/ort.js';

type Values = Float32Array | Float64Array;
type Engine = (step: TrainingStep, feeds: Record<string, Values>) => Promise<Record<string, Values>>;

const engines: [string, Engine, { readonly loss: number; readonly rest: number }][] = [
  [
    'the reference in float64',
    async ({ outputs }, feeds) => {
      const values = evaluate(Object.values(outputs), feeds);
      return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]!]));
    },
    // The oracle's numbers have 7 digits.
    { loss: 1e-6, rest: 1e-5 },
  ],
  ['ONNX Runtime in float32', ({ outputs }, feeds) => runOnnx(outputs, feeds), { loss: 1e-4, rest: 1e-3 }],
];

const moments = ['first moment', 'second moment', 'largest moment'] as const;

function stepOf(training: OracleTraining): TrainingStep {
  const { channels, kernels, styles, size, stabilityWeight, clipNorm, adam, lossWeights, styleLayers } = training;
  const shape: StyleNetworkShape = { channels, blocks: 1, kernels, styles };
  const options: TrainOptions = {
    ...defaultTrainOptions,
    batch: 2,
    cropSize: size,
    contentWeight: lossWeights.content,
    styleWeight: lossWeights.style,
    tvWeight: lossWeights.tv,
    stabilityWeight,
    contentLayers: { relu2_1: 1 },
    styleLayers: { ...styleLayers },
    beta1: adam.betas[0],
    beta2: adam.betas[1],
    epsilon: adam.eps,
    optimiser: 'adam',
    amsgrad: true,
    clipNorm,
    averageDecay: 0,
  };
  const tensors = new Map(
    Object.entries(training.vgg).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
  const network = vgg({ name: 'vgg19', tensors, preprocessing: caffePreprocessing, sha256: '' });
  const trained = new Map([...styleNetworkParameters(shape)].map(([name, shape]) => [name, { shape }]));
  return trainingStep(network, shape, trained, new Map(), options);
}

describe.each(loadTrainOracle())('three training steps against PyTorch: $title', (training) => {
  const { batch, start, steps, state, targets, adam, clipNorm } = training;
  const graph = stepOf(training);

  it.each(engines)('%s', async (_, run, tolerance) => {
    expect(graph.names).toEqual(Object.keys(start));
    const fixed: Record<string, Values> = {
      [photosInput]: batch.photos.data,
      [styleInput]: batch.styles.data,
      [styleWeightInput]: batch.styleWeights.data,
      ...(batch.noise ? { [noiseInput]: batch.noise.data } : {}),
      ...Object.fromEntries(Object.entries(targets).map(([layer, { data }]) => [targetInput(layer), data])),
    };
    let carried: Record<string, Values> = {
      ...Object.fromEntries(Object.entries(start).map(([name, { data }]) => [name, data])),
      ...Object.fromEntries(
        moments.flatMap((moment) =>
          Object.entries(start).map(([name, { data }]) => [`${name} ${moment}`, new Float64Array(data.length)]),
        ),
      ),
    };
    for (const [i, expected] of steps.entries()) {
      const before = carried;
      const outputs = await run(graph, { ...fixed, ...carried, ...graph.scalars(i + 1, adam.rates[i]!) });
      expect(relativeDifference(outputs.total![0]!, expected.total)).toBeLessThan(tolerance.loss);
      expect(graph.terms.map(({ name }) => name)).toEqual(Object.keys(expected.terms));
      for (const [name, value] of Object.entries(expected.terms)) {
        expect(relativeDifference(outputs[name]![0]!, value), name).toBeLessThan(tolerance.loss);
      }
      const norm = outputs['gradient norm']![0]!;
      expect(relativeDifference(norm, expected.gradientNorm)).toBeLessThan(tolerance.rest);

      carried = Object.fromEntries(Object.entries(graph.carry).map(([input, output]) => [input, outputs[output]!]));
      const factor = clipNorm > 0 ? clipNorm / norm : 1;
      for (const name of graph.names) {
        // m = β₁·m + (1 − β₁)·g
        const [was, is] = [before[`${name} first moment`]!, carried[`${name} first moment`]!];
        const gradient = Float64Array.from(is, (m, k) => (m - adam.betas[0] * was[k]!) / (1 - adam.betas[0]) / factor);
        expect(relativeError(gradient, expected.gradients[name]!.data), `gradient of ${name}`).toBeLessThan(
          tolerance.rest,
        );
        expect(relativeError(carried[name]!, expected.weights[name]!.data), name).toBeLessThan(tolerance.rest);
      }
    }
    for (const moment of moments) {
      for (const [name, { data }] of Object.entries(state[moment])) {
        const key = `${name} ${moment}`;
        // Moments are squares.
        expect(relativeError(carried[key]!, data), key).toBeLessThan(2 * tolerance.rest);
      }
    }
  });
});
