import {
  abs,
  add,
  averagePool,
  clip,
  concat,
  conv,
  cropLike,
  depthToSpace,
  div,
  equal,
  exp,
  expand,
  gemm,
  greater,
  hardSigmoid,
  instanceNormalization,
  log,
  matMul,
  max,
  maxPool,
  min,
  mul,
  neg,
  pad,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resize,
  sigmoid,
  sign,
  slice,
  slidingMean,
  sqrt,
  sub,
  tanh,
  transpose,
  where,
} from '#src/graph/ops.js';
import { constant, input, type OpName, type Pads, type Pair, type Shape, type Tensor } from '#src/graph/tensor.js';
import { random } from './random.js';

/** One op on concrete values: an input of the graph for each argument, named a, b, c. */
export interface OpCase {
  readonly op: OpName;
  readonly title: string;
  readonly inputs: readonly Tensor<'Input'>[];
  readonly feeds: Readonly<Record<string, Float32Array>>;
  readonly output: Tensor;
  /** False where the op has no derivative. */
  readonly differentiable: boolean;
}

/** A shape and its values. */
type Argument = readonly [Shape, Float32Array];

const cases: OpCase[] = [];

function define(
  op: OpName,
  title: string,
  values: readonly Argument[],
  build: (...inputs: [Tensor, Tensor, Tensor]) => Tensor,
  differentiable = true,
): void {
  const inputs = values.map(([shape], i) => input('abc'[i]!, shape));
  const feeds = Object.fromEntries(values.map(([, data], i) => ['abc'[i]!, data]));
  const output = build(...(inputs as unknown as [Tensor, Tensor, Tensor]));
  cases.push({ op, title: `${op}: ${title}`, inputs, feeds, output, differentiable });
}

const values = random(1905);
const uniform = (shape: Shape, low = -1, high = 1): Argument => [shape, values.uniform(shape, low, high)];
/** No two values near each other and none near 0: away from the kinks of Max, Abs, Relu. */
const distinct = (shape: Shape): Argument => [shape, values.distinct(shape)];
/** Small whole numbers: many are equal. */
const whole = (shape: Shape, low: number, high: number): Argument => [shape, values.whole(shape, low, high)];

const convolutions: [string, Shape, Shape, Pair, Pads][] = [
  ['3×3, pad 1, odd size', [1, 3, 7, 5], [4, 3, 3, 3], [1, 1], [1, 1, 1, 1]],
  ['3×3, no pad, N = 2', [2, 2, 5, 6], [3, 2, 3, 3], [1, 1], [0, 0, 0, 0]],
  ['5×3, asymmetrical pads', [1, 2, 6, 5], [2, 2, 5, 3], [1, 1], [3, 0, 1, 2]],
  ['3×3, stride 2, pad 1, odd size', [2, 2, 7, 5], [3, 2, 3, 3], [2, 2], [1, 1, 1, 1]],
  ['3×3, stride 2, even size: the last row is never seen', [1, 2, 6, 8], [3, 2, 3, 3], [2, 2], [0, 0, 0, 0]],
  ['4×3, stride 3×2, asymmetrical pads', [1, 2, 9, 7], [2, 2, 4, 3], [3, 2], [0, 2, 1, 0]],
  ['1×1, stride 2', [2, 3, 5, 4], [2, 3, 1, 1], [2, 2], [0, 0, 0, 0]],
  ['a kernel smaller than its pads', [1, 2, 3, 4], [2, 2, 1, 2], [1, 1], [2, 1, 0, 3]],
  ['a kernel as large as the image', [1, 2, 4, 3], [2, 2, 4, 3], [1, 1], [0, 0, 0, 0]],
  ['on one pixel', [1, 2, 1, 1], [3, 2, 3, 3], [1, 1], [1, 1, 1, 1]],
];
for (const [title, x, w, strides, pads] of convolutions) {
  define('Conv', title, [uniform(x), uniform(w), uniform([w[0]!])], (a, b, c) => conv(a, b, c, { strides, pads }));
}
define('Conv', 'without a bias', [uniform([1, 2, 4, 5]), uniform([3, 2, 3, 3])], (a, b) =>
  conv(a, b, undefined, { pads: [1, 1, 1, 1] }),
);
const frozen = constant(values.uniform([4, 3, 3, 3]), [4, 3, 3, 3]);
define('Conv', 'frozen weights', [uniform([1, 3, 5, 4])], (a) => conv(a, frozen, undefined, { pads: [1, 1, 1, 1] }));

