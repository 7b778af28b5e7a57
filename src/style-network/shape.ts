import { FauveError } from '../errors.js';
import type { WeightTensor } from '../formats/tensor.js';
import {
  add,
  concat,
  conv,
  cropLike,
  depthToSpace,
  instanceNormalization,
  matMul,
  mul,
  pad,
  relu,
  reshape,
  slidingMean,
  tanh,
} from '../graph/ops.js';
import { constant, type Shape, type Tensor } from '../graph/tensor.js';

/** The architecture of an style network. */
export interface StyleNetworkShape {
  /**
   * Channels at full, half and quarter size. Johnson et al.: 32, 64, 128. With 0 at full size the first convolution has stride 2, and
   * the last makes four pixels at each position (sub-pixel convolution, Shi et al. 2016), smoothed by a small fixed kernel: half the time.
   * A fourth number are channels at an eighth of the size: there the blocks are then, and quarter size is kept beside them.
   */
  readonly channels: readonly [full: number, half: number, quarter: number, eighth?: number | undefined];
  /** Residual blocks, at the smallest size. */
  readonly blocks: number;
  /** Sides of the first and of the last kernel, odd. Johnson et al.: 9, 9. */
  readonly kernels: readonly [number, number];
  /** How many styles the network knows: so many scales and shifts has each of its normalisations. */
  readonly styles: number;
}

/**
 * Pixels that are mirrored around the picture before anything else, above and to the left, and below and to the right. The convolutions
 * do not pad, so that each of them takes some away, and what is left is the picture. Were they to pad with zeros, the network would know
 * where the border is, and paint a frame: half the colours of a style can go there. To mirror in front of each convolution costs a third
 * of the time. What is mirrored is the picture, not features, even where those are small: of features, the network sees that they are.
 */
export function styleNetworkMargins({ channels: [full, , , eighth = 0], blocks, kernels }: StyleNetworkShape): {
  readonly before: number;
  readonly after: number;
} {
  const [first, last] = kernels.map((side) => (side - 1) / 2) as [number, number];
  // In pixels of the picture, down to its smallest size, through the blocks, and up again.
  const ends = full > 0 ? first + last : first + 2 * last;
  if (eighth === 0) {
    const around = ends + 8 * blocks + (full > 0 ? 6 : 5);
    return { before: around, after: around };
  }
  // Up to seven pixels are left over at the end, and the picture is to lie where the photo does.
  const before = ends + 16 * blocks + 10;
  return { before, after: before + (full > 0 ? 8 : 6) };
}

/** A picture has to be as wide and as high as this at least: what is mirrored is larger than its mirror image. */
export const styleNetworkMinimumSize = (shape: StyleNetworkShape): number => styleNetworkMargins(shape).after + 1;

/**
 * An style network (Johnson et al. 2016, supplement): a convolution, two with stride 2, residual blocks, two enlargements by
 * nearest neighbours, each with a convolution (no transposed ones: they leave checkerboards; Odena et al. 2016), and a last
 * convolution with tanh. The border is mirrored, once, or brought along. The normalisation is conditional on the style (Dumoulin et al.
 * 2017): each style is a row of scales and shifts, and a mixture of styles is a mixture of rows.
 * @param image [N,3,H,W], RGB in [0,1], any size from {@link styleNetworkMinimumSize} on
 * @param style [N,S], weights of the styles, which add up to 1; a network of one style needs none
 * @param parameter by name: {@link styleNetworkParameters}
 * @param surrounded the image with what lies around it, as wide as {@link styleNetworkMargins}; by default it is mirrored
 * @returns the picture, [N,3,H,W], RGB in (0,1)
 */
