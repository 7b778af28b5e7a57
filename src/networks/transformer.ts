import { FauveError } from '../errors.js';
import {
  add,
  conv,
  cropLike,
  depthToSpace,
  instanceNormalization,
  matMul,
  mul,
  pad,
  relu,
  reshape,
  resize,
  sub,
  tanh,
} from '../graph/ops.js';
import { constant, type Shape, type Tensor } from '../graph/tensor.js';
import type { WeightTensor } from './network.js';

/** The architecture of an image transformer network. */
export interface TransformerShape {
  /**
   * Channels at full, half and quarter size. Johnson et al.: 32, 64, 128. With 0 at full size the first convolution has stride 2, and
   * the last makes four pixels at each position (sub-pixel convolution, Shi et al. 2016), smoothed by a small fixed kernel: half the time.
   */
  readonly channels: readonly [number, number, number];
  /** Residual blocks at quarter size. */
  readonly blocks: number;
  /** Sides of the first and of the last kernel, odd. Johnson et al.: 9, 9. */
  readonly kernels: readonly [number, number];
  /** How many styles the network knows: so many scales and shifts has each of its normalisations. */
  readonly styles: number;
}

/**
 * Pixels that are mirrored around the picture before anything else and cut off at the end. The convolutions then pad with zeros, which
 * keeps them in the engine's blocked layout: to mirror in front of each costs a third of the time.
 */
const MARGIN = 8;

/** A picture has to be as wide and as high as this at least: what is mirrored is larger than its mirror image. */
export const transformerMinimumSize = MARGIN + 1;

/**
 * An image transformer network (Johnson et al. 2016, supplement): a convolution, two with stride 2, residual blocks, two enlargements by
 * nearest neighbours, each with a convolution (no transposed ones: they leave checkerboards; Odena et al. 2016), and a last
 * convolution with tanh. The border is mirrored. The normalisation is conditional on the style (Dumoulin et al. 2017): each style
 * is a row of scales and shifts, and a mixture of styles is a mixture of rows.
 * @param image [N,3,H,W], RGB in [0,1], any size from {@link transformerMinimumSize} on
 * @param style [N,S], weights of the styles, which add up to 1; a network of one style needs none
 * @param parameter by name: {@link transformerParameters}
 * @returns the picture, [N,3,H,W], RGB in (0,1)
 */
export function transformer(
  image: Tensor,
  style: Tensor | undefined,
  parameter: (name: string) => Tensor,
  { channels: [full], blocks, kernels, styles }: TransformerShape,
): Tensor {
  if (!style && styles > 1)
    throw new FauveError('usage', `The network has ${styles} styles. Say which: [N,${styles}].`);
  const count = image.shape[0]!;
  const convolution = (x: Tensor, name: string, side: number, stride: 1 | 2, bias?: Tensor): Tensor => {
    const border = Math.floor(side / 2);
    const pads = [border, border, border, border] as const;
    return conv(x, parameter(`${name}.weight`), bias, { strides: [stride, stride], pads });
  };
  /** Rows of a table [S,C], one for each picture: [N,C]; of one style, [1,C]. */
  const chosen = (name: string): Tensor => {
    const table = parameter(name);
    return style && styles > 1 ? matMul(style, table) : table;
  };
  const normalised = (x: Tensor, name: string): Tensor => {
    const [scale, shift] = [chosen(`${name}.scale`), chosen(`${name}.shift`)];
    const [rows, width] = scale.shape as [number, number];
    if (rows === 1) return instanceNormalization(x, reshape(scale, [width]), reshape(shift, [width]));
    const plain = instanceNormalization(x, filled(1, width), filled(0, width));
    return add(mul(plain, reshape(scale, [count, width, 1, 1])), reshape(shift, [count, width, 1, 1]));
  };
  const layer = (x: Tensor, name: string, side: number, stride: 1 | 2 = 1): Tensor =>
    normalised(convolution(x, name, side, stride), name);

  const mirrored = pad(image, [0, 0, MARGIN, MARGIN], [0, 0, MARGIN, MARGIN], 'reflect');
  let x = mul(sub(mirrored, 0.5), 2);
  x = relu(layer(x, 'first', kernels[0], full > 0 ? 1 : 2));
  if (full > 0) x = relu(layer(x, 'down1', 3, 2));
  x = relu(layer(x, 'down2', 3, 2));
  for (let block = 1; block <= blocks; block++) {
    const inner = relu(layer(x, `residual${block}a`, 3));
    x = add(x, layer(inner, `residual${block}b`, 3));
  }
  x = relu(layer(resize(x, [2, 2]), 'up1', 3));
  if (full > 0) x = relu(layer(resize(x, [2, 2]), 'up2', 3));
  x = convolution(x, 'last', kernels[1], 1, parameter('last.bias'));
  if (full === 0) x = conv(depthToSpace(x, 2), tent, undefined, { pads: [1, 1, 1, 1] });
  // Half sizes are rounded up on the way down.
  return cropLike(add(mul(tanh(x), 0.5), 0.5), image, [MARGIN, MARGIN]);
}

