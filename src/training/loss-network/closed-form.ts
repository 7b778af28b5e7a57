import { Matrix } from 'ml-matrix';
import { MOST_LEVELS } from '../../formats/rounding.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { concat, gemm, pad, reshape, slice, transpose } from '../../graph/ops.js';
import { constant, input, type Tensor } from '../../graph/tensor.js';
import { distilledTaps } from '../../networks/distilled.js';
import type { NetworkWeights } from '../../networks/network.js';
import { preprocess } from '../../networks/vgg.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';
import { approximateRidge, ridgeSystem, solveRidge } from './ridge.js';
import { roundedSolution } from './rounding.js';
import { type PatchSums, sumsOfRows, verticalFilters } from './separable.js';
import { channelsOf, convolutionsOf, forward, rankOf, type StudentShape } from './student.js';

/** A batch of pictures, [N,3,S,S] in [0,1]. */
export interface Batch {
  readonly data: Float32Array;
  readonly count: number;
  readonly size: number;
}

/** Positions that the least squares look at, about: so many for each unknown, and at least some of each picture. */
const POSITIONS_PER_UNKNOWN = 40;
const LEAST_POSITIONS = 200;
const KERNEL_RIDGE = 1e-4;
const HEAD_RIDGE = 1e-4;

/**
 * A student without any training: layer by layer, the teacher's channels that explain the others best are chosen, and the
 * kernel is the ridge least-squares fit from the student's own 3×3 patches to the teacher's pre-activations of those
 * channels. What an earlier layer gets wrong the next one makes up for as well as it can.
 * @param onLayer told after each layer
 * @param levels rounds the kernels to so many whole numbers on either side of 0: see {@link roundedSolution}
 * @returns kernels and biases, without heads
 */
export async function closedForm(
  runtime: Runtime,
  teacher: NetworkWeights,
  shape: StudentShape,
  layers: readonly string[],
  batches: readonly Batch[],
  onLayer: (layer: string) => void | Promise<void>,
  levels?: number,
): Promise<Map<string, WeightTensor>> {
  const student = new Map<string, WeightTensor>();
  const constants = constantsOf(teacher.tensors);
  for (const layer of layers) {
    const known = constantsOf(student);
    const sums = await accumulate(runtime, batches, (x) => {
      const image = preprocess(x, teacher.preprocessing);
      const wanted = convolutionsOf(teacher);
      const { activations } = forward(image, wanted.slice(0, wanted.indexOf(layer) + 1), constants);
      const { input: fed } = forward(image, layers, known, layer);
      const step = strideFor(fed, 9 * fed.shape[1]! + 1, batches);
      const patches = patchRows(fed, step);
      const target = channelRows(activations[layer]!, step);
      const active = channelRows(activations[layer.replace('conv', 'relu')]!, step);
      return {
        normal: gemm(patches, patches, { transB: true }),
        right: gemm(patches, target, { transB: true }),
        channels: gemm(active, active, { transB: true }),
      };
    });
    const count = teacher.tensors.get(`${layer}.bias`)!.shape[0]!;
    const kept = leadingChannels(sums.channels!, count, channelsOf(shape[layer]!));
    const patches = { normal: sums.normal!, right: columns(sums.right!, count, kept) };
    const rank = rankOf(shape[layer]!);
    if (rank === undefined) {
      setKernel(student, layer, [3, 3], fitted(patches, levels));
    } else {
      const kernel = await approximateRidge(runtime, patches.normal, patches.right, KERNEL_RIDGE);
      const filters = await verticalFilters(runtime, kernel, patches, rank, levels ?? MOST_LEVELS);
      student.set(`${layer}.vertical.weight`, filters);
      setKernel(student, layer, [1, 3], fitted(await sumsOfRows(runtime, patches, filters), levels));
    }
    await onLayer(layer);
  }
  return student;
}

/**
 * The heads as ridge least-squares fits from the student's features to all channels of the teacher's.
 * @returns `relu1_1.head` [k,C], …, and each tap's relative error: the mean squared error over the mean square
 */
