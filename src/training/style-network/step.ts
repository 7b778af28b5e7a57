import { FauveError } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { grad } from '../../graph/grad.js';
import { add, div, matMul, mean, min, mul, reshape, slice, sqrt, square, sub, sum } from '../../graph/ops.js';
import { constant, input, type Shape, scalar, type Tensor } from '../../graph/tensor.js';
import { contentErrors, gramMatrices, relativeErrors } from '../../losses/batch.js';
import { totalVariationLoss } from '../../losses/total-variation.js';
import type { LossNetwork } from '../../networks/vgg.js';
import { type AdamOptions, adamInputs, adamScalars, adamStep, defaultAdamOptions } from '../../optim/adam.js';
import { muonInput, muonScalars, muonStep } from '../../optim/muon.js';
import { styleNetwork } from '../../style-network/graph.js';
import { isNormalised, type StyleNetworkShape, styleNetworkMargins } from '../../style-network/shape.js';
import type { TrainOptions } from './options.js';

/** How far the second picture of the stability term is shifted; not by a multiple of the network's stride of 4. */
const SHIFT = [3, 5] as const;

export const photosInput = 'photos';
export const styleInput = 'style';
export const styleWeightInput = 'style weight';
export const noiseInput = 'noise';
/** Gram matrices of all styles at a layer: [S, k·k]. */
export const targetInput = (layer: string) => `styles ${layer}`;

/** One training step as a graph. */
export interface TrainingStep {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Names of the terms among the outputs, and the weights with which they enter `total`. */
  readonly terms: readonly { readonly name: string; readonly weight: number }[];
  /** The weights that are trained. */
  readonly names: readonly string[];
  /** The optimiser's state beside them; it starts at zero. */
  readonly state: readonly string[];
  readonly carry: Readonly<Record<string, string>>;
  /** What the optimiser is fed at a step, counted from 1. */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, Float32Array>>;
}

/**
 * One step of training a style network (Johnson et al. 2016, §3): the network restyles a batch of photos, a loss network
 * compares the pictures with the photos (content) and with the styles (Gram matrices), and Adam or Muon changes the weights, all in one
 * graph. Terms are relative: each over its target's own power, of each picture, then the mean over the batch.
 *
 * The photos come with their surroundings, and the losses see the middle alone. Were the border mirrored, as it is when the network is
 * applied, the network would see where the loss network's view ends, and paint a frame there, which is a cheap place for a style's colours.
 *
 * Inputs: `photos` [N,3,H,H] in [0,1], {@link styleNetworkMargins} included; `style weight` [N,1,1]; with several styles `style` [N,S];
 * with a stability term `noise` [N,3,H,H]; `styles LAYER` [S,k·k]; the optimiser's scalars. Outputs: `total`, each term, `gradient norm`.
 * @param frozen weights that are not trained, as constants
 */
