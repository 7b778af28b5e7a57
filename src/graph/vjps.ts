import {
  add,
  averagePool,
  concat,
  conv,
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
import type { OpName, PadMode, Shape, Tensor } from './tensor.js';

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

const rotatedKernels = new WeakMap<Tensor, WeakRef<Tensor>>();

/** The kernel turned by 180° with input and output channels swapped; of a constant, a constant (it is large: one for all graphs that are being made). */
function rotateKernel(w: Tensor): Tensor {
  const known = rotatedKernels.get(w)?.deref();
  if (known) return known;
  const [out, inner, kh, kw] = w.shape as [number, number, number, number];
  const turned = slice(w, [0, 0, kh - 1, kw - 1], [out, inner, kh, kw], [1, 1, -1, -1]);
  const rotated = transpose(turned, [1, 0, 2, 3]);
  // Weakly: once the engine has it, nobody needs it until the next size.
  rotatedKernels.set(w, new WeakRef(rotated));
  return rotated;
}

/** A convolution of dy (spread out by the stride) with the rotated kernel. Dumoulin & Visin 2016, §4. */
function convInputGradient(y: Tensor<'Conv'>, dy: Tensor, x: Tensor, w: Tensor): Tensor {
  const { strides, pads } = y.attributes;
  const [height, width] = x.shape.slice(2) as [number, number];
  const [kh, kw] = w.shape.slice(2) as [number, number];
  const spread = insertZeros(dy, [1, 1, ...strides]);
  const [rows, cols] = spread.shape.slice(2) as [number, number];
  const top = kh - 1 - pads[0];
  const left = kw - 1 - pads[1];
  const around = [top, left, height + kh - 1 - rows - top, width + kw - 1 - cols - left] as const;
  // A convolution's own pads cannot be negative: a kernel smaller than its padding leaves rows of dy that no x saw.
  if (around.every((p) => p >= 0)) return conv(spread, rotateKernel(w), undefined, { pads: around });
  const add = around.map((p) => Math.max(p, 0));
  const cut = around.map((p) => Math.max(-p, 0));
  const seen = slice(
    spread,
    [0, 0, cut[0]!, cut[1]!],
    [...spread.shape.slice(0, 2), rows - cut[0]! - cut[2]!, cols - cut[1]! - cut[3]!],
  );
  return conv(seen, rotateKernel(w), undefined, { pads: [add[0]!, add[1]!, add[2]!, add[3]!] });
}

/** For each kernel position, the product of dy with the part of x that this position saw: kh·kw slices and Gemms. */
function convWeightGradient(y: Tensor<'Conv'>, dy: Tensor, x: Tensor, w: Tensor): Tensor {
  const { strides, pads } = y.attributes;
  const [out, inner, kh, kw] = w.shape as [number, number, number, number];
  const [n, , rows, cols] = y.shape as [number, number, number, number];
  const positions = n * rows * cols;
  const padded = transpose(pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]), [1, 0, 2, 3]);
  const flatDy = reshape(transpose(dy, [1, 0, 2, 3]), [out, positions]);
  const parts: Tensor[] = [];
  for (let u = 0; u < kh; u++)
    for (let v = 0; v < kw; v++) {
      const seen = slice(padded, [0, 0, u, v], [inner, n, rows, cols], [1, 1, ...strides]);
      const product = gemm(flatDy, reshape(seen, [inner, positions]), { transB: true });
      parts.push(reshape(product, [1, out, inner]));
    }
  return reshape(transpose(concat(parts, 0), [1, 2, 0]), [out, inner, kh, kw]);
}

function swapLast(x: Tensor): Tensor {
  const rank = x.shape.length;
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/** The top left corner of [N,C,H,W], of the given height and width. */
function cropTo(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  return slice(x, [0, 0, 0, 0], [x.shape[0]!, x.shape[1]!, height, width]);
}

/** Zeros below and to the right, up to the height and width of `target`. */
function padTo(x: Tensor, target: Tensor): Tensor {
  return pad(
    x,
    [0, 0, 0, 0],
    target.shape.map((dim, axis) => dim - x.shape[axis]!),
  );
}

/** Zeros between the elements: a step of s puts s − 1 of them after each element but the last. */
function insertZeros(x: Tensor, steps: Shape): Tensor {
  let result = x;
  steps.forEach((step, axis) => {
    if (step === 1) return;
    const { shape } = result;
    const columns = reshape(result, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
    const zeros = columns.shape.map((_, i) => (i === axis + 1 ? step - 1 : 0));
    const spread = pad(
      columns,
      zeros.map(() => 0),
      zeros,
    );
    const joined = reshape(spread, shape.with(axis, shape[axis]! * step));
    const length = (shape[axis]! - 1) * step + 1;
    result = slice(
      joined,
      shape.map(() => 0),
      shape.with(axis, length),
    );
  });
  return result;
}

/** The adjoint of a slice: the elements go back to where they came from, zeros elsewhere. */
function unslice(dy: Tensor, shape: Shape, starts: Shape, steps: Shape): Tensor {
  const backwards = steps.map((step) => step < 0);
  const forward = backwards.includes(true)
    ? slice(
        dy,
        dy.shape.map((dim, axis) => (backwards[axis] ? dim - 1 : 0)),
        dy.shape,
        backwards.map((reverse) => (reverse ? -1 : 1)),
      )
    : dy;
  const spread = insertZeros(forward, steps.map(Math.abs));
  const before = starts.map((start, axis) => (backwards[axis] ? start + (dy.shape[axis]! - 1) * steps[axis]! : start));
  return pad(
    spread,
    before,
    shape.map((dim, axis) => dim - before[axis]! - spread.shape[axis]!),
  );
}

/** The adjoint of padding, axis by axis: what went into the border comes back to where it was copied from. */
function unpad(dy: Tensor, shape: Shape, before: Shape, after: Shape, mode: PadMode): Tensor {
  let result = dy;
  shape.forEach((dim, axis) => {
    const [front, back] = [before[axis]!, after[axis]!];
    if (front === 0 && back === 0) return;
    const part = (start: number, length: number, step = 1) =>
      slice(
        result,
        result.shape.map((_, i) => (i === axis ? start : 0)),
        result.shape.with(axis, length),
        result.shape.map((_, i) => (i === axis ? step : 1)),
      );
    const place = (piece: Tensor, start: number) => {
      const length = piece.shape[axis]!;
      const zeros = (count: number) => piece.shape.map((_, i) => (i === axis ? count : 0));
      return pad(piece, zeros(start), zeros(dim - start - length));
    };
    const end = front + dim;
    let inner = part(front, dim);
    if (mode === 'reflect') {
      if (front > 0) inner = add(inner, place(part(front - 1, front, -1), 1));
      if (back > 0) inner = add(inner, place(part(end + back - 1, back, -1), dim - 1 - back));
    } else if (mode === 'edge') {
      if (front > 0) inner = add(inner, place(reduceSum(part(0, front), [axis]), 0));
      if (back > 0) inner = add(inner, place(reduceSum(part(end, back), [axis]), dim - 1));
    }
    result = inner;
  });
  return result;
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
