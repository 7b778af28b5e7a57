import type { Shape } from '../graph/tensor.js';
import {
  bytes,
  float,
  integer,
  integers,
  littleEndian,
  type Message,
  message,
  type NumberArray,
  string,
} from './protobuf.js';

/** The messages of ONNX and the numbers of their fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */

/** TensorProto.DataType, as far as it is used. */
export const dataTypes = Object.freeze({ FLOAT: 1, UINT8: 2, INT8: 3, INT32: 6, INT64: 7, FLOAT16: 10 });
export type DataType = keyof typeof dataTypes;

/** An AttributeProto: name 1, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7), and its value: f 2, i 3, s 4, ints 8. */
const attribute = (name: string, type: number, values: readonly Message[]): Message =>
  message(5, string(1, name), ...values, integer(20, type));

export const real = (name: string, value: number) => attribute(name, 1, [float(2, value)]);
export const int = (name: string, value: number) => attribute(name, 2, [integer(3, value)]);
export const text = (name: string, value: string) => attribute(name, 3, [string(4, value)]);
export const ints = (name: string, values: Shape) =>
  attribute(
    name,
    7,
    values.map((value) => integer(8, value)),
  );

/** One op of a graph. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: readonly Message[];
  /** Of the op; '' is ONNX itself. */
  readonly domain: string;
}

export function nodeProto({ op, inputs, output, attributes, domain }: Node): Message {
  const names = [...inputs.map((name) => string(1, name)), string(2, output), string(4, op)];
  return message(1, ...names, ...attributes, domain === '' ? [] : string(7, domain));
}

/** A value that the model holds. The values are not copied. */
export function tensorProto(name: string, type: DataType, shape: Shape, values: NumberArray): Message {
  return message(5, integers(1, shape), integer(2, dataTypes[type]), string(8, name), bytes(9, littleEndian(values)));
}

/** What goes into a graph, or comes out: its name and shape. With `anySize`, its last two axes may be of any length. */
function valueInfo(field: number, name: string, shape: Shape, anySize: boolean): Message {
  const dims = shape.map((dim, axis) => {
    const free = anySize ? ['width', 'height'][shape.length - 1 - axis] : undefined;
    return message(1, free ? string(2, free) : integer(1, dim));
  });
  return message(field, string(1, name), message(2, message(1, integer(1, dataTypes.FLOAT), message(2, ...dims))));
}

export const inputInfo = (name: string, shape: Shape, anySize: boolean) => valueInfo(11, name, shape, anySize);
export const outputInfo = (name: string, shape: Shape, anySize: boolean) => valueInfo(12, name, shape, anySize);

export const graphProto = (
  nodes: readonly Message[],
  initialisers: readonly Message[],
  inputs: readonly Message[],
  outputs: readonly Message[],
) => message(7, ...nodes, string(2, 'fauve'), ...initialisers, ...inputs, ...outputs);

const IR_VERSION = 8;

const opsetProto = (domain: string, version: number) => message(8, string(1, domain), integer(2, version));

/**
 * @param opsets domain → version
 * @param metadata `metadata_props`, in the order of their keys
 */
export function modelProto(
  graph: Message,
  opsets: ReadonlyMap<string, number>,
  metadata: Readonly<Record<string, string>>,
): Message {
  const properties = Object.keys(metadata)
    .sort()
    .map((key) => message(14, string(1, key), string(2, metadata[key]!)));
  return [
    integer(1, IR_VERSION),
    string(2, 'fauve'),
    graph,
    ...[...opsets].map(([domain, version]) => opsetProto(domain, version)),
    ...properties,
  ].flat();
}
