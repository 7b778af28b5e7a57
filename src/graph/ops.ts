import { fail, make, rank2, rank4 } from './node.js';
import {
  broadcastShape,
  formatShape,
  type PadMode,
  type Pads,
  type Pair,
  type Shape,
  sameShape,
  scalar,
  sizeOf,
  type Tensor,
} from './tensor.js';

/** The ops, as plain functions named as in the ONNX spec (https://onnx.ai/onnx/operators). Each checks its shapes and makes one node. */

/** 2-D convolution (cross-correlation). `x` [N,I,H,W], `w` [O,I,kh,kw], `b` [O]. */
export function conv(
  x: Tensor,
  w: Tensor,
  b?: Tensor,
  { strides = [1, 1], pads = [0, 0, 0, 0] }: { strides?: Pair; pads?: Pads } = {},
): Tensor {
  const [n, channels, height, width] = rank4('Conv', x);
  const [out, inner, kh, kw] = rank4('Conv', w, '[O,I,kh,kw]');
  if (channels !== inner)
    fail('Conv', `the kernel ${formatShape(w.shape)} needs ${inner} channels, received ${channels}.`);
  if (b && !sameShape(b.shape, [out]))
    fail('Conv', `expected a bias of shape [${out}], received ${formatShape(b.shape)}.`);
  const rows = Math.floor((height + pads[0] + pads[2] - kh) / strides[0]) + 1;
  const cols = Math.floor((width + pads[1] + pads[3] - kw) / strides[1]) + 1;
  if (rows < 1 || cols < 1)
    fail('Conv', `a ${kh}×${kw} kernel does not fit into ${height}×${width} with pads ${pads.join(',')}.`);
  return make('Conv', b ? [x, w, b] : [x, w], { strides, pads }, [n, out, rows, cols]);
}

/** The shape of windows over [N,C,H,W]. */
function windows(op: 'MaxPool' | 'AveragePool', x: Tensor, kernel: Pair, strides: Pair): Shape {
  const [n, channels, height, width] = rank4(op, x);
  if (height < kernel[0] || width < kernel[1])
    fail(op, `a ${kernel.join('×')} window does not fit into ${height}×${width}.`);
  const [rows, columns] = [height - kernel[0], width - kernel[1]];
  return [n, channels, Math.floor(rows / strides[0]) + 1, Math.floor(columns / strides[1]) + 1];
}

/** Maximum over windows that touch and do not overlap; rows and columns that do not fill a window are dropped. */
export const maxPool = (x: Tensor, kernel: Pair = [2, 2]) =>
  make('MaxPool', [x], { kernel }, windows('MaxPool', x, kernel, kernel));

/** Mean over windows that touch and do not overlap; rows and columns that do not fill a window are dropped. */
export const averagePool = (x: Tensor, kernel: Pair = [2, 2]) => meanOver(x, kernel, kernel);

/** Mean over windows at every place, which overlap. */
export const slidingMean = (x: Tensor, kernel: Pair = [2, 2]) => meanOver(x, kernel, [1, 1]);

const meanOver = (x: Tensor, kernel: Pair, strides: Pair) =>
  make('AveragePool', [x], { kernel, strides }, windows('AveragePool', x, kernel, strides));

/** Nearest-neighbour enlargement of [N,C,H,W] by whole factors. */
export function resize(x: Tensor, scales: Pair): Tensor {
  const [n, channels, height, width] = rank4('Resize', x);
  if (!scales.every((s) => Number.isInteger(s) && s >= 1))
    fail('Resize', `scales are whole numbers, received ${scales.join('×')}.`);
  return make('Resize', [x], { scales }, [n, channels, height * scales[0], width * scales[1]]);
}

/** Channels to pixels (sub-pixel convolution, Shi et al. 2016): [N, b·b·C, H, W] to [N, C, b·H, b·W], mode DCR of the ONNX spec. */
export function depthToSpace(x: Tensor, blocksize: number): Tensor {
  const [n, depth, height, width] = rank4('DepthToSpace', x);
  if (depth % blocksize ** 2 !== 0) fail('DepthToSpace', `${depth} channels are no multiple of ${blocksize ** 2}.`);
  return make('DepthToSpace', [x], { blocksize }, [n, depth / blocksize ** 2, height * blocksize, width * blocksize]);
}