for (const [title, shape, kernel] of [
  ['2×2, odd size, N = 2', [2, 3, 7, 5], [2, 2]],
  ['3×2', [1, 2, 7, 4], [3, 2]],
  ['one window', [1, 1, 3, 3], [2, 2]],
] as [string, Shape, Pair][]) {
  define('MaxPool', title, [distinct(shape)], (a) => maxPool(a, kernel));
  define('AveragePool', title, [uniform(shape)], (a) => averagePool(a, kernel));
}
// Each window holds its maximum twice: half the gradient goes to each, as in a central difference.
const pairs = values.distinct([1, 2, 3, 2]);
const tied = Float32Array.from({ length: 24 }, (_, i) => pairs[Math.floor(i / 2)]!);
define('MaxPool', 'two equal maxima', [[[1, 2, 3, 4], tied]], (a) => maxPool(a, [1, 2]));

define('Resize', '2×2', [uniform([1, 2, 3, 5])], (a) => resize(a, [2, 2]));
define('Resize', '3×1, N = 2', [uniform([2, 1, 2, 3])], (a) => resize(a, [3, 1]));

for (const mode of ['constant', 'reflect', 'edge'] as const) {
  define('Pad', `${mode}, asymmetrical`, [uniform([2, 2, 5, 4])], (a) => pad(a, [0, 0, 2, 1], [0, 0, 3, 2], mode));
  define('Pad', `${mode}, one side`, [uniform([1, 2, 4, 3])], (a) => pad(a, [0, 0, 0, 2], [0, 0, 1, 0], mode));
  define('Pad', `${mode}, as wide as it goes`, [uniform([1, 1, 3, 4])], (a) =>
    pad(a, [0, 0, 2, 3], [0, 0, 2, 3], mode),
  );
}
define('Pad', 'constant, every axis', [uniform([2, 3])], (a) => pad(a, [1, 0], [2, 4]));

for (const shape of [
  [2, 3, 5, 4],
  [1, 2, 3, 3],
] as Shape[]) {
  const inputs = [uniform(shape, -2, 3), uniform([shape[1]!]), uniform([shape[1]!])];
  define('InstanceNormalization', `[${shape}]`, inputs, (a, b, c) => instanceNormalization(a, b, c));
  define('InstanceNormalization', `[${shape}], large epsilon`, inputs, (a, b, c) =>
    instanceNormalization(a, b, c, 0.25),
  );
}

define('MatMul', 'matrices', [uniform([3, 4]), uniform([4, 2])], (a, b) => matMul(a, b));
define('MatMul', 'batches', [uniform([2, 3, 3, 5]), uniform([2, 3, 5, 4])], (a, b) => matMul(a, b));
define('MatMul', 'a matrix with itself', [uniform([3, 3])], (a) => matMul(a, a));
for (const [transA, transB] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const) {
  const spelled = `A${transA ? 'ᵀ' : ''}·B${transB ? 'ᵀ' : ''}`;
  const inputs = [uniform(transA ? [5, 3] : [3, 5]), uniform(transB ? [4, 5] : [5, 4])];
  define('Gemm', spelled, inputs, (a, b) => gemm(a, b, { transA, transB }));
  const square = transA === transB ? ([4, 4] as const) : ([3, 5] as const);
  define('Gemm', `${spelled}, B = A`, [uniform(square)], (a) => gemm(a, a, { transA, transB }));
}

