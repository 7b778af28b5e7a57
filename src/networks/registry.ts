import { aText } from '../checks/checks.js';
import { shortName } from '../checks/received.js';
import { FauveError } from '../errors.js';
import type { WeightTensor } from '../formats/tensor.js';
import type { Preprocessing } from './network.js';

/** One 3×3 convolution: its kernel is [outChannels, inChannels, 3, 3], its bias [outChannels]. */
export interface ConvLayer {
  /** `conv1_1`: block, then position in the block. Its activation is `relu1_1`. */
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
}

/** Where the weights of a network can be downloaded: a Keras "notop" file, the same bytes everywhere. */
export interface NetworkSource {
  /** Path below the base URL of the models ({@link defaultModelsUrl}). */
  readonly path: string;
  readonly bytes: number;
  /** MD5 (hex), the checksum that Keras itself publishes for the file. */
  readonly md5: string;
}

/** The architecture of a loss network: blocks of convolutions, with 2×2 pooling between the blocks. */
export interface NetworkSpec {
  readonly name: string;
  readonly blocks: readonly (readonly ConvLayer[])[];
  readonly source: NetworkSource;
}

/** Weights of the Caffe model zoo and of Keras: RGB in 0..255 minus the mean of ImageNet (the originals expect BGR). */
export const caffePreprocessing: Preprocessing = Object.freeze({
  scale: 255,
  mean: [123.68, 116.779, 103.939] as const,
  std: [1, 1, 1] as const,
});

/** Weights of torchvision: RGB in [0,1], minus the mean and divided by the standard deviation of ImageNet. */
export const torchvisionPreprocessing: Preprocessing = Object.freeze({
  scale: 1,
  mean: [0.485, 0.456, 0.406] as const,
  std: [0.229, 0.224, 0.225] as const,
});

/** Keras's public releases. The environment variable `FAUVE_MODELS_URL` names a mirror. */
export const defaultModelsUrl = 'https://storage.googleapis.com/tensorflow/keras-applications';

const specs: readonly NetworkSpec[] = [
  {
    name: 'vgg19',
    blocks: vggBlocks([2, 2, 4, 4, 4]),
    source: {
      path: 'vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5',
      bytes: 80_134_624,
      md5: '253f8cb515780f3b799900260a226db6',
    },
  },
  {
    name: 'vgg16',
    blocks: vggBlocks([2, 2, 3, 3, 3]),
    source: {
      path: 'vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5',
      bytes: 58_889_256,
      md5: '6d6bbae143d832006294945121d1f1fc',
    },
  },
];

/** The networks that can be pulled and imported: `vgg19`, `vgg16`. */
export const networkNames: readonly string[] = specs.map(({ name }) => name);

/** The networks that come with Fauve, distilled from VGG-19. */
export const shippedNetworkNames: readonly string[] = ['distilled', 'distilled-small'];

/** The style network of many styles that comes with Fauve: that of `stylize --fast`. */
export const fastStyleNetworkName = 'fast';

/** All loss networks. */
export const lossNetworkNames: readonly string[] = [...shippedNetworkNames, ...networkNames];

/** The loss network that is used unless another is named. */
export const defaultNetworkName = 'distilled';

/**
 * The architecture of a network of the registry (Simonyan & Zisserman 2014, configurations D and E).
 * @throws FauveError `usage` for an unknown name
 */
export function networkSpec(name: string): NetworkSpec {
  aText(name, 'The name of a network');
  const spec = specs.find((candidate) => candidate.name === name);
  if (!spec) {
    throw new FauveError('request', `There is no network '${shortName(name)}'. Use one of ${networkNames.join(', ')}.`);
  }
  return spec;
}

/** All convolutions in the order of the network. */
export function convLayers(spec: NetworkSpec): readonly ConvLayer[] {
  return spec.blocks.flat();
}

/**
 * The deepest convolution that the weights reach, for instance `conv5_1` in a file that was cut there. The network is usable
 * that deep; `undefined` when not even the first layer is there.
 */
export function deepestLayer(spec: NetworkSpec, tensors: ReadonlyMap<string, WeightTensor>): string | undefined {
  let deepest: string | undefined;
  for (const { name } of convLayers(spec)) {
    if (!tensors.has(`${name}.weight`) || !tensors.has(`${name}.bias`)) break;
    deepest = name;
  }
  return deepest;
}

function vggBlocks(depths: readonly number[]): ConvLayer[][] {
  const widths = [64, 128, 256, 512, 512];
  let inChannels = 3;
  return depths.map((depth, block) =>
    Array.from({ length: depth }, (_, position) => {
      const layer = { name: `conv${block + 1}_${position + 1}`, inChannels, outChannels: widths[block]! };
      inChannels = layer.outChannels;
      return layer;
    }),
  );
}
