import type { WeightTensor } from '../../formats/tensor.js';
import { grad } from '../../graph/grad.js';
import { add, div, mean, mul, reshape, slice, sqrt, square, sub, sum } from '../../graph/ops.js';
import { constant, input, type Tensor } from '../../graph/tensor.js';
import { gramMatrices, power, relativeErrors } from '../../losses/batch.js';
import { project } from '../../losses/content.js';
import { totalVariationLoss } from '../../losses/total-variation.js';
import { distilledTaps } from '../../networks/distilled.js';
import type { NetworkWeights } from '../../networks/network.js';
import { preprocess } from '../../networks/vgg.js';
import { type AdamOptions, adamInputs, adamStep } from '../../optim/adam.js';
import { convolutionsOf, forward } from './student.js';

const CONTENT_TAP = 'relu4_2';
const styleTaps = distilledTaps.filter((tap) => tap !== CONTENT_TAP);
const TINY = 1e-12;

/** How many pictures a step sees, and what of them counts. */
export interface StepShape {
  /** Pictures in the making, each with its content and its style. */
  readonly triplets: number;
  /** Other crops. */
  readonly fresh: number;
  readonly size: number;
  /** Weight of the relative errors of Gram matrices beside those of the features. */
  readonly gramWeight: number;
  /** Weight of the error of what a picture's losses are made of: how far its Gram matrices and content are from its targets'. */
  readonly residualWeight: number;
}

/** What a set of pictures looks like to one of the networks. */
interface View {
  readonly features: Readonly<Record<string, Tensor>>;
  readonly grams: Readonly<Record<string, Tensor>>;
}

/**
 * One training step of a student as a graph: its features, brought to the teacher's channels by its heads, against the teacher's, and
 * Adam's step for each kernel, bias and head. Of the pictures in the making (`x`) it also gives the gradient of the student's
 * own stylisation loss, so that they go on as the student sees them: what only looks good to the student turns up among its
 * training pictures.
 *
 * Layers without a head in `student` have the teacher's channels.
 *
 * Inputs: `x` [T,3,S,S]; `rest` [2T+F,3,S,S]: the contents and the styles of x, then other crops; `content weight` [T,1,1,1].
 * Outputs: `total`; `gradient norm` of weights and pictures together; `feature LAYER`, `gram LAYER`, `residual LAYER`: relative errors; `stylisation`, its mean; `x gradient`.
 */
export function trainingStep(
  teacher: NetworkWeights,
  student: ReadonlyMap<string, WeightTensor>,
  layers: readonly string[],
  shape: StepShape,
  adam: AdamOptions,
) {
  const { triplets, fresh, size } = shape;
  const x = input('x', [triplets, 3, size, size]);
  const rest = input('rest', [2 * triplets + fresh, 3, size, size]);
  const contentWeight = input('content weight', [triplets, 1, 1, 1]);
  const parameters = new Map([...student].map(([name, { shape }]) => [name, input(name, shape)]));
  const parameter = (name: string): Tensor => parameters.get(name)!;
  const constants = new Map([...teacher.tensors].map(([name, { data, shape }]) => [name, constant(data, shape)]));

  const learned = (pictures: Tensor): View => {
    const { activations } = forward(preprocess(pictures, teacher.preprocessing), layers, parameter);
    return viewOf((tap) =>
      parameters.has(`${tap}.head`) ? project(activations[tap]!, parameter(`${tap}.head`)) : activations[tap]!,
    );
  };
  const wanted = (pictures: Tensor): View => {
    const { activations } = forward(
      preprocess(pictures, teacher.preprocessing),
      convolutionsOf(teacher),
      (name) => constants.get(name)!,
    );
    return viewOf((tap) => activations[tap]!);
  };
  const [mineX, mineRest, theirsX, theirsRest] = [learned(x), learned(rest), wanted(x), wanted(rest)];

  const all = 3 * triplets + fresh;
  const errors: Record<string, Tensor> = {};
  const outOfAll = (a: Tensor, b: Tensor) => mul(add(sum(a), sum(b)), 1 / all);
  for (const tap of distilledTaps) {
    errors[`feature ${tap}`] = outOfAll(
      relativeErrors(mineX.features[tap]!, theirsX.features[tap]!),
      relativeErrors(mineRest.features[tap]!, theirsRest.features[tap]!),
    );
  }
  const contentsOf = (t: Tensor) => rowsOf(t, 0, triplets);
  const stylesOf = (t: Tensor) => rowsOf(t, triplets, triplets);
  for (const tap of styleTaps) {
    errors[`gram ${tap}`] = outOfAll(
      relativeErrors(mineX.grams[tap]!, theirsX.grams[tap]!),
      relativeErrors(mineRest.grams[tap]!, theirsRest.grams[tap]!),
    );
    const style = stylesOf(theirsRest.grams[tap]!);
    const mine = sub(mineX.grams[tap]!, stylesOf(mineRest.grams[tap]!));
    errors[`residual ${tap}`] = residualError(mine, sub(theirsX.grams[tap]!, style), style);
  }
  const content = contentsOf(theirsRest.features[CONTENT_TAP]!);
  const change = sub(mineX.features[CONTENT_TAP]!, contentsOf(mineRest.features[CONTENT_TAP]!));
  errors[`residual ${CONTENT_TAP}`] = residualError(change, sub(theirsX.features[CONTENT_TAP]!, content), content);
  const weightOf = (name: string) =>
    name.startsWith('feature')
      ? 1
      : name.startsWith('gram')
        ? shape.gramWeight
        : name === `residual ${CONTENT_TAP}`
          ? 1
          : shape.residualWeight;
  const total = Object.entries(errors)
    .map(([name, error]) => mul(error, weightOf(name)))
    .reduce((a, b) => add(a, b));

  const stylisation = stylisationLoss(x, mineX, contentWeight, {
    content: contentsOf(mineRest.features[CONTENT_TAP]!),
    styles: mapOf((tap) => stylesOf(mineRest.grams[tap]!)),
  });
  const [xGradient] = grad(sum(stylisation), [x]) as [Tensor];

  const names = [...parameters.keys()];
  const gradients = grad(total, [...parameters.values()]);
  const scalars = adamInputs();
  const steps = names.map((name, i) => {
    // Each tensor moves by a share of its own size (root mean square).
    const { data } = student.get(name)!;
    const size = Math.sqrt(data.reduce((s, value) => s + value * value, 0) / data.length);
    const rate = mul(scalars.rate, Math.max(size, 1e-6));
    return adamStep(parameters.get(name)!, gradients[i]!, adam, { ...scalars, rate });
  });
  return {
    names,
    errorNames: Object.keys(errors),
    state: steps.flatMap((step) => step.state),
    carry: Object.assign({}, ...steps.map((step) => step.carry)) as Record<string, string>,
    outputs: {
      total,
      'gradient norm': sqrt([...gradients, xGradient].map((g) => sum(square(g))).reduce((a, b) => add(a, b))),
      ...errors,
      stylisation: mean(stylisation),
      'x gradient': xGradient,
      ...(Object.assign({}, ...steps.map((step) => step.outputs)) as Record<string, Tensor>),
    },
  };
}

