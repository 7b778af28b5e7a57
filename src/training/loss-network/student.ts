import { FauveError } from '../../errors.js';
import { maxPool, relu } from '../../graph/ops.js';
import type { Tensor } from '../../graph/tensor.js';
import { distilledTaps } from '../../networks/distilled.js';
import type { NetworkWeights } from '../../networks/network.js';
import { convolution } from '../../networks/vgg.js';

/** Channels of a 3×3 convolution; of a separable one, channels and how many vertical filters it has (its rank). */
export type LayerShape = number | readonly [channels: number, rank: number];

/** A student's convolutions, named as the teacher's that they reproduce. */
export type StudentShape = Readonly<Record<string, LayerShape>>;

export const channelsOf = (shape: LayerShape): number => (typeof shape === 'number' ? shape : shape[0]);
export const rankOf = (shape: LayerShape): number | undefined => (typeof shape === 'number' ? undefined : shape[1]);

/** The shapes of the networks that come with Fauve. Multiples of 16: the engine computes 16 channels at a time. */
export const studentShapes: Readonly<Record<'distilled' | 'distilled-small', StudentShape>> = Object.freeze({
  distilled: {
    conv1_1: 32,
    conv1_2: [48, 24],
    conv2_1: [112, 40],
    conv2_2: [128, 64],
    conv3_1: [256, 80],
    conv3_2: [256, 112],
    conv3_3: [256, 80],
    conv3_4: [256, 80],
    conv4_1: [512, 128],
    conv4_2: [512, 192],
    conv4_3: [512, 256],
    conv4_4: [512, 320],
    conv5_1: [512, 448],
  },
  'distilled-small': {
    conv1_1: 16,
    conv1_2: 16,
    conv2_1: 32,
    conv2_2: [48, 24],
    conv3_1: [96, 32],
    conv3_2: [96, 32],
    conv3_4: [96, 48],
    conv4_1: [256, 64],
    conv4_2: [256, 80],
    conv4_4: [320, 112],
    conv5_1: [384, 192],
  },
});

/** The convolutions of a teacher, in its order. */
export function convolutionsOf({ tensors }: NetworkWeights): string[] {
  return [...tensors.keys()].flatMap((key) => /^(conv\d_\d)\.weight$/.exec(key)?.[1] ?? []).sort();
}

/** The convolutions of a student, in their order. @throws FauveError `usage` for a shape that cannot serve the losses */
export function layersOf(shape: StudentShape, teacher: NetworkWeights): string[] {
  const known = convolutionsOf(teacher);
  const layers = Object.keys(shape).sort();
  for (const layer of layers) {
    const channels = channelsOf(shape[layer]!);
    const most = teacher.tensors.get(`${layer}.bias`)?.shape[0];
    if (most === undefined) {
      throw new FauveError(
        'request',
        `${teacher.name} has no convolution '${layer}'. Use some of ${known.join(', ')}.`,
      );
    }
    if (!Number.isInteger(channels) || channels < 1 || channels > most) {
      throw new FauveError('request', `${layer} has 1 to ${most} channels, received ${channels}.`);
    }
    const rank = rankOf(shape[layer]!);
    const before = layers[layers.indexOf(layer) - 1];
    const full = 3 * (before === undefined ? 3 : channelsOf(shape[before]!));
    if (rank !== undefined && (!Number.isInteger(rank) || rank < 1 || rank > full)) {
      throw new FauveError('request', `${layer} has 1 to ${full} vertical filters, received ${rank}.`);
    }
  }
  for (const tap of distilledTaps) {
    const layer = tap.replace('relu', 'conv');
    if (layers.includes(layer)) continue;
    throw new FauveError(
      'request',
      `A distilled network needs ${layer}, which the losses look at; received ${layers.join(', ')}.`,
    );
  }
  return layers;
}

/** What a chain of convolutions computes: `conv4_2` before and `relu4_2` after the ReLU. */
export type Activations = Readonly<Record<string, Tensor>>;

/**
 * A chain of 3×3 convolutions, some of them separable, with ReLU, and 2×2 max pooling where a block ends.
 * @param x [N,3,H,W], preprocessed
 * @param before stops in front of this layer
 * @returns all activations, and what the next layer would be fed
 */
export function forward(
  x: Tensor,
  layers: readonly string[],
  parameter: (name: string) => Tensor | undefined,
  before?: string,
): { readonly activations: Activations; readonly input: Tensor } {
  const activations: Record<string, Tensor> = {};
  let next = x;
  let previous: string | undefined;
  for (const layer of layers) {
    // Max pooling and ReLU commute: pooling first leaves the ReLU a quarter of the values.
    if (previous)
      next = layer[4] === previous[4] ? activations[reluOf(previous)]! : relu(maxPool(activations[previous]!));
    if (layer === before) return { activations, input: next };
    const z = convolution(next, layer, parameter);
    activations[layer] = z;
    activations[reluOf(layer)] = relu(z);
    previous = layer;
  }
  return { activations, input: next };
}

/** `conv4_2` → `relu4_2`. */
export const reluOf = (layer: string) => layer.replace('conv', 'relu');
