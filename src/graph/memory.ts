import { sizeOf, type Tensor, topologicalOrder } from './tensor.js';

/** Bytes that a graph needs as float32. */
export interface MemoryNeed {
  /** Weights and other constants. */
  readonly constants: number;
  /** The most that values between the ops take at one time, when each is freed after its last use. */
  readonly activations: number;
}

/** Ops that ONNX Runtime computes in place when nobody else needs their input, or that only look at the same values differently. */
const IN_PLACE = new Set(['Relu', 'Add', 'Sub', 'Mul', 'Div', 'Reshape', 'Clip', 'HardSigmoid', 'Neg', 'Sqrt', 'Abs']);

/** What running the graph needs, from the shapes alone, op by op in the order in which they are emitted. */
export function memoryNeed(outputs: readonly Tensor[]): MemoryNeed {
  const order = topologicalOrder(outputs);
  const lastUse = new Map<Tensor, number>();
  for (const [index, node] of order.entries()) for (const x of node.inputs) lastUse.set(x, index);
  for (const output of outputs) lastUse.set(output, order.length);

  let [constants, live, activations] = [0, 0, 0];
  for (const [index, node] of order.entries()) {
    const bytes = 4 * sizeOf(node.shape);
    if (node.op === 'Constant') {
      constants += bytes;
      continue;
    }
    const dying = [...new Set(node.inputs)].filter((x) => x.op !== 'Constant' && lastUse.get(x) === index);
    const freed = dying.reduce((sum, x) => sum + 4 * sizeOf(x.shape), 0);
    const reused = IN_PLACE.has(node.op) && dying.some((x) => sizeOf(x.shape) === sizeOf(node.shape));
    live += bytes;
    activations = Math.max(activations, reused ? live - bytes : live);
    live -= freed;
  }
  return { constants, activations };
}
