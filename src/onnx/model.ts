import { type OpName, onlyInput, type Shape, type Tensor, topologicalOrder } from '../graph/tensor.js';
import { type ComputedOp, type Emitter, emitters } from './emitters.js';
import { emitInt8Conv, type Int8Conv } from './int8.js';
import { inputInfo, modelProto, outputInfo } from './messages.js';
import { encode } from './protobuf.js';
import { emitWeights, type StoredWeights } from './weights.js';
import { ModelWriter } from './writer.js';

/** A model as bytes, with the names and shapes by which a session is fed. */
export interface Model {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

/** What a model that is kept as a file holds besides its graph. */
export interface EmitOptions {
  /** Values of inputs of the graph: they become initialisers under their names. */
  readonly weights?: ReadonlyMap<string, StoredWeights>;
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
  const int8Of = (node: Tensor): Int8Conv | undefined =>
    int8.size > 0 && isOp(node, 'Conv') ? int8.get(onlyInput(node.inputs[1]!) ?? '') : undefined;
  // A kernel that is written in integers is not computed.
  const order = topologicalOrder(Object.values(outputs), (node) =>
    int8Of(node) ? node.inputs.slice(0, 1) : node.inputs,
  );
  const inputNames = order.flatMap((node) => (isOp(node, 'Input') ? [node.attributes.name] : []));
  requireDifferent([...Object.keys(outputs), ...inputNames]);
  const writer = new ModelWriter(new Set([...Object.keys(outputs), ...inputNames]));
  const outputName = firstNames(outputs);
  const inputs: Record<string, Shape> = {};

  for (const node of order) {
    if (isOp(node, 'Input')) {
      const { name } = node.attributes;
      const values = weights.get(name);
      if (!values) inputs[name] = node.shape;
      writer.setName(node, values ? emitWeights(name, node.shape, values, writer) : name);
    } else if (isOp(node, 'Constant')) {
      writer.setName(node, emitConstant(node, writer));
    } else {
      const name = outputName.get(node) ?? writer.newName();
      writer.setName(node, name);
      const conv = int8Of(node);
      if (conv) emitInt8Conv(node as Tensor<'Conv'>, conv, name, writer);
      else emit(node, name, writer);
    }
  }
  for (const [name, t] of Object.entries(outputs)) {
    const source = writer.nameOf(t);
    if (source !== name) writer.node('Identity', [source], name);
  }

  const outputShapes = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.shape]));
  const isFree = (name: string) => anySize.includes(name);
  const graph = writer.graph(
    Object.entries(inputs).map(([name, shape]) => inputInfo(name, shape, isFree(name))),
    Object.entries(outputShapes).map(([name, shape]) => outputInfo(name, shape, isFree(name))),
  );
  return { bytes: encode(modelProto(graph, writer.opsets, metadata)), inputs, outputs: outputShapes };
}

const isOp = <K extends OpName>(node: Tensor, op: K): node is Tensor<K> => node.op === op;

function emit(node: Tensor, name: string, writer: ModelWriter): void {
  const emitter = emitters[node.op as ComputedOp] as Emitter<ComputedOp>;
  emitter(node as Tensor<ComputedOp>, name, writer);
}

function emitConstant({ data, shape }: Tensor<'Constant'>, writer: ModelWriter): string {
  // Weights are large: no copy where none is needed.
  const values = data instanceof Float32Array ? data : Float32Array.from(data!);
  return values.length === 1 ? writer.float32s([values[0]!], shape) : writer.constant('FLOAT', shape, values);
}

/** The name of each computed output; of several, the first. */
function firstNames(outputs: Readonly<Record<string, Tensor>>): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  for (const [name, t] of Object.entries(outputs)) if (!names.has(t)) names.set(t, name);
  return names;
}

function requireDifferent(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`Two inputs or outputs are called '${twice}'.`);
}