/**
 * Each colour by itself, [1,2,1]/4 in both directions: a pattern that repeats every two pixels vanishes. Without it the four pixels of
 * a position learn to differ in even areas, and a fine grid lies over the picture.
 */
const tent = constant(
  Float32Array.from({ length: 81 }, (_, i) => {
    const [colours, row, column] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
    return colours % 4 === 0 ? ((2 - Math.abs(row - 1)) * (2 - Math.abs(column - 1))) / 16 : 0;
  }),
  [3, 3, 3, 3],
);

const filled = (value: number, width: number) => constant(new Float32Array(width).fill(value), [width]);

/** Names and shapes of all weights: `first.weight` [O,I,k,k], `first.scale` and `first.shift` [S,O], …, `last.bias` [3]. */
export function transformerParameters({
  channels: [full, half, quarter],
  blocks,
  kernels,
  styles,
}: TransformerShape): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const layer = (name: string, from: number, to: number, side = 3) => {
    shapes.set(`${name}.weight`, [to, from, side, side]);
    shapes.set(`${name}.scale`, [styles, to]);
    shapes.set(`${name}.shift`, [styles, to]);
  };
  layer('first', 3, full || half, kernels[0]);
  if (full > 0) layer('down1', full, half);
  layer('down2', half, quarter);
  for (let block = 1; block <= blocks; block++) {
    layer(`residual${block}a`, quarter, quarter);
    layer(`residual${block}b`, quarter, quarter);
  }
  layer('up1', quarter, half);
  if (full > 0) layer('up2', half, full);
  const colours = full > 0 ? 3 : 12;
  shapes.set('last.weight', [colours, full || half, kernels[1], kernels[1]]);
  shapes.set('last.bias', [colours]);
  return shapes;
}

/** The tables of the conditional normalisation: what a new style needs of its own. */
export const isStyleParameter = (name: string): boolean => name.endsWith('.scale') || name.endsWith('.shift');

/**
 * Weights to start training from: kernels as He et al. 2015, scales 1, shifts 0.
 * @param normal draws from the standard normal distribution
 */
export function initialTransformer(shape: TransformerShape, normal: () => number): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const [name, dims] of transformerParameters(shape)) {
    const data = new Float32Array(dims.reduce((product, n) => product * n, 1));
    if (name.endsWith('.scale')) data.fill(1);
    else if (name.endsWith('.weight')) {
      const fanIn = dims[1]! * dims[2]! * dims[3]!;
      const deviation = Math.sqrt((name === 'last.weight' ? 1 : 2) / fanIn);
      for (let i = 0; i < data.length; i++) data[i] = deviation * normal();
      // The four pixels of a sub-pixel convolution start alike: no checkerboard (Aitken et al. 2017).
      if (name === 'last.weight') {
        const pixel = 3 * fanIn;
        for (let i = pixel; i < data.length; i++) data[i] = data[i % pixel]!;
      }
    }
    weights.set(name, { shape: dims, data });
  }
  return weights;
}

/**
 * The architecture that weights have.
 * @throws FauveError `input` when they are not those of a transformer network
 */
export function transformerShapeOf(
  weights: ReadonlyMap<string, WeightTensor>,
  fileName = 'The network',
): TransformerShape {
  const dims = (name: string) => weights.get(name)?.shape ?? [];
  let blocks = 0;
  while (weights.has(`residual${blocks + 1}a.weight`)) blocks++;
  const [quarter = 0, half = 0] = dims('down2.weight');
  const [, full = 0] = dims('down1.weight');
  const [, , first = 0] = dims('first.weight');
  const [, , last = 0] = dims('last.weight');
  const [styles = 0] = dims('first.scale');
  const shape: TransformerShape = { channels: [full, half, quarter], blocks, kernels: [first, last], styles };
  const expected = transformerParameters(shape);
  for (const [name, wanted] of expected) {
    const found = dims(name);
    if (found.join() === wanted.join() && wanted.every((n) => n > 0)) continue;
    throw new FauveError(
      'input',
      `${fileName} is no transformer network of Fauve: ${name} is ${found.length > 0 ? `[${found}]` : 'missing'}. Use one that fauve train made.`,
    );
  }
  return shape;
}