/** Adds `before[axis]` and `after[axis]` elements: zeros, a mirror image without the edge, or copies of the edge. */
export function pad(x: Tensor, before: Shape, after: Shape, mode: PadMode = 'constant'): Tensor {
  const rank = x.shape.length;
  if (before.length !== rank || after.length !== rank)
    fail('Pad', `${formatShape(x.shape)} needs ${rank} pads on each side.`);
  if (mode === 'reflect' && x.shape.some((dim, axis) => Math.max(before[axis]!, after[axis]!) >= dim)) {
    fail(
      'Pad',
      `reflect padding has to be smaller than the image: ${formatShape(x.shape)}, pads ${before.join()}/${after.join()}.`,
    );
  }
  if ([...before, ...after].every((p) => p === 0)) return x;
  return make(
    'Pad',
    [x],
    { mode, before, after },
    x.shape.map((dim, axis) => dim + before[axis]! + after[axis]!),
  );
}

/** (x − mean) / √(variance + epsilon) · scale + bias, over the positions of each [N,C] plane (Ulyanov 2016). */
export function instanceNormalization(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const [, channels] = rank4('InstanceNormalization', x);
  for (const t of [scale, bias]) {
    if (!sameShape(t.shape, [channels])) fail('InstanceNormalization', `scale and bias need shape [${channels}].`);
  }
  return make('InstanceNormalization', [x, scale, bias], { epsilon }, x.shape);
}

/** Matrix product over the last two axes, the first factor transposed on request; leading axes have to be equal. */
export function matMul(a: Tensor, b: Tensor, { transA = false } = {}): Tensor {
  const [first, second] = a.shape.slice(-2) as [number, number];
  const [m, k] = transA ? [second, first] : [first, second];
  const [k2, n] = b.shape.slice(-2) as [number, number];
  const lead = a.shape.slice(0, -2);
  if (a.shape.length < 2 || b.shape.length < 2 || k !== k2 || !sameShape(lead, b.shape.slice(0, -2))) {
    fail('MatMul', `cannot multiply ${formatShape(a.shape)} by ${formatShape(b.shape)}.`);
  }
  return make('MatMul', [a, b], { transA }, [...lead, m, n]);
}

/** Product of two matrices, either of them transposed. */
export function gemm(a: Tensor, b: Tensor, { transA = false, transB = false } = {}): Tensor {
  const [m, k] = rank2('Gemm', a, '[M,K]', transA);
  const [k2, n] = rank2('Gemm', b, '[K,N]', transB);
  if (k !== k2) fail('Gemm', `inner sizes ${k} and ${k2} differ (${formatShape(a.shape)}, ${formatShape(b.shape)}).`);
  return make('Gemm', [a, b], { transA, transB }, [m, n]);
}

export function transpose(x: Tensor, perm: Shape): Tensor {
  if (
    !sameShape(
      [...perm].sort((a, b) => a - b),
      x.shape.map((_, axis) => axis),
    )
  ) {
    fail('Transpose', `${perm.join()} is not a permutation of the axes of ${formatShape(x.shape)}.`);
  }
  return make(
    'Transpose',
    [x],
    { perm },
    perm.map((axis) => x.shape[axis]!),
  );
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sizeOf(shape) !== sizeOf(x.shape))
    fail('Reshape', `${formatShape(x.shape)} and ${formatShape(shape)} differ in size.`);
  return sameShape(x.shape, shape) ? x : make('Reshape', [x], {}, [...shape]);
}

/** Repeats axes of length 1 up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShape('Expand', x.shape, shape), shape)) {
    fail('Expand', `${formatShape(x.shape)} does not expand to ${formatShape(shape)}.`);
  }
  return sameShape(x.shape, shape) ? x : make('Expand', [x], {}, [...shape]);
}

/** `lengths[axis]` elements from `starts[axis]` on, every `steps[axis]`-th; a step of −1 walks backwards. */
export function slice(x: Tensor, starts: Shape, lengths: Shape, steps: Shape = starts.map(() => 1)): Tensor {
  x.shape.forEach((dim, axis) => {
    const [start, length, step] = [starts[axis], lengths[axis], steps[axis]];
    if (start === undefined || length === undefined || !step)
      fail('Slice', `every axis of ${formatShape(x.shape)} needs a range.`);
    const last = start + (length - 1) * step;
    if (length < 1 || start < 0 || start >= dim || last < 0 || last >= dim) {
      fail('Slice', `axis ${axis} of ${formatShape(x.shape)} has no elements ${start}…${last}.`);
    }
  });
  if (sameShape(lengths, x.shape) && steps.every((step) => step === 1)) return x;
  return make('Slice', [x], { starts, steps }, [...lengths]);
}

/**
 * A part of [N,C,H,W] that is as high and wide as `like`, from row and column `start` on. Other than a slice it follows `like` when
 * the model is emitted for pictures of any size.
 */
