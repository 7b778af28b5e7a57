import { FauveError } from '../../errors.js';
import { conv, maxPool, relu } from '../../graph/ops.js';
import type { Tensor } from '../../graph/tensor.js';
import { distilledTaps } from '../../networks/distilled.js';
import type { NetworkWeights } from '../../networks/network.js';

/** A student's convolutions, named as the teacher's that they reproduce, and their channels. */
export type StudentShape = Readonly<Record<string, number>>;

/** The shapes of the networks that come with Fauve. Multiples of 16: the engine computes 16 channels at a time. */
export const studentShapes: Readonly<Record<'distilled' | 'distilled-small', StudentShape>> = Object.freeze({
  distilled: {
    conv1_1: 32,
    conv1_2: 48,
    conv2_1: 96,
    conv2_2: 112,
    conv3_1: 192,
    conv3_2: 176,
    conv3_4: 192,
    conv4_1: 448,
    conv4_2: 448,
    conv4_4: 448,
    conv5_1: 512,
  },
  'distilled-small': {
    conv1_1: 16,
    conv1_2: 16,
    conv2_1: 32,
    conv2_2: 32,
    conv3_1: 64,
    conv3_4: 64,
    conv4_1: 176,
    conv4_2: 176,
    conv4_4: 176,
    conv5_1: 352,
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
    const channels = shape[layer]!;
    const most = teacher.tensors.get(`${layer}.bias`)?.shape[0];
    if (most === undefined) {
      throw new FauveError('usage', `${teacher.name} has no convolution '${layer}'. Use some of ${known.join(', ')}.`);
    }
    if (!Number.isInteger(channels) || channels < 1 || channels > most) {
      throw new FauveError('usage', `${layer} has 1 to ${most} channels, received ${channels}.`);
    }
  }
  for (const tap of distilledTaps) {
    const layer = tap.replace('relu', 'conv');
    if (layers.includes(layer)) continue;
    throw new FauveError(
      'usage',
      `A distilled network needs ${layer}, which the losses look at; received ${layers.join(', ')}.`,
    );
  }
  return layers;
}

/** What a chain of convolutions computes: `conv4_2` before and `relu4_2` after the ReLU. */
export type Activations = Readonly<Record<string, Tensor>>;

/**
 * A chain of 3×3 convolutions with ReLU, and 2×2 max pooling where a block ends.
 * @param x [N,3,H,W], preprocessed
 * @param before stops in front of this layer
 * @returns all activations, and what the next layer would be fed
 */
export function forward(
  x: Tensor,
  layers: readonly string[],
  parameter: (name: string) => Tensor,
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
    const z = conv(next, parameter(`${layer}.weight`), parameter(`${layer}.bias`), { pads: [1, 1, 1, 1] });
    activations[layer] = z;
    activations[reluOf(layer)] = relu(z);
    previous = layer;
  }
  return { activations, input: next };
}

/** `conv4_2` → `relu4_2`. */
export const reluOf = (layer: string) => layer.replace('conv', 'relu');