export function transformer(
  image: Tensor,
  style: Tensor | undefined,
  parameter: (name: string) => Tensor,
  shape: StyleNetworkShape,
  surrounded?: Tensor,
): Tensor {
  const {
    channels: [full, , , eighth = 0],
    blocks,
    styles,
  } = shape;
  if (!style && styles > 1)
    throw new FauveError('usage', `The network has ${styles} styles. Say which: [N,${styles}].`);
  const count = image.shape[0]!;
  const convolution = (x: Tensor, name: string, stride: 1 | 2, bias?: Tensor): Tensor =>
    conv(x, parameter(`${name}.weight`), bias, { strides: [stride, stride] });
  /** Rows of a table [S,C], one for each picture: [N,C]; of one style, [1,C]. */
  const chosen = (name: string): Tensor => {
    const table = parameter(name);
    return style && styles > 1 ? matMul(style, table) : table;
  };
  const normalised = (x: Tensor, name: string): Tensor => {
    const scale = chosen(`${name}.scale`);
    const shift = hasShift(name) ? chosen(`${name}.shift`) : undefined;
    const [rows, width] = scale.shape as [number, number];
    const none = filled(0, width);
    if (rows === 1) return instanceNormalization(x, reshape(scale, [width]), shift ? reshape(shift, [width]) : none);
    const scaled = mul(instanceNormalization(x, filled(1, width), none), reshape(scale, [count, width, 1, 1]));
    return shift ? add(scaled, reshape(shift, [count, width, 1, 1])) : scaled;
  };
  const layer = (x: Tensor, name: string, stride: 1 | 2 = 1): Tensor => normalised(convolution(x, name, stride), name);
  const enlarged = (x: Tensor, name: string): Tensor =>
    normalised(depthToSpace(conv(x, fourPixelKernels(parameter(`${name}.weight`))), 2), name);

  const { before, after } = styleNetworkMargins(shape);
  const whole = surrounded ?? pad(image, [0, 0, before, before], [0, 0, after, after], 'reflect');
  const stride = full > 0 ? 1 : 2;
  // The first kernel is meant for colours in [−1,1]. The factor goes into the kernel, and the normalisation takes any shift away.
  const first = conv(whole, mul(parameter('first.weight'), 2), undefined, { strides: [stride, stride] });
  let x = relu(normalised(first, 'first'));
  if (full > 0) x = relu(layer(x, 'down1', 2));
  x = relu(layer(x, 'down2', 2));
  const quarter = x;
  if (eighth > 0) x = relu(layer(x, 'down3', 2));
  for (let block = 1; block <= blocks; block++) {
    const change = layer(relu(layer(x, `residual${block}a`)), `residual${block}b`);
    x = added(x, change, 2);
  }
  // What lies where comes from quarter size, how it is painted from an eighth.
  if (eighth > 0) x = relu(added(quarter, enlarged(x, 'up0'), 4 * blocks + 1));
  x = relu(enlarged(x, 'up1'));
  if (full > 0) x = relu(enlarged(x, 'up2'));
  x = convolution(x, 'last', 1, parameter('last.bias'));
  if (full === 0) x = tent(depthToSpace(x, 2));
  // Where a size is no multiple of four, a few pixels are left over at the end.
  return cropLike(add(mul(tanh(x), 0.5), 0.5), image);
}

/**
 * To enlarge by nearest neighbours and convolve with 3×3 is, for each of the four pixels that one becomes, a convolution with 2×2 before
 * the enlargement: where neighbours are equal, their weights add up. Four ninths of the operations, for the same picture.
 * @param kernel [O,I,3,3]
 * @returns [4·O,I,2,2], in the order of {@link depthToSpace}
 */
function fourPixelKernels(kernel: Tensor): Tensor {
  const [to, from] = kernel.shape as [number, number];
  const flat = reshape(kernel, [to * from, 9]);
  return concat(
    pixelSums.map((sums) => reshape(matMul(flat, sums), [to, from, 2, 2])),
    0,
  );
}

