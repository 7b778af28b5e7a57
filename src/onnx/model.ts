import { type OpName, onlyInput, type Shape, type Tensor, topologicalOrder } from '../graph/tensor.js';
import type { Int8Conv, RoundedKernel } from './int8.js';
import {
  bytes,
  encode,
  float,
  integer,
  integers,
  littleEndian,
  type Message,
  message,
  type NumberArray,
  string,
} from './protobuf.js';

/**
 * Opset 13 is the newest whose Resize ONNX Runtime keeps in its blocked layout, and it has all that the graph needs.
 * https://github.com/onnx/onnx/blob/main/docs/Operators.md
 */
const OPSET = 13;
const IR_VERSION = 8;
/** Ops that ONNX Runtime has beside ONNX. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
const CONTRIBUTED = 'com.microsoft';
const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT32 = 6;
const INT64 = 7;
const FLOAT16 = 10;

/** A model as bytes, with the names and shapes by which a session is fed. */
export interface Model {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

/** What a model that is kept as a file holds besides its graph. */
export interface EmitOptions {
  /** Values of inputs of the graph, as 16-bit floats or rounded kernels: they become initialisers under their names. */
  readonly weights?: ReadonlyMap<string, Uint16Array | RoundedKernel>;
  /** Convolutions to compute in 8-bit integers, by the name of the input of the graph that their kernel is made of. */
  readonly int8?: ReadonlyMap<string, Int8Conv>;
  /**
   * Inputs and outputs whose height and width (the last two axes) may be any. The graph has to compute the same for every size: it
   * has no reshape, slice or expand that depends on them.
   */
  readonly anySize?: readonly string[];
  /** `metadata_props`, in the order of their keys. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes the graph that computes the named outputs as an ONNX ModelProto.
 * Values are float32; constants become initialisers. An output that is an input or a constant goes through an Identity.
 */
export function emitModel(
  outputs: Readonly<Record<string, Tensor>>,
  { weights = new Map(), int8 = new Map(), anySize = [], metadata = {} }: EmitOptions = {},
): Model {
  const names = new Map<Tensor, string>();
  const nodes: Message[] = [];
  let contributed = false;
  const initialisers: Message[] = [];
  const inputs: Record<string, Shape> = {};
  const shared = new Map<string, string>();

  const int8Of = (node: Tensor): Int8Conv | undefined =>
    int8.size > 0 && node.op === 'Conv' ? int8.get(onlyInput(node.inputs[1]!) ?? '') : undefined;
  // A kernel that is written in integers is not computed.
  const order = topologicalOrder(Object.values(outputs), (node) =>
    int8Of(node) ? node.inputs.slice(0, 1) : node.inputs,
  );
  const given = new Set(Object.keys(outputs));
  for (const node of order) if (node.op === 'Input') given.add((node as Tensor<'Input'>).attributes.name);
  /** A name of our own that is not also the caller's. */
  const unique = (name: string): string => (given.has(name) ? unique(`${name}_`) : name);

  const initialiser = (key: string, type: number, shape: Shape, data: Uint8Array): string => {
    const known = shared.get(key);
    if (known) return known;
    const name = unique(`c${initialisers.length}`);
    shared.set(key, name);
    initialisers.push(message(5, integers(1, shape), integer(2, type), string(8, name), bytes(9, data)));
    return name;
  };
  const int64s = (values: Shape): string =>
    initialiser(`i${values.join()}`, INT64, [values.length], littleEndian(BigInt64Array.from(values, BigInt)));
  const float32s = (values: readonly number[], shape: Shape): string =>
    initialiser(`f${values.join()}/${shape.join()}`, FLOAT, shape, littleEndian(Float32Array.from(values)));

  const wanted = new Map<Tensor, string>();
  for (const [name, t] of Object.entries(outputs)) {
    if (t.op !== 'Input' && t.op !== 'Constant' && !wanted.has(t)) wanted.set(t, name);
  }

  const emitInt8 = (node: Tensor<'Conv'>, conv: Int8Conv, name: string, attributes: readonly Message[]): void => {
    const [x, kernel] = node.inputs as [Tensor, Tensor];
    const add = (part: string, type: number, shape: Shape, data: NumberArray) =>
      initialiser(`${name} ${part}`, type, shape, littleEndian(data));
    const channels = kernel.shape[0]!;
    const input = [
      add('input scale', FLOAT, [], Float32Array.of(conv.inputScale)),
      add('input zero', UINT8, [], Uint8Array.of(conv.inputZero)),
    ];
    const output = [
      add('output scale', FLOAT, [], Float32Array.of(conv.outputScale)),
      add('output zero', UINT8, [], Uint8Array.of(conv.outputZero)),
    ];
    const weighed = [
      add('kernel', INT8, kernel.shape, conv.kernel),
      add('kernel scales', FLOAT, [channels], conv.kernelScales),
      add('kernel zeros', INT8, [channels], new Int8Array(channels)),
    ];
    const bias = add('bias', INT32, [channels], conv.bias);
    const [before, after] = [unique(`${name} in`), unique(`${name} out`)];
    nodes.push(nodeProto('QuantizeLinear', [names.get(x)!, ...input], before, []));
    nodes.push(nodeProto('QLinearConv', [before, ...input, ...weighed, ...output, bias], after, attributes));
    nodes.push(nodeProto('DequantizeLinear', [after, ...output], name, []));
  };

  /** As two transpositions, of columns and of rows: ONNX Runtime has the op itself in one thread only. */
  const emitDepthToSpace = (node: Tensor<'DepthToSpace'>, name: string): void => {
    const x = names.get(node.inputs[0]!)!;
    const { blocksize } = node.attributes;
    const [n, channels] = node.shape as [number, number];
    const step = (op: string, part: string, args: readonly string[], attributes: readonly Message[] = []): string => {
      const result = part === '' ? name : unique(`${name} ${part}`);
      nodes.push(nodeProto(op, args, result, attributes));
      return result;
    };
    // The width may be any.
    const width = step('Slice', 'narrow', [step('Shape', 'shape', [x]), int64s([3]), int64s([4])]);
    const wide = step('Mul', 'wide', [width, int64s([blocksize])]);
    const dims = (part: string, before: Shape) => step('Concat', part, [int64s(before), wide], [int('axis', 0)]);
    const blocks = step('Reshape', 'blocks', [x, int64s([n, blocksize, blocksize, -1])]);
    const columns = step('Transpose', 'columns', [blocks], [ints('perm', [0, 1, 3, 2])]);
    const rows = step('Reshape', 'rows', [columns, dims('of rows', [n, blocksize, -1])]);
    const pixels = step('Transpose', 'pixels', [rows], [ints('perm', [0, 2, 1, 3])]);
    step('Reshape', '', [pixels, dims('of pixels', [n, channels, -1])]);
  };

  const stored = (name: string, type: number, shape: Shape, values: NumberArray): string => {
    initialisers.push(
      message(5, integers(1, shape), integer(2, type), string(8, name), bytes(9, littleEndian(values))),
    );
    const wide = unique(`${name} float32`);
    nodes.push(nodeProto('Cast', [name], wide, [int('to', FLOAT)]));
    return wide;
  };
  const emitWeights = (name: string, shape: Shape, values: Uint16Array | RoundedKernel): string => {
    if (values instanceof Uint16Array) return stored(name, FLOAT16, shape, values);
    // Not DequantizeLinear: the engine would compute that anew for each picture, and the convolution slowly from what it gives.
    const factors = [stored(name, INT8, shape, values.values)];
    factors.push(stored(scaleName(name), FLOAT16, [shape[0]!, 1, 1, 1], values.scales));
    const scaled = unique(`${name} scaled`);
    nodes.push(nodeProto('Mul', factors, scaled, []));
    return scaled;
  };

  for (const node of order) {
    if (node.op === 'Input') {
      const { name } = (node as Tensor<'Input'>).attributes;
      if (inputs[name] || outputs[name]) throw new Error(`Two inputs or outputs are called '${name}'.`);
      const values = weights.get(name);
      if (values) {
        names.set(node, emitWeights(name, node.shape, values));
        continue;
      }
      inputs[name] = node.shape;
      names.set(node, name);
      continue;
    }
    if (node.data) {
      const values = node.data instanceof Float32Array ? node.data : Float32Array.from(node.data);
      const name =
        values.length === 1
          ? float32s([values[0]!], node.shape)
          : initialiser(`t${names.size}`, FLOAT, node.shape, littleEndian(values));
      names.set(node, name);
      continue;
    }
    const name = wanted.get(node) ?? unique(`t${names.size}`);
    names.set(node, name);
    if (node.op === 'CropLike') {
      const [x, like] = node.inputs.map((t) => names.get(t)!) as [string, string];
      const [shape, size] = [unique(`${name} shape`), unique(`${name} size`)];
      nodes.push(nodeProto('Shape', [like], shape, []));
      nodes.push(nodeProto('Slice', [shape, int64s([2]), int64s([4])], size, []));
      const { start } = (node as Tensor<'CropLike'>).attributes;
      const end = unique(`${name} end`);
      nodes.push(nodeProto('Add', [size, int64s(start)], end, []));
      nodes.push(nodeProto('Slice', [x, int64s(start), end, int64s([2, 3])], name, []));
      continue;
    }
    if (node.op === 'DepthToSpace') {
      emitDepthToSpace(node as Tensor<'DepthToSpace'>, name);
      continue;
    }
    const { extra, attributes } = emitOp(node, int64s, float32s);
    const quantised = int8Of(node);
    if (quantised) {
      emitInt8(node as Tensor<'Conv'>, quantised, name, attributes);
      continue;
    }
    const args = [...node.inputs.map((t) => names.get(t)!), ...extra];
    const { transA } = (node as Tensor<'MatMul'>).attributes;
    if (node.op === 'MatMul' && transA) {
      // Not of ONNX, but of every ONNX Runtime: without it the transposed factor would exist twice.
      nodes.push(nodeProto('FusedMatMul', args, name, [int('transA', 1)], CONTRIBUTED));
      contributed = true;
      continue;
    }
    nodes.push(nodeProto(node.op, args, name, attributes));
  }
  for (const [name, t] of Object.entries(outputs)) {
    if (names.get(t) !== name) nodes.push(nodeProto('Identity', [names.get(t)!], name, []));
  }

  const outputShapes = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.shape]));
  const graph = message(
    7,
    ...nodes,
    string(2, 'fauve'),
    ...initialisers,
    ...Object.entries(inputs).map(([name, shape]) => valueInfo(11, name, shape, anySize.includes(name))),
    ...Object.entries(outputShapes).map(([name, shape]) => valueInfo(12, name, shape, anySize.includes(name))),
  );
  const opsets = [
    message(8, string(1, ''), integer(2, OPSET)),
    ...(contributed ? [message(8, string(1, CONTRIBUTED), integer(2, 1))] : []),
  ];
  const properties = Object.keys(metadata)
    .sort()
    .map((key) => message(14, string(1, key), string(2, metadata[key]!)));
  return {
    bytes: encode([...integer(1, IR_VERSION), ...string(2, 'fauve'), ...graph, ...opsets.flat(), ...properties.flat()]),
    inputs,
    outputs: outputShapes,
  };
}

