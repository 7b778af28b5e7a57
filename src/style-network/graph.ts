import { FauveError } from '../errors.js';
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
import { constant, type Tensor } from '../graph/tensor.js';
import { hasShift, type StyleNetworkShape, styleNetworkMargins } from './shape.js';

/**
 * A style network (Johnson et al. 2016, supplement): a convolution, two with stride 2, residual blocks, two enlargements by
 * nearest neighbours, each with a convolution (no transposed ones: they leave checkerboards; Odena et al. 2016), and a last
 * convolution with tanh. The border is mirrored, once, or brought along. The normalisation is conditional on the style (Dumoulin et al.
 * 2017): each style is a row of scales and shifts, and a mixture of styles is a mixture of rows.
 * @param image [N,3,H,W], RGB in [0,1], any size from {@link styleNetworkMinimumSize} on
 * @param style [N,S], weights of the styles, which add up to 1; a network of one style needs none
 * @param parameter by name: {@link styleNetworkParameters}
 * @param surrounded the image with what lies around it, as wide as {@link styleNetworkMargins}; by default it is mirrored
 * @returns the picture, [N,3,H,W], RGB in (0,1)
 */
export function styleNetwork(
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
    throw new FauveError('request', `The network has ${styles} styles. Say which: [N,${styles}].`);
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

const filled = (value: number, width: number) => constant(new Float32Array(width).fill(value), [width]);
