import { add, clip, div, max, mul, sqrt, sub } from '../graph/ops.js';
import { input, type Tensor } from '../graph/tensor.js';

/** Options of {@link adamStep}. */
export interface AdamOptions {
  /** β₁, the memory of the mean gradient. */
  readonly beta1: number;
  /** β₂, the memory of the mean squared gradient. */
  readonly beta2: number;
  readonly epsilon: number;
  /** Divide by the largest second moment so far, so that the step length never grows again (Reddi et al. 2018). */
  readonly amsgrad: boolean;
  /** `[low, high]`: every value is projected into it after the step. */
  readonly bounds?: readonly [number, number];
  /**
   * Decay of an exponential moving average of the values; 0: none. It starts at zero as the moments do: divide it by
   * 1 − decayᵗ ({@link averageCorrection}).
   */
  readonly averageDecay: number;
}

export const defaultAdamOptions: AdamOptions = Object.freeze({
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  amsgrad: false,
  averageDecay: 0,
});

/** Scalars that each run feeds: they depend on the number of the step. Names as inputs of the graph. */
export type AdamScalars = {
  /** Learning rate over 1 − β₁ᵗ. */
  readonly 'adam rate': Float32Array;
  /** 1 / (1 − β₂ᵗ). */
  readonly 'adam correction': Float32Array;
};

/** {@link AdamScalars} as inputs of a graph: make them once, for all the values that one graph steps. */
export interface AdamInputs {
  readonly rate: Tensor;
  readonly correction: Tensor;
}

export function adamInputs(): AdamInputs {
  return { rate: input('adam rate', []), correction: input('adam correction', []) };
}

/** One step of an optimiser as part of a graph: what goes in, what comes out, and which output becomes which input. */
export interface OptimiserStep {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Input → output of the state, as `Session.run` carries it. The values themselves are among them. */
  readonly carry: Readonly<Record<string, string>>;
  /** The state's inputs, beside the values. They start at zero. */
  readonly state: readonly string[];
}

/**
 * Adam (Kingma & Ba 2015, alg. 1), with AMSGrad as PyTorch does it: the maximum is of the moment before its bias is corrected.
 * The state stays on the device: it is carried from run to run, and only the two scalars come from the host.
 * @param values what is optimised, an input of the graph
 * @param gradient of the same shape
 * @param scalars may be scaled: a network's tensors learn at rates of their own
 */
export function adamStep(
  values: Tensor<'Input'>,
  gradient: Tensor,
  options: AdamOptions = defaultAdamOptions,
  { rate, correction }: AdamInputs = adamInputs(),
): OptimiserStep {
  const { beta1, beta2, epsilon, amsgrad, bounds, averageDecay } = options;
  const { name } = values.attributes;
  const state = (part: string) => input(`${name} ${part}`, values.shape);

  const first = state('first moment');
  const second = state('second moment');
  const nextFirst = add(mul(first, beta1), mul(gradient, 1 - beta1));
  const nextSecond = add(mul(second, beta2), mul(mul(gradient, gradient), 1 - beta2));
  const largest = amsgrad ? max(state('largest moment'), nextSecond) : nextSecond;
  const step = div(nextFirst, add(sqrt(mul(largest, correction)), epsilon));
  const moved = sub(values, mul(step, rate));
  const next = bounds ? clip(moved, bounds[0], bounds[1]) : moved;

  const parts: Record<string, Tensor> = { 'first moment': nextFirst, 'second moment': nextSecond };
  if (amsgrad) parts['largest moment'] = largest;
  if (averageDecay > 0) parts.average = add(mul(state('average'), averageDecay), mul(next, 1 - averageDecay));

  return stepOf(name, next, parts);
}

/** @param next the values after the step @param parts what the optimiser remembers of them, by name */
export function stepOf(name: string, next: Tensor, parts: Readonly<Record<string, Tensor>>): OptimiserStep {
  const all = { [name]: next, ...Object.fromEntries(Object.entries(parts).map(([part, t]) => [`${name} ${part}`, t])) };
  return {
    outputs: Object.fromEntries(Object.entries(all).map(([key, t]) => [`next ${key}`, t])),
    carry: Object.fromEntries(Object.keys(all).map((key) => [key, `next ${key}`])),
    state: Object.keys(parts).map((part) => `${name} ${part}`),
  };
}

/** The scalars of a step. @param step counted from 1 @param learningRate at this step */
export function adamScalars(step: number, learningRate: number, { beta1, beta2 }: AdamOptions): AdamScalars {
  return {
    'adam rate': Float32Array.of(learningRate / (1 - beta1 ** step)),
    'adam correction': Float32Array.of(1 / (1 - beta2 ** step)),
  };
}

/** What the moving average has to be multiplied with after a number of steps. */
export function averageCorrection(step: number, decay: number): number {
  return 1 / (1 - decay ** step);
}