export function cropLike(x: Tensor, like: Tensor, start: Pair = [0, 0]): Tensor {
  const [n, channels, height, width] = rank4('CropLike', x);
  const [, , rows, columns] = rank4('CropLike', like);
  if (start[0] + rows > height || start[1] + columns > width) {
    fail('CropLike', `${formatShape(x.shape)} has no ${rows}×${columns} pixels from ${start.join()} on.`);
  }
  return make('CropLike', [x, like], { start }, [n, channels, rows, columns]);
}

export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  const [first] = inputs;
  if (!first) fail('Concat', 'needs at least one tensor.');
  if (first.shape[axis] === undefined) fail('Concat', `${formatShape(first.shape)} has no axis ${axis}.`);
  for (const t of inputs) {
    const beside = sameShape(t.shape.toSpliced(axis, 1), first.shape.toSpliced(axis, 1));
    if (t.shape.length !== first.shape.length || !beside) {
      fail('Concat', `shapes ${formatShape(first.shape)} and ${formatShape(t.shape)} differ beside axis ${axis}.`);
    }
  }
  const length = inputs.reduce((sum, t) => sum + t.shape[axis]!, 0);
  return inputs.length === 1 ? first : make('Concat', inputs, { axis }, first.shape.with(axis, length));
}

type Binary = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Max' | 'Min';

/** A number stands for a scalar constant. */
export type Operand = Tensor | number;

const asTensor = (x: Operand): Tensor => (typeof x === 'number' ? scalar(x) : x);

const binary =
  (op: Binary) =>
  (a: Operand, b: Operand): Tensor => {
    const [left, right] = [asTensor(a), asTensor(b)];
    const shape = broadcastShape(op, left.shape, right.shape);
    const [l, r] = [unrepeated(left), unrepeated(right)];
    const least = broadcastShape(op, l.shape, r.shape);
    return expand(make(op, [l, r], {}, least), shape);
  };

/** What an `Expand` repeats: the ops that work value by value repeat it themselves, or their result is repeated instead. */
const unrepeated = (t: Tensor): Tensor => (t.op === 'Expand' ? t.inputs[0]! : t);

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const max = binary('Max');
export const min = binary('Min');

type Unary = 'Neg' | 'Abs' | 'Sign' | 'Sqrt' | 'Exp' | 'Log' | 'Tanh' | 'Sigmoid' | 'Relu';

const unary = (op: Unary) => (x: Tensor) => {
  const least = unrepeated(x);
  return expand(make(op, [least], {}, least.shape), x.shape);
};

export const neg = unary('Neg');
export const abs = unary('Abs');
export const sign = unary('Sign');
export const sqrt = unary('Sqrt');
export const exp = unary('Exp');
export const log = unary('Log');
export const tanh = unary('Tanh');
export const sigmoid = unary('Sigmoid');
export const relu = unary('Relu');

/** max(0, min(1, alpha·x + beta)). With a huge alpha it is a step function that stays in ONNX Runtime's blocked layout. */
export const hardSigmoid = (x: Tensor, alpha = 0.2, beta = 0.5) => make('HardSigmoid', [x], { alpha, beta }, x.shape);

export const clip = (x: Tensor, low: number, high: number) => make('Clip', [x], { min: low, max: high }, x.shape);

const comparison = (op: 'Greater' | 'Equal') => (a: Operand, b: Operand) => {
  const [left, right] = [asTensor(a), asTensor(b)];
  return make(op, [left, right], {}, broadcastShape(op, left.shape, right.shape), 'bool');
};

export const greater = comparison('Greater');
export const equal = comparison('Equal');

/** `a` where the condition holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  if (condition.dtype !== 'bool') fail('Where', 'the condition has to come from a comparison.');
  const [left, right] = [asTensor(a), asTensor(b)];
  const shape = broadcastShape('Where', condition.shape, broadcastShape('Where', left.shape, right.shape));
  return make('Where', [condition, left, right], {}, shape);
}

const reduction =
  (op: 'ReduceSum' | 'ReduceMean') =>
  (x: Tensor, axes: Shape = x.shape.map((_, axis) => axis)) => {
    for (const axis of axes) if (x.shape[axis] === undefined) fail(op, `${formatShape(x.shape)} has no axis ${axis}.`);
    if (axes.every((axis) => x.shape[axis] === 1)) return x;
    return make(
      op,
      [x],
      { axes },
      x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
    );
  };

/** Sum over the given axes (all by default); reduced axes stay, with length 1. */
export const reduceSum = reduction('ReduceSum');

/** Mean over the given axes (all by default); reduced axes stay, with length 1. */
export const reduceMean = reduction('ReduceMean');

/** Mean over everything, as a scalar of shape []. */
export const mean = (x: Tensor) => reshape(reduceMean(x), []);

/** Sum over everything, as a scalar of shape []. */
export const sum = (x: Tensor) => reshape(reduceSum(x), []);

export const square = (x: Tensor) => mul(x, x);
