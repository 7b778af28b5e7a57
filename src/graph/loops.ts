import { type Shape, sizeOf, stridesOf, type Tensor } from './tensor.js';

/** The loops that several ops of the reference share. */

export type Values = Float32Array | Float64Array;

export function shape4(t: Tensor): [number, number, number, number] {
  return t.shape as unknown as [number, number, number, number];
}

export function offset(index: readonly number[], strides: readonly number[]): number {
  let at = 0;
  for (let axis = 0; axis < strides.length; axis++) at += index[axis]! * strides[axis]!;
  return at;
}

/** Calls back with every index of a shape in row-major order. The array is reused. */
function visit(shape: Shape, callback: (index: readonly number[], at: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let at = 0; at < size; at++) {
    callback(index, at);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
}

/** A function of each place. */
export function fill(shape: Shape, out: Float64Array, value: (index: readonly number[]) => number): Float64Array {
  visit(shape, (index, at) => {
    out[at] = value(index);
  });
  return out;
}

/** Copies with arbitrary source strides: the one loop behind Transpose, Slice and Expand. */
export function gather(
  shape: Shape,
  out: Float64Array,
  x: Values,
  start: number,
  strides: readonly number[],
): Float64Array {
  return fill(shape, out, (index) => x[start + offset(index, strides)]!);
}

/** Strides of `shape` as seen from `target`: 0 along the axes that broadcast. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  return target.map((_, axis) => {
    const own = axis - target.length + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : strides[own]!;
  });
}

/** A function of the values at each place; a smaller input's are repeated. */
export function elementwise(
  node: Tensor,
  inputs: readonly Values[],
  out: Float64Array,
  f: (a: number, b: number, c: number) => number,
): Float64Array {
  const strides = node.inputs.map((t) => broadcastStrides(t.shape, node.shape));
  return fill(node.shape, out, (index) => {
    const [a, b, c] = inputs.map((values, i) => values[offset(index, strides[i]!)]!);
    return f(a!, b!, c!);
  });
}

/** A function of the values in each window. */
export function pool(
  node: Tensor<'MaxPool'> | Tensor<'AveragePool'>,
  x: Values,
  out: Float64Array,
  reduce: (window: number[]) => number,
): Float64Array {
  const [kh, kw] = node.attributes.kernel;
  const [sh, sw] = node.op === 'AveragePool' ? (node as Tensor<'AveragePool'>).attributes.strides : [kh, kw];
  const strides = stridesOf(node.inputs[0]!.shape);
  return fill(node.shape, out, ([n, c, h, w]) => {
    const window: number[] = [];
    for (let u = 0; u < kh; u++)
      for (let v = 0; v < kw; v++) window.push(x[offset([n!, c!, h! * sh + u, w! * sw + v], strides)]!);
    return reduce(window);
  });
}

/** Sums over the axes that have length 1 in the result, each value divided first. */
export function reduce(node: Tensor, x: Values, out: Float64Array, divisor: number): Float64Array {
  const strides = broadcastStrides(node.shape, node.inputs[0]!.shape);
  visit(node.inputs[0]!.shape, (index, at) => {
    out[offset(index, strides)]! += x[at]! / divisor;
  });
  return out;
}
