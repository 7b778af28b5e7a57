import type { WeightTensor } from '#src/formats/tensor.js';
import type { NetworkWeights, Preprocessing } from '#src/networks/network.js';
import { caffePreprocessing, networkSpec } from '#src/networks/registry.js';
import type { OracleNetwork } from '../oracle/oracle.js';
import { random } from './random.js';

const noFile = '0'.repeat(64);

/** A network of the registry with few channels and random weights; `deepest`: where the weights end (`conv3_2`). */
export function tinyVgg(
  name: 'vgg16' | 'vgg19',
  {
    channels = 3,
    deepest,
    seed = 1,
    preprocessing = caffePreprocessing,
  }: { channels?: number; deepest?: string; seed?: number; preprocessing?: Preprocessing } = {},
): NetworkWeights {
  const values = random(seed);
  const tensors = new Map<string, WeightTensor>();
  let inner = 3;
  for (const layer of networkSpec(name).blocks.flat()) {
    // He's scale keeps the activations of all layers alike.
    const bound = Math.sqrt(6 / (9 * inner));
    const shape = [channels, inner, 3, 3];
    tensors.set(`${layer.name}.weight`, { shape, data: values.uniform(shape, -bound, bound) });
    tensors.set(`${layer.name}.bias`, { shape: [channels], data: values.uniform([channels], -0.2, 0.4) });
    inner = channels;
    if (layer.name === deepest) break;
  }
  return { name, tensors, preprocessing, sha256: noFile };
}

/** The oracle's network as weights of VGG-19 that end at conv5_1. */
export function oracleWeights({ weights, preprocessing }: OracleNetwork): NetworkWeights {
  const tensors = new Map(
    Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
  return { name: 'vgg19', tensors, preprocessing, sha256: noFile };
}
