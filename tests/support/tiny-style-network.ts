import { conv, resize, sub } from '#src/graph/ops.js';
import { constant, input, type Tensor } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { encodeStyleNetwork, type StyleNetworkModel } from '#src/style-network/file.js';
import { initialStyleNetwork } from '#src/style-network/initial.js';
import type { StyleNetworkShape } from '#src/style-network/shape.js';
import { random } from './random.js';

/** Draws from about the standard normal distribution. */
export function normal(seed: number): () => number {
  const values = random(seed);
  return () => values.uniform([12], -0.5, 0.5).reduce((sum, value) => sum + value, 0);
}

/** A network of few channels with random weights, as training starts from; its styles differ. */
export function tinyModel(seed: number, change: Partial<StyleNetworkShape> = {}): StyleNetworkModel {
  const shape: StyleNetworkShape = { channels: [0, 4, 8], blocks: 1, kernels: [3, 3], styles: 3, ...change };
  const weights = initialStyleNetwork(shape, normal(seed));
  const draw = normal(seed + 1);
  for (const [name, { data }] of weights) {
    if (/scale|shift|bias/.test(name)) for (let i = 0; i < data.length; i++) data[i]! += 0.3 * draw();
  }
  const names = ['wave', 'scream', 'night', 'kiss'].slice(0, shape.styles);
  return {
    name: 'tiny',
    licence: 'CC0 1.0',
    styles: names.map((name) => ({ name, title: `The ${name}`, artist: 'Someone', year: 1905 })),
    training: { iterations: 3, losses: { total: 0.5 } },
    weights,
  };
}

export const tinyFile = (seed: number, change?: Partial<StyleNetworkShape>): Uint8Array<ArrayBuffer> =>
  encodeStyleNetwork(tinyModel(seed, change));

/** What is special about a network that Fauve did not make. */
export interface ForeignOptions {
  readonly white: 1 | 255;
  /** Height and width; any without it. */
  readonly size?: readonly [number, number];
  /** Pixels that a convolution without padding takes off at each side. */
  readonly eaten?: number;
  /** Halves and doubles the picture with this stride, so that sizes that it does not divide come out larger. */
  readonly stride?: 2;
}

/** The negative of a picture, white − x, as a file. Nothing says its range but what it does. */
export function negative({ white, size, eaten = 0, stride }: ForeignOptions): Uint8Array<ArrayBuffer> {
  let x: Tensor = input('input1', [1, 3, ...(size ?? [24, 24])]);
  if (eaten > 0) x = conv(x, copyingKernel(2 * eaten + 1));
  if (stride) x = resize(conv(x, copyingKernel(1), undefined, { strides: [stride, stride] }), [stride, stride]);
  return emitModel({ output1: sub(white, x) }, size ? {} : { anySize: ['input1', 'output1'] }).bytes;
}

/** A kernel that takes the middle of each channel. */
function copyingKernel(side: number): Tensor {
  const kernel = new Float32Array(9 * side * side);
  for (let channel = 0; channel < 3; channel++) kernel[4 * channel * side * side + ((side * side) >> 1)] = 1;
  return constant(kernel, [3, 3, side, side]);
}