export function trainingStep(
  network: LossNetwork,
  shape: StyleNetworkShape,
  trained: ReadonlyMap<string, { readonly shape: Shape }>,
  frozen: ReadonlyMap<string, WeightTensor>,
  options: TrainOptions,
): TrainingStep {
  const { batch, cropSize } = options;
  const { before, after } = styleNetworkMargins(shape);
  const surrounded = input(photosInput, photosShape(shape, options));
  const middle = (t: Tensor, side: number) => slice(t, [0, 0, before, before], [batch, 3, side, side]);
  const photos = middle(surrounded, cropSize);
  const style = shape.styles > 1 ? input(styleInput, [batch, shape.styles]) : undefined;
  const parameters = new Map<string, Tensor>();
  for (const [name, { shape, data }] of frozen) parameters.set(name, constant(data, shape));
  const inputs = new Map([...trained].map(([name, { shape }]) => [name, input(name, shape)]));
  for (const [name, t] of inputs) parameters.set(name, t);
  const restyled = (x: Tensor, around: Tensor) =>
    styleNetwork(x, style, (name) => parameters.get(name)!, shape, around);
  const pictures = restyled(photos, surrounded);

  const terms: { name: string; weight: number; value: Tensor }[] = [];
  const contents = shares(options.contentLayers, options.contentWeight);
  const styles = shares(options.styleLayers, options.styleWeight);
  const seen = network.features(pictures, [...new Set([...contents, ...styles].map(([layer]) => layer))]);
  const wanted = network.features(
    photos,
    contents.map(([layer]) => layer),
  );
  for (const [layer, weight] of contents) {
    const value = mean(contentErrors(seen[layer]!, wanted[layer]!, network.head(layer)));
    terms.push({ name: `content ${layer}`, weight, value });
  }
  const styleWeight = input(styleWeightInput, [batch, 1, 1]);
  for (const [layer, weight] of styles) {
    const grams = gramMatrices(seen[layer]!, network.head(layer));
    const k = grams.shape[1]!;
    const known = input(targetInput(layer), [shape.styles, k * k]);
    const target = reshape(style ? matMul(style, known) : known, [style ? batch : 1, k, k]);
    terms.push({ name: `style ${layer}`, weight, value: mean(mul(relativeErrors(grams, target), styleWeight)) });
  }
  if (options.tvWeight > 0) {
    terms.push({ name: 'total variation', weight: options.tvWeight, value: totalVariationLoss(pictures, 'squared') });
  }
  if (options.stabilityWeight > 0) {
    const side = cropSize - Math.max(...SHIFT);
    const shifted = (t: Tensor, side: number) => slice(t, [0, 0, ...SHIFT], [batch, 3, side, side]);
    const noisy = shifted(add(surrounded, input(noiseInput, surrounded.shape)), side + before + after);
    const change = sub(restyled(middle(noisy, side), noisy), shifted(pictures, side));
    terms.push({ name: 'stability', weight: options.stabilityWeight, value: mean(square(change)) });
  }
  if (terms.length === 0) {
    throw new FauveError('request', 'All weights of the losses are 0: there is nothing to train for. Make one larger.');
  }
  const total = terms.reduce((all, { value, weight }) => add(all, mul(value, weight)), scalar(0) as Tensor);

  const names = [...inputs.keys()];
  const gradients = grad(total, [...inputs.values()]);
  const norm = sqrt(gradients.map((g) => sum(square(g))).reduce((a, b) => add(a, b)));
  const adam: AdamOptions = {
    ...defaultAdamOptions,
    beta1: options.beta1,
    beta2: options.beta2,
    epsilon: options.epsilon,
    amsgrad: options.amsgrad,
    averageDecay: options.averageDecay,
  };
  // Gradient clipping by the norm of all together (Pascanu et al. 2013).
  const factor = options.clipNorm > 0 ? min(1, div(options.clipNorm, add(norm, 1e-12))) : undefined;
  const [scalars, rate] = [adamInputs(), muonInput()];
  const turned = names.filter((name) => options.optimiser === 'muon' && isNormalised(name));
  const steps = [...inputs].map(([name, t], i) => {
    const gradient = factor ? mul(gradients[i]!, factor) : gradients[i]!;
    const values = t as Tensor<'Input'>;
    return turned.includes(name) ? muonStep(values, gradient, adam, rate) : adamStep(values, gradient, adam, scalars);
  });
  return {
    outputs: Object.assign(
      { total, 'gradient norm': norm },
      Object.fromEntries(terms.map(({ name, value }) => [name, value])),
      ...steps.map((step) => step.outputs),
    ) as Record<string, Tensor>,
    terms: terms.map(({ name, weight }) => ({ name, weight })),
    names,
    state: steps.flatMap((step) => step.state),
    carry: Object.assign({}, ...steps.map((step) => step.carry)) as Record<string, string>,
    scalars: (step, learningRate) => ({
      ...(turned.length < names.length ? adamScalars(step, learningRate, adam) : {}),
      ...(turned.length > 0 ? muonScalars(learningRate) : {}),
    }),
  };
}

/** Of the input `photos`: crops and what lies around them. */
export function photosShape(shape: StyleNetworkShape, { batch, cropSize }: TrainOptions): Shape {
  const { before, after } = styleNetworkMargins(shape);
  const side = cropSize + before + after;
  return [batch, 3, side, side];
}

/** Layers of weight above 0 and their shares of a weight. */
function shares(layers: Readonly<Record<string, number>>, weight: number): [string, number][] {
  const active = Object.entries(layers).filter(([, share]) => share > 0);
  const all = active.reduce((total, [, share]) => total + share, 0);
  return weight > 0 ? active.map(([layer, share]) => [layer, (weight * share) / all]) : [];
}