export async function fitHeads(
  runtime: Runtime,
  teacher: NetworkWeights,
  student: ReadonlyMap<string, WeightTensor>,
  layers: readonly string[],
  batches: readonly Batch[],
): Promise<{ readonly heads: Map<string, WeightTensor>; readonly errors: Record<string, number> }> {
  const sums = await accumulate(runtime, batches, (x) => {
    const image = preprocess(x, teacher.preprocessing);
    const of = forward(image, layers, constantsOf(student)).activations;
    const wanted = forward(image, convolutionsOf(teacher), constantsOf(teacher.tensors)).activations;
    const outputs: Record<string, Tensor> = {};
    for (const tap of distilledTaps) {
      const step = strideFor(of[tap]!, of[tap]!.shape[1]!, batches);
      const [f, target] = [channelRows(of[tap]!, step), channelRows(wanted[tap]!, step)];
      outputs[`normal ${tap}`] = gemm(f, f, { transB: true });
      outputs[`right ${tap}`] = gemm(f, target, { transB: true });
      outputs[`power ${tap}`] = gemm(target, target, { transB: true });
    }
    return outputs;
  });
  const heads = new Map<string, WeightTensor>();
  const errors: Record<string, number> = {};
  for (const tap of distilledTaps) {
    const channels = teacher.tensors.get(`${tap.replace('relu', 'conv')}.bias`)!.shape[0]!;
    const [normal, right, power] = [sums[`normal ${tap}`]!, sums[`right ${tap}`]!, sums[`power ${tap}`]!];
    const size = student.get(`${tap.replace('relu', 'conv')}.bias`)!.shape[0]!;
    const cross = Matrix.from1DArray(size, channels, right);
    const head = size === channels ? Matrix.eye(channels) : solveRidge(ridgeSystem(normal, HEAD_RIDGE), cross);
    heads.set(`${tap}.head`, { shape: [head.rows, head.columns], data: Float32Array.from(head.to1DArray()) });
    // ‖T‖² − 2·⟨H, F·Tᵀ⟩ + ⟨H, F·Fᵀ·H⟩, from the sums.
    const gram = Matrix.from1DArray(head.rows, head.rows, normal);
    let total = 0;
    for (let c = 0; c < channels; c++) total += power[c * channels + c]!;
    const rest = Matrix.mul(head, gram.mmul(head).sub(cross.mul(2))).sum();
    errors[tap] = (total + rest) / total;
  }
  return { heads, errors };
}

/** Sums over the batches of what a graph computes of each; float64, because they are differences of large numbers later. */
async function accumulate(
  runtime: Runtime,
  batches: readonly Batch[],
  build: (x: Tensor) => Record<string, Tensor>,
): Promise<Record<string, Float64Array>> {
  const { count, size } = batches[0]!;
  const outputs = build(input('image', [count, 3, size, size]));
  const session = await runtime.open(emitModel(outputs));
  const sums: Record<string, Float64Array> = {};
  try {
    for (const { data } of batches) {
      const values = await session.run({ image: data }, Object.keys(outputs));
      for (const [name, value] of Object.entries(values)) {
        sums[name] ??= new Float64Array(value.length);
        const sum = sums[name];
        for (let i = 0; i < sum.length; i++) sum[i]! += value[i]!;
      }
    }
  } finally {
    await session.close();
  }
  return sums;
}

const constantsOf = (tensors: ReadonlyMap<string, WeightTensor>) => {
  const made = new Map<string, Tensor>();
  return (name: string): Tensor | undefined => {
    const tensor = tensors.get(name);
    if (!tensor) return undefined;
    const t = made.get(name) ?? constant(tensor.data, tensor.shape);
    made.set(name, t);
    return t;
  };
};

/** Looks at each n-th row and column. */
function strideFor(
  { shape: [, , height = 1, width = 1] }: Tensor,
  unknowns: number,
  batches: readonly Batch[],
): number {
  const pictures = batches.reduce((sum, { count }) => sum + count, 0);
  const positions = Math.max(LEAST_POSITIONS, (POSITIONS_PER_UNKNOWN * unknowns) / pictures);
  return Math.max(1, Math.round(Math.sqrt((height * width) / positions)));
}

