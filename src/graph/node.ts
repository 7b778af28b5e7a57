import { FauveError } from '../errors.js';
import { evaluateNode } from './evaluate.js';
import {
  checkShape,
  constant,
  type DType,
  formatShape,
  type OpAttributes,
  type OpName,
  type Shape,
  sizeOf,
  type Tensor,
} from './tensor.js';

/** A constant that is repeated more often stays as it is: what uses it repeats it on the way. */
const LARGEST_REPEATED = 4096;

const MOVES_ONLY: ReadonlySet<OpName> = new Set(['Transpose', 'Reshape', 'Slice', 'Concat', 'Pad', 'Expand', 'Resize']);

/** One node; one whose inputs are all constants is computed at once, so that a rotated kernel ends up as an initialiser. */
export function make<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
  shape: Shape,
  dtype: DType = 'float32',
): Tensor {
  checkShape(op, shape);
  const node: Tensor<K> = Object.freeze({ op, inputs, attributes, shape, dtype });
  const repeats = op === 'Expand' && sizeOf(shape) > LARGEST_REPEATED;
  if (dtype === 'float32' && inputs.every((t) => t.op === 'Constant') && !repeats) {
    const data = evaluateNode(
      node,
      inputs.map((t) => t.data!),
    );
    const lossless = inputs.every((t) => t.data instanceof Float32Array) && MOVES_ONLY.has(op);
    return constant(lossless ? Float32Array.from(data) : data, shape);
  }
  return node;
}

export function fail(op: OpName, message: string): never {
  throw new FauveError('input', `${op}: ${message}`);
}

/** The shape of a tensor of four axes. */
export function rank4(op: OpName, t: Tensor, layout = '[N,C,H,W]'): readonly [number, number, number, number] {
  requireRank(op, t, 4, layout);
  return t.shape as readonly [number, number, number, number];
}

/** Rows and columns of a matrix, as they are once it is transposed if it is to be. */
export function rank2(op: OpName, t: Tensor, layout: string, transposed: boolean): readonly [number, number] {
  requireRank(op, t, 2, layout);
  const [rows, columns] = t.shape as readonly [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

function requireRank(op: OpName, t: Tensor, rank: number, layout: string): void {
  if (t.shape.length !== rank) fail(op, `expected a ${layout} tensor, received shape ${formatShape(t.shape)}.`);
}
