import { convInputGradient, convWeightGradient, padTo, unpad, unslice } from './adjoints.js';
import {
  add,
  averagePool,
  div,
  equal,
  expand,
  gemm,
  greater,
  hardSigmoid,
  matMul,
  mul,
  neg,
  type Operand,
  pad,
  reduceMean,
  reduceSum,
  reshape,
  resize,
  sign,
  slice,
  slidingMean,
  sqrt,
  square,
  sub,
  transpose,
  where,
} from './ops.js';
import type { OpName, Tensor } from './tensor.js';

/**
 * The derivative of one op: from the node `y` and the gradient `dy` of the loss with respect to it, one gradient per input
 * (made only when it is needed; `null` where there is none). Gradients of broadcast inputs keep the output's shape: the
 * walk sums them once.
 */
type Vjp<K extends OpName> = (y: Tensor<K>, dy: Tensor) => readonly ((() => Tensor) | null)[];

/** op → vector-Jacobian product, written in the same ops. */
export const vjps: { readonly [K in OpName]: Vjp<K> } = {
  Input: () => [],
  Constant: () => [],

  Conv: (y, dy) => {
    const [x, w] = y.inputs as [Tensor, Tensor];
    return [
      () => convInputGradient(y, dy, x, w),
      () => convWeightGradient(y, dy, x, w),
      () => reshape(reduceSum(dy, [0, 2, 3]), [w.shape[0]!]),
    ];
  },

  MaxPool: (y, dy) => {
    // One element of each window gets dy: the one that is equal to the maximum. Ties share it, so that flat areas of a
    // picture are not pushed k² times as hard as the rest.
    const { kernel } = y.attributes;
    const x = y.inputs[0]!;
    return [
      () => {
        const inside = cropTo(x, [kernel[0] * y.shape[2]!, kernel[1] * y.shape[3]!]);
        // Exactly 1 where x is the maximum, exactly 0 elsewhere; this spelling stays in the blocked layout, Equal does not.
        const isMaximum = hardSigmoid(add(inside, resize(mul(y, -1), kernel)), 1e30, 1);
        const share = div(dy, mul(averagePool(isMaximum, kernel), kernel[0] * kernel[1]));
        return padTo(mul(resize(share, kernel), isMaximum), x);
      },
    ];
  },

  AveragePool: (y, dy) => {
    const { kernel, strides } = y.attributes;
    // Where windows overlap, an element gets a share of each that it is in: of as many as a window has elements.
    const around = [0, 0, kernel[0] - 1, kernel[1] - 1];
    if (strides[0] === 1 && strides[1] === 1) return [() => slidingMean(pad(dy, around, around), kernel)];
    return [() => padTo(resize(mul(dy, 1 / (kernel[0] * kernel[1])), kernel), y.inputs[0]!)];
  },

  Resize: (y, dy) => {
    const { scales } = y.attributes;
    return [() => mul(averagePool(dy, scales), scales[0] * scales[1])];
  },

  DepthToSpace: (y, dy) => {
    const { blocksize: b } = y.attributes;
    const [n, , height, width] = y.inputs[0]!.shape as [number, number, number, number];
    const channels = y.shape[1]!;
    const blocks = transpose(reshape(dy, [n, channels, height, b, width, b]), [0, 3, 5, 1, 2, 4]);
    return [() => reshape(blocks, y.inputs[0]!.shape)];
  },

  Pad: (y, dy) => [() => unpad(dy, y.inputs[0]!.shape, y.attributes.before, y.attributes.after, y.attributes.mode)],

  InstanceNormalization: (y, dy) => {
    const [x, scale] = y.inputs as [Tensor, Tensor];
    const channels = scale.shape[0]!;
    const centred = sub(x, reduceMean(x, [2, 3]));
    const deviation = sqrt(add(reduceMean(square(centred), [2, 3]), y.attributes.epsilon));
    const normal = div(centred, deviation);
    return [
      () => {
        const inner = sub(dy, add(reduceMean(dy, [2, 3]), mul(normal, reduceMean(mul(dy, normal), [2, 3]))));
        return mul(inner, div(reshape(scale, [1, channels, 1, 1]), deviation));
      },
      () => reshape(reduceSum(mul(dy, normal), [0, 2, 3]), [channels]),
      () => reshape(reduceSum(dy, [0, 2, 3]), [channels]),
    ];
  },

  MatMul: (y, dy) => {
    const [a, b] = y.inputs as [Tensor, Tensor];
    const { transA } = y.attributes;
    return [
      () => (transA ? matMul(b, swapLast(dy)) : matMul(dy, swapLast(b))),
      () => matMul(transA ? a : swapLast(a), dy),
    ];
  },

  Gemm: (y, dy) => {
    const [a, b] = y.inputs as [Tensor, Tensor];
    const { transA, transB } = y.attributes;
    // A Gram matrix, A·Aᵀ: both gradients in one product.
    if (a === b && transB && !transA) return [() => gemm(add(dy, transpose(dy, [1, 0])), a), null];
    return [
      () => (transA ? gemm(b, dy, { transA: transB, transB: true }) : gemm(dy, b, { transB: !transB })),
      () => (transB ? gemm(dy, a, { transA: true, transB: transA }) : gemm(a, dy, { transA: !transA })),
    ];
  },

  Transpose: (y, dy) => {
    const { perm } = y.attributes;
    return [
      () =>
        transpose(
          dy,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
    ];
  },

  Reshape: (y, dy) => [() => reshape(dy, y.inputs[0]!.shape)],
  Expand: (_, dy) => [() => dy],

  Slice: (y, dy) => [() => unslice(dy, y.inputs[0]!.shape, y.attributes.starts, y.attributes.steps)],

  CropLike: (y, dy) => {
    const x = y.inputs[0]!;
    return [() => unslice(dy, x.shape, [0, 0, ...y.attributes.start], [1, 1, 1, 1]), null];
  },

  Concat: (y, dy) => {
    const { axis } = y.attributes;
    let at = 0;
    return y.inputs.map((t) => {
      const starts = y.shape.map((_, i) => (i === axis ? at : 0));
      at += t.shape[axis]!;
      return () => slice(dy, starts, t.shape);
    });
  },

  Add: (_, dy) => [() => dy, () => dy],
  Sub: (_, dy) => [() => dy, () => neg(dy)],
  Mul: ({ inputs: [a, b] }, dy) =>
    a === b ? [() => mul(mul(dy, 2), a!), null] : [() => mul(dy, b!), () => mul(dy, a!)],
  Div: (y, dy) => {
    const b = y.inputs[1]!;
    return [() => div(dy, b), () => neg(div(mul(dy, y), b))];
  },
  Max: (y, dy) => [() => halfAtTies(dy, y.inputs[0]!, y.inputs[1]!), () => halfAtTies(dy, y.inputs[1]!, y.inputs[0]!)],
  Min: (y, dy) => [() => halfAtTies(dy, y.inputs[1]!, y.inputs[0]!), () => halfAtTies(dy, y.inputs[0]!, y.inputs[1]!)],

  Neg: (_, dy) => [() => neg(dy)],
  Abs: (y, dy) => [() => mul(dy, sign(y.inputs[0]!))],
  Sign: () => [null],
  Sqrt: (y, dy) => [() => div(dy, mul(y, 2))],
  Exp: (y, dy) => [() => mul(dy, y)],
  Log: (y, dy) => [() => div(dy, y.inputs[0]!)],
  Tanh: (y, dy) => [() => mul(dy, sub(1, square(y)))],
  Sigmoid: (y, dy) => [() => mul(dy, mul(y, sub(1, y)))],
  // A step function: 1 where y > 0. It stays in the blocked layout, where Where(Greater) would force a reorder.
  Relu: (y, dy) => [() => mul(dy, hardSigmoid(y, 1e30, 0))],
  HardSigmoid: (y, dy) => [() => mul(mul(dy, y.attributes.alpha), inside(y, 0, 1))],
  Clip: (y, dy) => [() => mul(dy, inside(y, y.attributes.min, y.attributes.max))],

  Greater: () => [null, null],
  Equal: () => [null, null],
  Where: (y, dy) => {
    const condition = y.inputs[0]!;
    return [null, () => where(condition, dy, 0), () => where(condition, 0, dy)];
  },

  ReduceSum: (y, dy) => [() => expand(dy, y.inputs[0]!.shape)],
  ReduceMean: (y, dy) => {
    const { shape } = y.inputs[0]!;
    const count = y.attributes.axes.reduce((product, axis) => product * shape[axis]!, 1);
    return [() => expand(mul(dy, 1 / count), shape)];
  },
};

function swapLast(x: Tensor): Tensor {
  const rank = x.shape.length;
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/** The top left corner of [N,C,H,W], of the given height and width. */
function cropTo(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  return slice(x, [0, 0, 0, 0], [x.shape[0]!, x.shape[1]!, height, width]);
}

/** dy where a > b, half of it where they are equal, else 0. */
function halfAtTies(dy: Tensor, a: Tensor, b: Tensor): Tensor {
  const half: Operand = mul(dy, 0.5);
  return where(greater(a, b), dy, where(equal(a, b), half, 0));
}

/** 1 where low < y < high, else 0; a bound may be infinite. Compared as they are: a rounded centre would let bounds through. */
function inside(y: Tensor, low: number, high: number): Tensor {
  return where(greater(y, low), where(greater(high, y), 1, 0), 0);
}