define('Transpose', 'a rotation of the axes', [uniform([2, 3, 4])], (a) => transpose(a, [2, 0, 1]));
define('Transpose', 'four axes', [uniform([2, 3, 1, 4])], (a) => transpose(a, [3, 1, 0, 2]));
define('Reshape', 'fewer axes', [uniform([2, 3, 4])], (a) => reshape(a, [6, 4]));
define('Reshape', 'to a scalar', [uniform([1, 1])], (a) => reshape(a, []));
define('Expand', 'axes of length 1', [uniform([1, 3, 1])], (a) => expand(a, [2, 3, 4]));
define('Expand', 'more axes', [uniform([3, 1])], (a) => expand(a, [2, 3, 4]));
define('Expand', 'a scalar', [uniform([])], (a) => expand(a, [3, 2]));

define('Slice', 'a window', [uniform([4, 5])], (a) => slice(a, [1, 2], [2, 3]));
define('Slice', 'steps, odd remainder', [uniform([2, 7, 8])], (a) => slice(a, [0, 1, 2], [2, 3, 2], [1, 2, 3]));
define('Slice', 'step −1, all', [uniform([3, 4])], (a) => slice(a, [2, 3], [3, 4], [-1, -1]));
define('Slice', 'step −1, part', [uniform([6])], (a) => slice(a, [4], [3], [-1]));
define('Slice', 'step −2, to the first and past it', [uniform([5, 6])], (a) => slice(a, [4, 5], [3, 3], [-2, -2]));
define('Slice', 'one element', [uniform([3, 4])], (a) => slice(a, [2, 1], [1, 1]));

define('Concat', 'the first axis', [uniform([2, 3]), uniform([1, 3])], (a, b) => concat([a, b], 0));
define('Concat', 'a middle axis', [uniform([2, 3, 2]), uniform([2, 1, 2]), uniform([2, 2, 2])], (a, b, c) =>
  concat([a, b, c], 1),
);
define('Concat', 'one tensor twice', [uniform([2, 2]), uniform([2, 1])], (a, b) => concat([a, b, a], 1));

const broadcasts: [string, Shape, Shape][] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a channel each', [2, 3, 4, 5], [1, 3, 1, 1]],
  ['both sides', [3, 1, 5], [2, 3, 4, 1]],
  ['a scalar', [2, 3], []],
  ['a scalar first', [], [2, 2]],
  ['an axis of length 1 too many', [2], [1, 1, 2]],
];
for (const [title, left, right] of broadcasts) {
  define('Add', title, [uniform(left), uniform(right)], (a, b) => add(a, b));
  define('Sub', title, [uniform(left), uniform(right)], (a, b) => sub(a, b));
  define('Mul', title, [uniform(left), uniform(right)], (a, b) => mul(a, b));
  define('Div', title, [uniform(left), uniform(right, 0.5, 2)], (a, b) => div(a, b));
  define('Max', title, [distinct(left), uniform(right, -0.01, 0.01)], (a, b) => max(a, b));
  define('Min', title, [distinct(left), uniform(right, -0.01, 0.01)], (a, b) => min(a, b));
}
define('Add', 'a tensor with itself', [uniform([2, 3])], (a) => add(a, a));
define('Sub', 'a number first', [uniform([2, 3])], (a) => sub(1, a));
define('Mul', 'a square', [uniform([2, 3])], (a) => mul(a, a));
define('Div', 'a tensor with itself in it', [uniform([2, 3], 1, 2)], (a) => div(mul(a, a), a));
define('Div', 'a negative divisor', [uniform([2, 3]), uniform([3], -2, -0.5)], (a, b) => div(a, b));
define('Max', 'ties', [whole([4, 5], 0, 2), whole([4, 5], 0, 2)], (a, b) => max(a, b));
define('Min', 'ties', [whole([4, 5], 0, 2), whole([4, 5], 0, 2)], (a, b) => min(a, b));

