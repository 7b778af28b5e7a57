import type { OpName, Shape, Tensor } from '../graph/tensor.js';
import { int, ints, real, text } from './messages.js';
import type { Message } from './protobuf.js';
import type { ModelWriter } from './writer.js';

/** What a node computes; inputs and constants are there already. */
export type ComputedOp = Exclude<OpName, 'Input' | 'Constant'>;

/** Writes one op of the graph in ONNX's words, so that its result has the name. */
export type Emitter<K extends ComputedOp> = (node: Tensor<K>, name: string, writer: ModelWriter) => void;

/** ONNX's op of the same name and inputs, with attributes made of ours. */
const as =
  <K extends ComputedOp>(attributes: (node: Tensor<K>) => readonly Message[]): Emitter<K> =>
  (node, name, writer) =>
    writer.node(node.op, writer.namesOf(node.inputs), name, attributes(node));

/** The same in both. */
const same = as(() => []);

/** The same op, with more inputs: what our node carries as attributes and ONNX as tensors. */
const withInputs =
  <K extends ComputedOp>(
    more: (node: Tensor<K>, writer: ModelWriter) => readonly string[],
    attributes: (node: Tensor<K>) => readonly Message[] = () => [],
  ): Emitter<K> =>
  (node, name, writer) =>
    writer.node(node.op, [...writer.namesOf(node.inputs), ...more(node, writer)], name, attributes(node));

/** op → how it is written. */
export const emitters: { readonly [K in ComputedOp]: Emitter<K> } = {
  Conv: as((y) => convAttributes(y)),

  MaxPool: as(({ attributes: { kernel } }) => [ints('kernel_shape', kernel), ints('strides', kernel)]),
  AveragePool: as(({ attributes: { kernel, strides } }) => [ints('kernel_shape', kernel), ints('strides', strides)]),

  Resize: withInputs(
    // The empty name is the region of interest, which only another mode needs.
    (y, writer) => ['', writer.float32s([1, 1, ...y.attributes.scales], [4])],
    () => [
      text('mode', 'nearest'),
      text('coordinate_transformation_mode', 'asymmetric'),
      text('nearest_mode', 'floor'),
    ],
  ),

  DepthToSpace: (y, name, writer) => {
    // As two transpositions, of columns and of rows: ONNX Runtime has the op itself in one thread only.
    const x = writer.nameOf(y.inputs[0]!);
    const { blocksize } = y.attributes;
    const [n, channels] = y.shape as [number, number];
    // The width may be any.
    const shape = writer.step('Shape', [x], `${name} shape`);
    const width = writer.step('Slice', [shape, writer.int64s([3]), writer.int64s([4])], `${name} narrow`);
    const wide = writer.step('Mul', [width, writer.int64s([blocksize])], `${name} wide`);
    const dims = (part: string, before: Shape) =>
      writer.step('Concat', [writer.int64s(before), wide], `${name} of ${part}`, [int('axis', 0)]);
    const blocks = writer.step('Reshape', [x, writer.int64s([n, blocksize, blocksize, -1])], `${name} blocks`);
    const columns = writer.step('Transpose', [blocks], `${name} columns`, [ints('perm', [0, 1, 3, 2])]);
    const rows = writer.step('Reshape', [columns, dims('rows', [n, blocksize, -1])], `${name} rows`);
    const pixels = writer.step('Transpose', [rows], `${name} pixels`, [ints('perm', [0, 2, 1, 3])]);
    writer.node('Reshape', [pixels, dims('pixels', [n, channels, -1])], name);
  },

  Pad: withInputs(
    ({ attributes: { before, after } }, writer) => [writer.int64s([...before, ...after])],
    (y) => [text('mode', y.attributes.mode)],
  ),

  InstanceNormalization: as((y) => [real('epsilon', y.attributes.epsilon)]),

  MatMul: (y, name, writer) => {
    const factors = writer.namesOf(y.inputs);
    // Without FusedMatMul the transposed factor would exist twice.
    if (y.attributes.transA) writer.contributed('FusedMatMul', factors, name, [int('transA', 1)]);
    else writer.node('MatMul', factors, name);
  },
  Gemm: as(({ attributes: { transA, transB } }) => [int('transA', Number(transA)), int('transB', Number(transB))]),

  Transpose: as((y) => [ints('perm', y.attributes.perm)]),
  Reshape: withInputs((y, writer) => [writer.int64s(y.shape)]),
  Expand: withInputs((y, writer) => [writer.int64s(y.shape)]),

  Slice: withInputs((y, writer) => {
    const { starts, steps } = y.attributes;
    const ends = y.shape.map((length, axis) => {
      const end = starts[axis]! + length * steps[axis]!;
      // Below zero ONNX counts from the end; past the first element is "less than minus the length".
      return end < 0 ? -y.inputs[0]!.shape[axis]! - 1 : end;
    });
    const axes = starts.map((_, axis) => axis);
    return [starts, ends, axes, steps].map((values) => writer.int64s(values));
  }),

  CropLike: (y, name, writer) => {
    const [x, like] = writer.namesOf(y.inputs) as [string, string];
    const { start } = y.attributes;
    const shape = writer.step('Shape', [like], `${name} shape`);
    const size = writer.step('Slice', [shape, writer.int64s([2]), writer.int64s([4])], `${name} size`);
    const end = writer.step('Add', [size, writer.int64s(start)], `${name} end`);
    writer.node('Slice', [x, writer.int64s(start), end, writer.int64s([2, 3])], name);
  },

  Concat: as((y) => [int('axis', y.attributes.axis)]),

  Add: same,
  Sub: same,
  Mul: same,
  Div: same,
  Max: same,
  Min: same,

  Neg: same,
  Abs: same,
  Sign: same,
  Sqrt: same,
  Exp: same,
  Log: same,
  Tanh: same,
  Sigmoid: same,
  Relu: same,
  HardSigmoid: as(({ attributes: { alpha, beta } }) => [real('alpha', alpha), real('beta', beta)]),
  Clip: withInputs(({ attributes: { min, max } }, writer) => [writer.float32s([min], []), writer.float32s([max], [])]),

  Greater: same,
  Equal: same,
  Where: same,

  // Opset 13 takes the axes of a sum as a tensor, and those of a mean as an attribute.
  ReduceSum: withInputs(
    (y, writer) => [writer.int64s(y.attributes.axes)],
    () => [int('keepdims', 1)],
  ),
  ReduceMean: as((y) => [ints('axes', y.attributes.axes), int('keepdims', 1)]),
};

/** Of a convolution, in whatever numbers it is computed. */
export function convAttributes(y: Tensor<'Conv'>): readonly Message[] {
  const { strides, pads } = y.attributes;
  return [ints('kernel_shape', y.inputs[1]!.shape.slice(2)), ints('strides', strides), ints('pads', pads)];
}
