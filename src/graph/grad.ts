import { FauveError } from '../errors.js';
import { add, reduceSum, reshape } from './ops.js';
import { formatShape, type OpName, type Shape, sameShape, scalar, type Tensor, topologicalOrder } from './tensor.js';
import { vjps } from './vjps.js';

/**
 * Reverse-mode differentiation: the gradients of a scalar with respect to the given tensors, as new nodes of the graph.
 * @param output a scalar of shape []
 * @param wrt tensors that the scalar depends on: inputs, weights or anything between
 * @throws FauveError when the output is not a scalar or does not depend on one of them
 */
export function grad(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (output.shape.length !== 0) {
    throw new FauveError(
      'input',
      `grad needs a scalar of shape [], received ${formatShape(output.shape)}. Use mean or sum.`,
    );
  }
  const order = topologicalOrder([output]);
  const needed = new Set<Tensor>(wrt);
  for (const node of order) if (node.inputs.some((t) => needed.has(t))) needed.add(node);

  const gradients = new Map<Tensor, Tensor>([[output, scalar(1)]]);
  for (const node of order.toReversed()) {
    const dy = gradients.get(node);
    if (!dy || !needed.has(node)) continue;
    const rule = vjps[node.op] as (y: Tensor<OpName>, dy: Tensor) => readonly ((() => Tensor) | null)[];
    const parts = rule(node, dy);
    node.inputs.forEach((x, i) => {
      const make = needed.has(x) ? parts[i] : null;
      if (!make) return;
      const part = unbroadcast(make(), x.shape);
      const sum = gradients.get(x);
      gradients.set(x, sum ? add(sum, part) : part);
    });
  }
  return wrt.map((t) => {
    const gradient = gradients.get(t);
    if (!gradient)
      throw new FauveError(
        'input',
        `grad: the output does not depend on the ${t.op} of shape ${formatShape(t.shape)}.`,
      );
    return gradient;
  });
}

/** Sums over the axes along which a value was repeated. */
function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((dim, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  );
  return reshape(reduceSum(gradient, axes), shape);
}