define('Neg', 'of any sign', [uniform([3, 4])], neg);
define('Abs', 'away from 0', [distinct([3, 4])], abs);
define('Abs', 'at 0', [whole([3, 4], -1, 1)], abs);
define('Sqrt', 'of positive values', [uniform([3, 4], 0.1, 4)], sqrt);
define('Exp', 'of any sign', [uniform([3, 4], -2, 2)], exp);
define('Log', 'of positive values', [uniform([3, 4], 0.1, 4)], log);
define('Tanh', 'of any sign', [uniform([3, 4], -3, 3)], tanh);
define('Sigmoid', 'of any sign', [uniform([3, 4], -4, 4)], sigmoid);
define('Relu', 'of either sign', [distinct([2, 3, 3, 2])], relu);
define('Relu', 'of a scalar', [uniform([], 0.5, 1)], relu);
define('HardSigmoid', 'the default slope', [uniform([4, 5], -5, 5)], (a) => hardSigmoid(a));
define('HardSigmoid', 'a negative slope', [uniform([4, 5], -2, 2)], (a) => hardSigmoid(a, -0.75, 0.25));
define('Clip', 'both bounds', [distinct([4, 5])], (a) => clip(a, -0.2, 0.3));
define('Clip', 'bounds that float32 rounds', [distinct([5, 7])], (a) => clip(a, 0.1, 0.7));
define('Clip', 'no upper bound', [distinct([4, 5])], (a) => clip(a, -0.1, Number.POSITIVE_INFINITY));
define('Clip', 'no lower bound', [distinct([4, 5])], (a) => clip(a, Number.NEGATIVE_INFINITY, 0.2));

define('Greater', 'ties', [whole([4, 5], 0, 2), whole([5], 0, 2)], (a, b) => where(greater(a, b), 1, 0), false);
define('Equal', 'ties', [whole([4, 5], 0, 2), whole([5], 0, 2)], (a, b) => where(equal(a, b), 1, 0), false);
define('Sign', 'negative, 0, positive', [whole([3, 4], -1, 1)], sign, false);
const condition = constant(values.whole([3, 4], 0, 1), [3, 4]);
define('Where', 'equal shapes', [uniform([3, 4]), uniform([3, 4])], (a, b) => where(greater(condition, 0), a, b));
define('Where', 'broadcasting', [uniform([2, 1, 4]), uniform([3, 1])], (a, b) => where(equal(condition, 1), a, b));
define('Where', 'a number', [uniform([3, 4])], (a) => where(greater(condition, 0), a, 0.5));
define('DepthToSpace', 'blocks of 2×2', [uniform([2, 8, 2, 3])], (a) => depthToSpace(a, 2));
define('CropLike', 'a part', [uniform([2, 3, 5, 6])], (a) =>
  cropLike(a, constant(new Float32Array(12), [1, 1, 4, 3]), [1, 2]),
);

for (const [title, axes] of [
  ['everything', undefined],
  ['the last axes', [2, 3]],
  ['axes apart', [0, 2]],
  ['an axis of length 1 with others', [1, 3]],
] as [string, Shape | undefined][]) {
  define('ReduceSum', title, [uniform([2, 1, 3, 4])], (a) => reduceSum(a, axes));
  define('ReduceMean', title, [uniform([2, 1, 3, 4])], (a) => reduceMean(a, axes));
}

for (const [title, shape, kernel] of [
  ['windows that overlap', [2, 3, 5, 4], [2, 2]],
  ['windows that overlap, 3×1', [1, 2, 4, 3], [3, 1]],
] as [string, Shape, Pair][]) {
  define('AveragePool', title, [uniform(shape)], (a) => slidingMean(a, kernel));
}

define('MatMul', 'batches, the first transposed', [uniform([3, 4, 2]), uniform([3, 4, 5])], (a, b) =>
  matMul(a, b, { transA: true }),
);

/** Every op of the graph, several times: odd sizes, asymmetrical pads, strides, ties, N > 1, broadcasting. */
export const opCases: readonly OpCase[] = cases;

/** Input and Constant are not computed. */
export const leafOps: readonly OpName[] = ['Input', 'Constant'];