/**
 * What is wrong with how far pictures are from their targets: over the target's power, as in the losses, and over the distance while
 * that is still large; otherwise a few pictures that are far away would be all that counts.
 */
function residualError(mine: Tensor, theirs: Tensor, target: Tensor): Tensor {
  return mean(div(power(sub(mine, theirs)), add(add(power(target), power(theirs)), TINY)));
}

/**
 * One step of pictures in the making with a student that does not change, as two graphs.
 * @returns `targets`: inputs `contents` and `styles` [T,3,S,S], outputs named as inputs of `step`; `step`: `x` [T,3,S,S], `content
 *   weight` [T,1,1,1] and the targets in, `x gradient` out
 */
export function makingSteps(
  { preprocessing }: NetworkWeights,
  student: ReadonlyMap<string, WeightTensor>,
  layers: readonly string[],
  { triplets, size }: { readonly triplets: number; readonly size: number },
) {
  const constants = new Map([...student].map(([name, { data, shape }]) => [name, constant(data, shape)]));
  const pictures = (name: string) => input(name, [triplets, 3, size, size]);
  const view = (of: Tensor): View => {
    const { activations } = forward(preprocess(of, preprocessing), layers, (key) => constants.get(key)!);
    return viewOf((tap) => project(activations[tap]!, constants.get(`${tap}.head`)!));
  };
  const { grams } = view(pictures('styles'));
  const content = view(pictures('contents')).features[CONTENT_TAP]!;
  const x = pictures('x');
  const loss = stylisationLoss(x, view(x), input('content weight', [triplets, 1, 1, 1]), {
    content: input('content', content.shape),
    styles: mapOf((tap) => input(`style ${tap}`, grams[tap]!.shape)),
  });
  const targets = { content, ...Object.fromEntries(styleTaps.map((tap) => [`style ${tap}`, grams[tap]!])) };
  const [gradient] = grad(sum(loss), [x]) as [Tensor];
  return { targets, step: { 'x gradient': gradient } };
}

/** The student's own loss of each picture in the making, [T,1,1,1]: relative terms with the default weights. */
function stylisationLoss(
  x: Tensor,
  mine: View,
  contentWeight: Tensor,
  target: { readonly content: Tensor; readonly styles: Readonly<Record<string, Tensor>> },
): Tensor {
  const triplets = x.shape[0]!;
  const relative = (f: Tensor, wanted: Tensor) => reshape(relativeErrors(f, wanted), [triplets, 1, 1, 1]);
  const content = relative(mine.features[CONTENT_TAP]!, target.content);
  const style = styleTaps.map((tap) => relative(mine.grams[tap]!, target.styles[tap]!)).reduce((a, b) => add(a, b));
  const smooth = mul(totalVariationLoss(x, 'squared'), 0.5);
  return add(add(mul(content, contentWeight), mul(style, 1 / styleTaps.length)), smooth);
}

const mapOf = (of: (tap: string) => Tensor) => Object.fromEntries(styleTaps.map((tap) => [tap, of(tap)]));

function viewOf(tapped: (tap: string) => Tensor): View {
  const features = Object.fromEntries(distilledTaps.map((tap) => [tap, tapped(tap)]));
  const grams = Object.fromEntries(styleTaps.map((tap) => [tap, gramMatrices(features[tap]!)]));
  return { features, grams };
}

function rowsOf(t: Tensor, start: number, count: number): Tensor {
  return slice(
    t,
    t.shape.map((_, axis) => (axis === 0 ? start : 0)),
    t.shape.with(0, count),
  );
}
