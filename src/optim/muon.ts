import { add, div, matMul, mul, reshape, sqrt, square, sub, sum, transpose } from '../graph/ops.js';
import { input, type Tensor } from '../graph/tensor.js';
import { type AdamOptions, type OptimiserStep, stepOf } from './adam.js';

/** μ: how much of the mean gradient stays with each step (Jordan et al. 2024). */
const MOMENTUM = 0.95;
/** A step then changes a kernel by as much as one of Adam does (Liu et al. 2025). */
const LENGTH = 0.2;
const ITERATIONS = 5;
/** Jordan's coefficients: singular values come to between 0.7 and 1.2 in five iterations, which is near enough. */
const [A, B, C] = [3.4445, -4.775, 2.0315] as const;

/** The learning rate, a scalar that each run feeds. */
export type MuonScalars = { readonly 'muon rate': Float32Array };

export const muonInput = (): Tensor => input('muon rate', []);

/**
 * One step of Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") for the kernel of a convolution: the
 * mean gradient, as a matrix [O, I·kh·kw], is made orthogonal, so that no direction is left behind. The kernel keeps its length: what a
 * normalisation follows does not depend on it, and the rate alone says how far a step turns.
 * @param kernel an input of the graph, [O,I,kh,kw]
 * @param gradient of the same shape; its size is of no matter
 */
export function muonStep(
  kernel: Tensor<'Input'>,
  gradient: Tensor,
  { averageDecay }: Pick<AdamOptions, 'averageDecay'>,
  rate: Tensor = muonInput(),
): OptimiserStep {
  const { name } = kernel.attributes;
  const { shape } = kernel;
  const state = (part: string) => input(`${name} ${part}`, shape);
  const [rows, columns] = [shape[0]!, shape.slice(1).reduce((product, n) => product * n, 1)];
  const share = mul(gradient, 1 - MOMENTUM);
  const momentum = add(mul(state('momentum'), MOMENTUM), share);
  // Nesterov's: a look ahead.
  const ahead = reshape(add(mul(momentum, MOMENTUM), share), [rows, columns]);
  const step = mul(orthogonal(ahead), LENGTH * Math.sqrt(Math.max(rows, columns)));
  const moved = sub(kernel, mul(reshape(step, shape), rate));
  const next = mul(moved, sqrt(div(sum(square(kernel)), sum(square(moved)))));

  const parts: Record<string, Tensor> = { momentum };
  if (averageDecay > 0) parts.average = add(mul(state('average'), averageDecay), mul(next, 1 - averageDecay));
  return stepOf(name, next, parts);
}

/** The matrix whose singular values are all near 1 and whose singular vectors are those of this one: Newton and Schulz's iteration. */
export function orthogonal(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  const turned = (x: Tensor) => transpose(x, [1, 0]);
  const start = div(matrix, add(sqrt(sum(square(matrix))), 1e-12));
  let x = rows <= columns ? start : turned(start);
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = matMul(x, turned(x));
    x = add(mul(x, A), matMul(add(mul(gram, B), mul(matMul(gram, gram), C)), x));
  }
  return rows <= columns ? x : turned(x);
}

/** The scalars of a step. */
export const muonScalars = (learningRate: number): MuonScalars => ({ 'muon rate': Float32Array.of(learningRate) });
