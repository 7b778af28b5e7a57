import { FauveError } from '../errors.js';

/** Element type of a tensor. Booleans only come from comparisons and only go into `Where`. */
export type DType = 'float32' | 'bool';

export type Shape = readonly number[];

/** `[vertical, horizontal]`. */
export type Pair = readonly [number, number];

/** Zero rows and columns added around a convolution's input: `[top, left, bottom, right]`. */
export type Pads = readonly [number, number, number, number];

export type PadMode = 'constant' | 'reflect' | 'edge';

type None = Record<never, never>;

/** What each op of the ONNX spec carries besides its inputs, in this graph's words. */
export interface OpAttributes {
  Input: { readonly name: string };
  Constant: None;
  Conv: { readonly strides: Pair; readonly pads: Pads };
  MaxPool: { readonly kernel: Pair };
  /** Strides are the kernel, whose windows touch, or 1, where they overlap. */
  AveragePool: { readonly kernel: Pair; readonly strides: Pair };
  Resize: { readonly scales: Pair };
  DepthToSpace: { readonly blocksize: number };
  Pad: { readonly mode: PadMode; readonly before: Shape; readonly after: Shape };
  InstanceNormalization: { readonly epsilon: number };
  MatMul: { readonly transA: boolean };
  Gemm: { readonly transA: boolean; readonly transB: boolean };
  Transpose: { readonly perm: Shape };
  Reshape: None;
  Expand: None;
  Slice: { readonly starts: Shape; readonly steps: Shape };
  /** Of this graph, not of ONNX, where it is a `Shape` and a `Slice`. */
  CropLike: { readonly start: Pair };
  Concat: { readonly axis: number };
  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Max: None;
  Min: None;
  Neg: None;
  Abs: None;
  Sign: None;
  Sqrt: None;
  Exp: None;
  Log: None;
  Tanh: None;
  Sigmoid: None;
  Relu: None;
  HardSigmoid: { readonly alpha: number; readonly beta: number };
  Clip: { readonly min: number; readonly max: number };
  Greater: None;
  Equal: None;
  Where: None;
  ReduceSum: { readonly axes: Shape };
  ReduceMean: { readonly axes: Shape };
}

export type OpName = keyof OpAttributes;

/** An immutable node of the graph: what computes it, from what, and the static shape that was checked when it was made. */
export interface Tensor<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly attributes: OpAttributes[K];
  readonly shape: Shape;
  readonly dtype: DType;
  /** Row-major values; only a `Constant` has them. */
  readonly data?: Float32Array | Float64Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(',')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Distance in elements between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** The shape of an elementwise result (numpy's rule, as in ONNX). @throws FauveError when the shapes do not broadcast. */
export function broadcastShape(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new FauveError('input', `${op}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast.`);
    }
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/** A value that is given at every run, by name. */
export function input(name: string, shape: Shape): Tensor<'Input'> {
  checkShape(`Input '${name}'`, shape);
  return Object.freeze({ op: 'Input', inputs: [], attributes: { name }, shape: [...shape], dtype: 'float32' });
}

/** A value that is known when the graph is made. The data is not copied: do not change it afterwards. */
export function constant(data: Float32Array | Float64Array, shape: Shape): Tensor<'Constant'> {
  checkShape('Constant', shape);
  if (data.length !== sizeOf(shape)) {
    throw new FauveError(
      'input',
      `Constant: shape ${formatShape(shape)} needs ${sizeOf(shape)} values, received ${data.length}.`,
    );
  }
  return Object.freeze({ op: 'Constant', inputs: [], attributes: {}, shape: [...shape], dtype: 'float32', data });
}

export function scalar(value: number): Tensor<'Constant'> {
  return constant(Float64Array.of(value), []);
}

/** All nodes that the outputs depend on, each once, inputs before users. */
export function topologicalOrder(
  outputs: readonly Tensor[],
  inputsOf: (node: Tensor) => readonly Tensor[] = (node) => node.inputs,
): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  // An explicit stack: a network of thousands of nodes must not overflow the call stack.
  const stack: { node: Tensor; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    stack.push({ node: output, next: 0 });
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      const child = inputsOf(frame.node)[frame.next++];
      if (child === undefined) {
        order.push(frame.node);
        stack.pop();
      } else if (!seen.has(child)) {
        seen.add(child);
        stack.push({ node: child, next: 0 });
      }
    }
  }
  return order;
}

/** The name of the one input that a tensor is computed from; `undefined` where there are several, or none. */
export function onlyInput(t: Tensor): string | undefined {
  const inputs = topologicalOrder([t]).filter(({ op }) => op === 'Input') as Tensor<'Input'>[];
  return inputs.length === 1 ? inputs[0]!.attributes.name : undefined;
}

/** @throws FauveError when a dimension is not a whole number of at least 1 */
export function checkShape(what: string, shape: Shape): void {
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 1)) {
    throw new FauveError(
      'input',
      `${what}: every dimension is a whole number of at least 1, received ${formatShape(shape)}.`,
    );
  }
}