/** The name under which the scales of a rounded kernel are stored. */
export const scaleName = (kernel: string): string => `${kernel} scale`;

interface Emission {
  /** Names of inputs that the graph carries as attributes and ONNX as tensors. */
  readonly extra: readonly string[];
  readonly attributes: readonly Message[];
}

const NOTHING: Emission = { extra: [], attributes: [] };

function emitOp(
  node: Tensor,
  int64s: (values: Shape) => string,
  float32s: (values: readonly number[], shape: Shape) => string,
): Emission {
  const t = node as { [K in OpName]: Tensor<K> }[OpName];
  switch (t.op) {
    case 'Conv': {
      const kernel = t.inputs[1]!.shape.slice(2);
      const { strides, pads } = t.attributes;
      return { extra: [], attributes: [ints('kernel_shape', kernel), ints('strides', strides), ints('pads', pads)] };
    }
    case 'MaxPool':
    case 'AveragePool': {
      const { kernel } = t.attributes;
      const strides = t.op === 'AveragePool' ? t.attributes.strides : kernel;
      return { extra: [], attributes: [ints('kernel_shape', kernel), ints('strides', strides)] };
    }
    case 'Resize': {
      return {
        extra: ['', float32s([1, 1, ...t.attributes.scales], [4])],
        attributes: [
          text('mode', 'nearest'),
          text('coordinate_transformation_mode', 'asymmetric'),
          text('nearest_mode', 'floor'),
        ],
      };
    }
    case 'Pad': {
      const { before, after, mode } = t.attributes;
      return { extra: [int64s([...before, ...after])], attributes: [text('mode', mode)] };
    }
    case 'InstanceNormalization':
      return { extra: [], attributes: [real('epsilon', t.attributes.epsilon)] };
    case 'Gemm': {
      const { transA, transB } = t.attributes;
      return { extra: [], attributes: [int('transA', Number(transA)), int('transB', Number(transB))] };
    }
    case 'Transpose':
      return { extra: [], attributes: [ints('perm', t.attributes.perm)] };
    case 'Reshape':
    case 'Expand':
      return { extra: [int64s(t.shape)], attributes: [] };
    case 'Slice': {
      const { starts, steps } = t.attributes;
      const ends = t.shape.map((length, axis) => {
        const end = starts[axis]! + length * steps[axis]!;
        // Below zero ONNX counts from the end; past the first element is "less than minus the length".
        return end < 0 ? -t.inputs[0]!.shape[axis]! - 1 : end;
      });
      return {
        extra: [int64s(starts), int64s(ends), int64s(starts.map((_, axis) => axis)), int64s(steps)],
        attributes: [],
      };
    }
    case 'Concat':
      return { extra: [], attributes: [int('axis', t.attributes.axis)] };
    case 'HardSigmoid':
      return { extra: [], attributes: [real('alpha', t.attributes.alpha), real('beta', t.attributes.beta)] };
    case 'Clip':
      return { extra: [float32s([t.attributes.min], []), float32s([t.attributes.max], [])], attributes: [] };
    case 'ReduceSum':
      return { extra: [int64s(t.attributes.axes)], attributes: [int('keepdims', 1)] };
    case 'ReduceMean':
      return { extra: [], attributes: [ints('axes', t.attributes.axes), int('keepdims', 1)] };
    default:
      return NOTHING;
  }
}

function nodeProto(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Message[],
  domain?: string,
): Message {
  const names = [...inputs.map((name) => string(1, name)), string(2, output), string(4, op)];
  return message(1, ...names, ...attributes, ...(domain ? [string(7, domain)] : []));
}

function valueInfo(field: number, name: string, shape: Shape, anySize: boolean): Message {
  const dims = shape.map((dim, axis) => {
    const free = anySize ? ['width', 'height'][shape.length - 1 - axis] : undefined;
    return message(1, free ? string(2, free) : integer(1, dim));
  });
  return message(field, string(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...dims))));
}

// AttributeProto: name 1, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7), f 2, i 3, s 4, ints 8.
const real = (name: string, value: number) => message(5, string(1, name), float(2, value), integer(20, 1));
const int = (name: string, value: number) => message(5, string(1, name), integer(3, value), integer(20, 2));
const text = (name: string, value: string) => message(5, string(1, name), string(4, value), integer(20, 3));
const ints = (name: string, values: Shape) =>
  message(5, string(1, name), ...values.map((value) => integer(8, value)), integer(20, 7));
