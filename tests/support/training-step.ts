import type { WeightTensor } from '#src/formats/tensor.js';
import type { Tensor } from '#src/graph/tensor.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import { muonScalars } from '#src/optim/muon.js';
import { initialStyleNetwork } from '#src/style-network/initial.js';
import { isStyleParameter, type StyleNetworkShape } from '#src/style-network/shape.js';
import { defaultTrainOptions, type TrainOptions } from '#src/training/style-network/options.js';
import {
  noiseInput,
  photosInput,
  photosShape,
  styleInput,
  styleWeightInput,
  type TrainingStep,
  targetInput,
  trainingStep,
} from '#src/training/style-network/step.js';
import { random } from './random.js';
import { tinyDistilled } from './tiny-distilled.js';
import { tinyVgg } from './tiny-vgg.js';

type Feeds = Record<string, Float32Array | Float64Array>;

/** What a step of the tests is made of. */
export interface StepCase {
  readonly channels?: StyleNetworkShape['channels'];
  readonly styles?: number;
  readonly options?: Partial<TrainOptions>;
  /** A loss network with heads. */
  readonly distilled?: boolean;
  readonly seed?: number;
}

/** Two photos of 20×20, content and style at the first blocks of a tiny VGG-19. The first moments are the gradients: β₁ is 0. */
export const stepOptions: TrainOptions = {
  ...defaultTrainOptions,
  batch: 2,
  cropSize: 20,
  optimiser: 'adam',
  contentLayers: { relu2_1: 1 },
  styleLayers: { relu1_1: 1, relu2_1: 3 },
  beta1: 0,
};

/** A step with a tiny network and random values for everything that it is fed. */
export function stepCase({ channels = [0, 2, 2], styles = 1, options = {}, distilled = false, seed = 1 }: StepCase): {
  readonly graph: TrainingStep;
  readonly feeds: Feeds;
  readonly options: TrainOptions;
  readonly shape: StyleNetworkShape;
  readonly weights: ReadonlyMap<string, WeightTensor>;
  readonly network: NetworkWeights;
} {
  const all = { ...stepOptions, ...options };
  const shape: StyleNetworkShape = { channels, blocks: 1, kernels: [3, 3], styles };
  const values = random(seed);
  const weights = initialStyleNetwork(shape, () => values.uniform([1], -1.7, 1.7)[0]!);
  for (const [name, { data, shape }] of weights) {
    if (name.endsWith('.scale')) data.set(values.uniform(shape, 0.5, 1.5));
    if (name.endsWith('.shift')) data.set(values.uniform(shape, -0.5, 0.5));
    if (name.endsWith('.bias')) data.set(values.uniform(shape, -0.2, 0.2));
  }
  const isTrained = (name: string) => all.train === 'all' || isStyleParameter(name);
  const network = distilled
    ? tinyDistilled({ teacherChannels: 5 })
    : tinyVgg('vgg19', { channels: 3, deepest: 'conv2_1' });
  const graph = trainingStep(
    vgg(network),
    shape,
    new Map([...weights].filter(([name]) => isTrained(name))),
    new Map([...weights].filter(([name]) => !isTrained(name))),
    all,
  );
  const { batch } = all;
  const pixels = [...photosShape(shape, all)];
  const feeds: Feeds = {
    [photosInput]: values.uniform(pixels, 0, 1),
    [noiseInput]: values.uniform(pixels, -0.1, 0.1),
    [styleWeightInput]: values.uniform([batch], 0.5, 2),
    // Mixtures of the styles, which add up to 1.
    [styleInput]: Float32Array.from({ length: batch * styles }, (_, i) => {
      const [row, column] = [Math.floor(i / styles), i % styles];
      return column === row % styles ? 0.75 : 0.25 / Math.max(1, styles - 1);
    }),
    ...Object.fromEntries(
      Object.keys(all.styleLayers).map((layer) => [targetInput(layer), values.uniform([styles, 9], 0, 400)]),
    ),
    ...Object.fromEntries(graph.names.map((name) => [name, weights.get(name)!.data])),
    ...Object.fromEntries(
      graph.state.map((name) => [name, new Float32Array(weights.get(weightOf(name))!.data.length)]),
    ),
    'adam rate': Float32Array.of(0.01),
    'adam correction': Float32Array.of(1000),
    ...(all.optimiser === 'muon' ? muonScalars(0.01) : {}),
  };
  return { graph, feeds, options: all, shape, weights, network };
}

/** The weight that a tensor of the optimiser's state belongs to. */
const weightOf = (state: string): string =>
  state.replace(/ (first moment|second moment|largest moment|momentum|average)$/, '');

/** The outputs that hold the gradients. */
export function gradientsOf({ outputs, names }: TrainingStep): Record<string, Tensor> {
  return Object.fromEntries(names.map((name) => [name, outputs[`next ${name} first moment`]!]));
}
