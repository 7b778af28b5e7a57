import { FauveError } from '../errors.js';
import { averagePool, conv, div, maxPool, mul, relu, sub } from '../graph/ops.js';
import { constant, type Tensor } from '../graph/tensor.js';
import { type Head, headOf } from './heads.js';
import type { NetworkWeights, Preprocessing } from './network.js';

export type Pooling = 'max' | 'average';

/** A frozen classification CNN whose named activations are the features of the losses. */
export interface LossNetwork {
  readonly name: string;
  readonly sha256: string;
  readonly pooling: Pooling;
  /** Names of the layers that the weights reach, in the order of the network: `relu1_1`, … */
  readonly layers: readonly string[];
  /**
   * Features of an image at the named layers, computed as deep as the deepest of them.
   * @param image [1,3,H,W], RGB in [0,1]
   * @returns layer → [1,C,h,w]
   * @throws FauveError for a layer that the network does not have, or an image that is too small for it
   */
  features(image: Tensor, layers: readonly string[]): Record<string, Tensor>;
  /** Of a distilled network: what makes its features at a layer comparable with its teacher's. */
  head(layer: string): Head | undefined;
  /** Height and width that an image needs at least, for the deepest of the layers. */
  minimumSize(layers: readonly string[]): number;
}

/**
 * VGG (Simonyan & Zisserman 2014): blocks of 3×3 convolutions with zero padding and ReLU, 2×2 pooling between the blocks.
 * Average pooling is Gatys's alternative: it gives smoother pictures. Distilled networks have the same form with fewer
 * channels and layers or separable kernels, and offer those of their layers that have a head.
 * @throws FauveError `usage` for average pooling of a distilled network, which was made with max pooling
 */
export function vgg(weights: NetworkWeights, pooling: Pooling = 'max'): LossNetwork {
  const blocks = blocksOf(weights);
  const all = blocks.flat().map((name) => name.replace('conv', 'relu'));
  const tapped = all.filter((layer) => weights.tensors.has(`${layer}.head`));
  const layers = tapped.length > 0 ? tapped : all;
  if (tapped.length > 0 && pooling !== 'max') {
    throw new FauveError(
      'request',
      `${weights.name} was made with max pooling, received pooling '${pooling}'. Use the network vgg19 for it.`,
    );
  }
  const blockOf = (relu: string): number => {
    if (!layers.includes(relu)) {
      const why = tapped.length > 0 ? ', or the network vgg19 for the others' : ' (as deep as these weights go)';
      throw new FauveError('request', `${weights.name} has no layer '${relu}'. Use one of ${layers.join(', ')}${why}.`);
    }
    return Number(relu.slice(4, 5)) - 1;
  };
  const minimumSize = (wanted: readonly string[]): number => 2 ** Math.max(0, ...wanted.map(blockOf));

  // The same nodes in every graph that this network is built into: a rotated kernel is then made once for those made together.
  const constants = new Map<string, Tensor>();
  const parameter = (name: string): Tensor | undefined => {
    const tensor = weights.tensors.get(name);
    if (!tensor) return undefined;
    const made = constants.get(name) ?? constant(tensor.data, tensor.shape);
    constants.set(name, made);
    return made;
  };

  const heads = new Map<string, Head | undefined>();
  const head = (layer: string): Head | undefined => {
    if (!heads.has(layer)) heads.set(layer, headOf(weights.tensors.get(`${layer}.head`)));
    return heads.get(layer);
  };

  return {
    name: weights.name,
    sha256: weights.sha256,
    pooling,
    layers,
    minimumSize,
    head,
    features(image, wanted) {
      const [height, width] = image.shape.slice(2) as [number, number];
      const least = minimumSize(wanted);
      if (height < least || width < least) {
        const deepest = wanted.find((layer) => minimumSize([layer]) === least);
        throw new FauveError(
          'input',
          `The image is ${width}×${height}; ${deepest} needs at least ${least}×${least}. Use a larger image.`,
        );
      }
      const taps: Record<string, Tensor> = {};
      const last = Math.max(-1, ...wanted.map((layer) => all.indexOf(layer)));
      let index = 0;
      let x = preprocess(image, weights.preprocessing);
      for (const [number, block] of blocks.entries()) {
        for (const [i, name] of block.entries()) {
          if (index > last) return taps;
          const layer = all[index++]!;
          x = convolution(x, name, parameter);
          const tapped = wanted.includes(layer);
          const endsBlock = i === block.length - 1 && number < blocks.length - 1;
          // Max pooling and ReLU commute. Pooling first does the ReLU and its derivative on a quarter of the pixels, and the
          // zeros that ReLU makes are no ties of the maximum.
          if (endsBlock && index <= last && pooling === 'max' && !tapped) x = relu(maxPool(x));
          else {
            x = relu(x);
            if (tapped) taps[layer] = x;
            if (endsBlock && index <= last) x = pooling === 'max' ? maxPool(x) : averagePool(x);
          }
        }
      }
      return taps;
    },
  };
}

/**
 * A 3×3 convolution with zero padding; or, where there is `NAME.vertical.weight` [R,I,3,1], the two that stand in for it, of
 * columns and then of rows, `NAME.weight` [O,R,1,3] (Jaderberg et al. 2014). Their cost is R·(I + O)·3 instead of I·O·9.
 */
export function convolution(x: Tensor, name: string, parameter: (name: string) => Tensor | undefined): Tensor {
  const vertical = parameter(`${name}.vertical.weight`);
  const [weight, bias] = [parameter(`${name}.weight`)!, parameter(`${name}.bias`)];
  if (!vertical) return conv(x, weight, bias, { pads: [1, 1, 1, 1] });
  return conv(conv(x, vertical, undefined, { pads: [1, 0, 1, 0] }), weight, bias, { pads: [0, 1, 0, 1] });
}

/** Names of the convolutions that the weights have, by block: `conv1_1`, `conv1_2`; … */
function blocksOf({ tensors }: NetworkWeights): string[][] {
  const blocks: string[][] = [];
  for (const key of tensors.keys()) {
    const [, name, block] = /^(conv(\d)_\d)\.weight$/.exec(key) ?? [];
    if (!name) continue;
    const index = Number(block) - 1;
    blocks[index] = [...(blocks[index] ?? []), name];
  }
  return blocks.map((block) => block.sort());
}

/** From RGB in [0,1] to what the network was trained on. The zero padding of the first layer comes after it. */
export function preprocess(image: Tensor, { scale, mean, std }: Preprocessing): Tensor {
  const perChannel = (values: readonly number[]) => constant(Float64Array.from(values), [1, 3, 1, 1]);
  const centred = sub(scale === 1 ? image : mul(image, scale), perChannel(mean));
  return std.every((value) => value === 1) ? centred : div(centred, perChannel(std));
}
