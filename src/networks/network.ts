import { aMap, anObject, aText, isBytes, isRecord, refuse } from '../checks/checks.js';
import type { WeightTensor } from '../formats/tensor.js';

/**
 * How a picture in [0,1] RGB becomes the network's input: `(rgb · scale − mean) / std`, channel by channel (R, G, B).
 * Weights whose source expects BGR are flipped when they are imported, so that the order is always RGB here.
 */
export interface Preprocessing {
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/**
 * Weights of a named loss network, ready to build with: `conv1_1.weight`, `conv1_1.bias`, …; a distilled network may have
 * separable kernels (`conv1_2.vertical.weight` besides), and has a head, `relu1_1.head` [k,C], for each of its layers that losses
 * may look at.
 */
export interface NetworkWeights {
  /** `vgg19`, `vgg16`, `distilled`, `distilled-small`. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly preprocessing: Preprocessing;
  /** SHA-256 (hex) of the canonical safetensors file that the weights were read from; it travels in recipes. */
  readonly sha256: string;
}

/** Makes sure that a value is {@link NetworkWeights}. @throws FauveError `usage`, with how to get them */
export function checkWeights(value: unknown, name: string): asserts value is NetworkWeights {
  if (!isRecord(value) || !('tensors' in value)) {
    const help = isBytes(value) ? 'Decode them: await decodeWeights(bytes).' : loading(value);
    refuse(name, 'the weights of a loss network', value, help);
  }
  aText(value.name, `${name}.name`);
  aMap(value.tensors, `${name}.tensors`);
  anObject(value.preprocessing, `${name}.preprocessing`);
  aText(value.sha256, `${name}.sha256`);
}

function loading(value: unknown): string {
  return `Load them: await loadNetworkWeights(${typeof value === 'string' && value.length < 40 ? `'${value}'` : 'name'}).`;
}
