import type { Shape, Tensor } from '../graph/tensor.js';
import { type DataType, graphProto, nodeProto, tensorProto } from './messages.js';
import type { Message, NumberArray } from './protobuf.js';

/**
 * Opset 13 is the newest whose Resize ONNX Runtime keeps in its blocked layout, and it has all that the graph needs.
 * https://github.com/onnx/onnx/blob/main/docs/Operators.md
 */
const OPSET = 13;
/** Ops that ONNX Runtime has beside ONNX. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
const CONTRIBUTED = 'com.microsoft';

/** Writes an ONNX graph: its nodes, the values that it holds, and the name of each. */
export class ModelWriter {
  readonly #nodes: Message[] = [];
  readonly #initialisers: Message[] = [];
  readonly #names = new Map<Tensor, string>();
  /** Small constants by what is in them: equal ones are written once. */
  readonly #shared = new Map<string, string>();
  readonly #opsets = new Map([['', OPSET]]);

  /** @param reserved names that the caller gave to inputs and outputs */
  constructor(private readonly reserved: ReadonlySet<string>) {}

  /** Domain → version, of all ops that were written. */
  get opsets(): ReadonlyMap<string, number> {
    return this.#opsets;
  }

  /** The name of a tensor that was written before. */
  nameOf(t: Tensor): string {
    return this.#names.get(t)!;
  }

  namesOf(tensors: readonly Tensor[]): string[] {
    return tensors.map((t) => this.nameOf(t));
  }

  setName(t: Tensor, name: string): void {
    this.#names.set(t, name);
  }

  /** A name for the next tensor. */
  newName(): string {
    return this.unique(`t${this.#names.size}`);
  }

  /** The name, changed where it is also the caller's. */
  unique(name: string): string {
    return this.reserved.has(name) ? this.unique(`${name}_`) : name;
  }

  /** A node whose result has this very name. */
  node(op: string, inputs: readonly string[], output: string, attributes: readonly Message[] = []): void {
    this.#nodes.push(nodeProto({ op, inputs, output, attributes, domain: '' }));
  }

  /** A node of an op that is not of ONNX, but of every ONNX Runtime. */
  contributed(op: string, inputs: readonly string[], output: string, attributes: readonly Message[] = []): void {
    this.#nodes.push(nodeProto({ op, inputs, output, attributes, domain: CONTRIBUTED }));
    this.#opsets.set(CONTRIBUTED, 1);
  }

  /** A node in between, whose result only this graph sees. @returns the name of the result */
  step(op: string, inputs: readonly string[], wish: string, attributes: readonly Message[] = []): string {
    const output = this.unique(wish);
    this.node(op, inputs, output, attributes);
    return output;
  }

  /** A value that the model holds under this very name. */
  stored(name: string, type: DataType, shape: Shape, values: NumberArray): void {
    this.#initialisers.push(tensorProto(name, type, shape, values));
  }

  /** A value that the model holds. @returns its name */
  constant(type: DataType, shape: Shape, values: NumberArray): string {
    const name = this.unique(`c${this.#initialisers.length}`);
    this.stored(name, type, shape, values);
    return name;
  }

  /** A list of whole numbers, as ONNX wants shapes and axes. @returns its name */
  int64s(values: Shape): string {
    return this.#once(`i${values.join()}`, () =>
      this.constant('INT64', [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  /** A few floats. @returns their name */
  float32s(values: readonly number[], shape: Shape): string {
    return this.#once(`f${values.join()}/${shape.join()}`, () =>
      this.constant('FLOAT', shape, Float32Array.from(values)),
    );
  }

  /** The whole graph. @param inputs and outputs as messages */
  graph(inputs: readonly Message[], outputs: readonly Message[]): Message {
    return graphProto(this.#nodes, this.#initialisers, inputs, outputs);
  }

  #once(key: string, write: () => string): string {
    const name = this.#shared.get(key) ?? write();
    this.#shared.set(key, name);
    return name;
  }
}