/** For each of the four pixels, [9,4]: which of a kernel's nine weights fall on which of its four neighbours. */
const pixelSums = [0, 1, 2, 3].map((pixel) => {
  const [below, right] = [pixel >> 1, pixel & 1];
  const sums = new Float32Array(36);
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 3; column++)
      sums[(row * 3 + column) * 4 + ((row + below) >> 1) * 2 + ((column + right) >> 1)] = 1;
  return constant(sums, [9, 4]);
});

/**
 * Each colour by itself with [1,2,1]/4 in both directions: a pattern that repeats every two pixels vanishes. Without it the four pixels of
 * a position learn to differ in even areas, and a fine grid lies over the picture. As two means over 2×2 it takes half the time of a
 * convolution.
 */
const tent = (x: Tensor): Tensor => slidingMean(slidingMean(x));

/** @param around what the change does not have of x, at each border */
const added = (x: Tensor, change: Tensor, around: number): Tensor => add(cropLike(x, change, [around, around]), change);

/** What a block adds goes through a convolution without padding and a normalisation, which take away what is the same everywhere. */
const hasShift = (name: string): boolean => !/^residual\d+b$/.test(name);

const filled = (value: number, width: number) => constant(new Float32Array(width).fill(value), [width]);

/** Names and shapes of all weights: `first.weight` [O,I,k,k], `first.scale` and `first.shift` [S,O], … (the second
 * convolution of a block has no shift), `last.bias` [3]. */
export function styleNetworkParameters({
  channels: [full, half, quarter, eighth = 0],
  blocks,
  kernels,
  styles,
}: StyleNetworkShape): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const layer = (name: string, from: number, to: number, side = 3) => {
    shapes.set(`${name}.weight`, [to, from, side, side]);
    shapes.set(`${name}.scale`, [styles, to]);
    if (hasShift(name)) shapes.set(`${name}.shift`, [styles, to]);
  };
  layer('first', 3, full || half, kernels[0]);
  if (full > 0) layer('down1', full, half);
  layer('down2', half, quarter);
  if (eighth > 0) layer('down3', quarter, eighth);
  for (let block = 1; block <= blocks; block++) {
    layer(`residual${block}a`, eighth || quarter, eighth || quarter);
    layer(`residual${block}b`, eighth || quarter, eighth || quarter);
  }
  if (eighth > 0) layer('up0', eighth, quarter);
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
 * Kernels at the smallest size, to it and from it: most of the weights. Between normalisations and not next to the picture, they bear
 * being 8-bit integers, and so does what goes through them.
 */
export const isInner = (name: string): boolean => /^(down3|residual\d+[ab]|up[01])\.weight$/.test(name);

/** Kernels whose results are normalised: all but the last. */
export const isNormalised = (name: string): boolean => name.endsWith('.weight') && name !== 'last.weight';

/**
 * Weights to start training from: kernels as He et al. 2015, scales 1, shifts 0.
 * @param normal draws from the standard normal distribution
 */
export function initialStyleNetwork(shape: StyleNetworkShape, normal: () => number): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const [name, dims] of styleNetworkParameters(shape)) {
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
export function styleNetworkShapeOf(
  weights: ReadonlyMap<string, WeightTensor>,
  fileName = 'The network',
): StyleNetworkShape {
  const dims = (name: string) => weights.get(name)?.shape ?? [];
  let blocks = 0;
  while (weights.has(`residual${blocks + 1}a.weight`)) blocks++;
  const [quarter = 0, half = 0] = dims('down2.weight');
  const [eighth] = dims('down3.weight');
  const [, full = 0] = dims('down1.weight');
  const [, , first = 0] = dims('first.weight');
  const [, , last = 0] = dims('last.weight');
  const [styles = 0] = dims('first.scale');
  const channels: StyleNetworkShape['channels'] = eighth ? [full, half, quarter, eighth] : [full, half, quarter];
  const shape: StyleNetworkShape = { channels, blocks, kernels: [first, last], styles };
  const expected = styleNetworkParameters(shape);
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