/** Every step-th position as a column: [C, positions]. */
function channelRows(x: Tensor, step: number, [down, right]: readonly [number, number] = [0, 0], border = 0): Tensor {
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const rows = Math.ceil((height - 2 * border) / step);
  const columns = Math.ceil((width - 2 * border) / step);
  const seen = slice(x, [0, 0, down, right], [n, channels, rows, columns], [1, 1, step, step]);
  return reshape(transpose(seen, [1, 0, 2, 3]), [channels, n * rows * columns]);
}

/** The 3×3 patch around every step-th position as a column, and a 1 for the bias: [9·C + 1, positions]. */
function patchRows(x: Tensor, step: number): Tensor {
  const padded = pad(x, [0, 0, 1, 1], [0, 0, 1, 1]);
  const parts: Tensor[] = [];
  for (let u = 0; u < 3; u++) for (let v = 0; v < 3; v++) parts.push(channelRows(padded, step, [u, v], 1));
  const positions = parts[0]!.shape[1]!;
  return concat([...parts, constant(new Float32Array(positions).fill(1), [1, positions])], 0);
}

/** Pivoted selection on the covariance: each time the channel that explains most of what is left of all. */
function leadingChannels(covariance: Float64Array, count: number, wanted: number): number[] {
  if (wanted === count) return Array.from({ length: count }, (_, i) => i);
  const rest = Float64Array.from(covariance);
  let trace = 0;
  for (let i = 0; i < count; i++) trace += covariance[i * count + i]!;
  const least = (1e-6 * trace) / count;
  const kept: number[] = [];
  for (let n = 0; n < wanted; n++) {
    let [best, pivot] = [-1, 0];
    for (let j = 0; j < count; j++) {
      if (kept.includes(j)) continue;
      let explained = 0;
      for (let i = 0; i < count; i++) explained += rest[j * count + i]! ** 2;
      const score = explained / (rest[j * count + j]! + least);
      if (score > best) [best, pivot] = [score, j];
    }
    kept.push(pivot);
    const column = rest.slice(pivot * count, (pivot + 1) * count);
    const diagonal = column[pivot]! + 1e-9 * least;
    for (let i = 0; i < count; i++) {
      const factor = column[i]! / diagonal;
      if (factor !== 0) for (let j = 0; j < count; j++) rest[i * count + j]! -= factor * column[j]!;
    }
  }
  return kept.sort((a, b) => a - b);
}

/** The kept of the columns of a matrix, row by row. */
function columns(values: Float64Array, count: number, kept: readonly number[]): Matrix {
  const rows = values.length / count;
  const chosen = Matrix.zeros(rows, kept.length);
  for (let i = 0; i < rows; i++) for (const [j, c] of kept.entries()) chosen.set(i, j, values[i * count + c]!);
  return chosen;
}

function fitted({ normal, right }: PatchSums, levels?: number): Matrix {
  const system = ridgeSystem(normal, KERNEL_RIDGE);
  const exact = solveRidge(system, right);
  return levels === undefined ? exact : roundedSolution(exact, system, levels);
}

/** From rows p·I + i, one for each position p of the kernel, to [O,I,height,width], and the last row to the bias. */
function setKernel(
  student: Map<string, WeightTensor>,
  layer: string,
  [height, width]: readonly [number, number],
  solution: Matrix,
): void {
  const positions = height * width;
  const [out, inner] = [solution.columns, (solution.rows - 1) / positions];
  const data = new Float32Array(out * inner * positions);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inner; i++) {
      for (let p = 0; p < positions; p++) data[(o * inner + i) * positions + p] = solution.get(p * inner + i, o);
    }
  }
  student.set(`${layer}.weight`, { shape: [out, inner, height, width], data });
  student.set(`${layer}.bias`, { shape: [out], data: Float32Array.from(solution.getRow(solution.rows - 1)) });
}
