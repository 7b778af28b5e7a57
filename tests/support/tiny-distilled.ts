import type { WeightTensor } from '#src/formats/tensor.js';
import { distilledTaps, encodeDistilled } from '#src/networks/distilled.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { random } from './random.js';
import { tinyVgg } from './tiny-vgg.js';

/** VGG-19 down to conv5_1 with few channels, random weights, and a head for each layer of the losses. */
export function tinyDistilled({
  name = 'distilled',
  channels = 3,
  teacherChannels = channels,
  seed = 1,
  identity = false,
}: {
  name?: string;
  channels?: number;
  /** C of the heads [channels,C]. */
  teacherChannels?: number;
  seed?: number;
  /** Heads that change nothing, instead of random ones. */
  identity?: boolean;
} = {}): NetworkWeights {
  const { tensors, ...network } = tinyVgg('vgg19', { channels, deepest: 'conv5_1', seed });
  const values = random(seed + 100);
  const heads = distilledTaps.map((layer): [string, WeightTensor] => {
    const shape = [channels, teacherChannels];
    const data = identity
      ? Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0))
      : values.uniform(shape, -1, 1);
    return [`${layer}.head`, { shape, data }];
  });
  return { ...network, name, tensors: new Map([...tensors, ...heads]) };
}

/** The file of such a network. */
export function distilledFile(weights: NetworkWeights): Uint8Array<ArrayBuffer> {
  const { name, tensors } = weights;
  return encodeDistilled(tensors, { name, teacher: 'vgg19', teacherSha256: '0'.repeat(64), made: 'by the tests' });
}
