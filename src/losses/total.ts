import { anObject, objectWith } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { add, conv, mul } from '../graph/ops.js';
import { constant, input, type Shape, scalar, type Tensor } from '../graph/tensor.js';
import type { LossNetwork } from '../networks/vgg.js';
import { contentLoss, type Normalisation } from './content.js';
import { type StyleStatistics, styleLoss, styleStatistics } from './style.js';
import { type TotalVariationNorm, totalVariationLoss } from './total-variation.js';

/** What is compared at which layers, and how much each counts. */
export interface LossSettings {
  readonly contentWeight: number;
  readonly styleWeight: number;
  readonly tvWeight: number;
  /** Layer → weight. Weights of one kind are divided by their sum: `contentWeight` and `styleWeight` set the scale. */
  readonly contentLayers: Readonly<Record<string, number>>;
  readonly styleLayers: Readonly<Record<string, number>>;
  readonly styleStatistics: StyleStatistics;
  readonly tvNorm: TotalVariationNorm;
  readonly normalisation: Normalisation;
  /** The image is looked at in grey: its colours change nothing, and its gradient has none. */
  readonly grey?: boolean;
}

/** One term of the total loss, by layer. */
export interface LossTerm {
  /** `content relu4_2`, `style relu1_1`, `total variation`. */
  readonly name: string;
  readonly kind: 'content' | 'style' | 'total variation';
  readonly layer?: string;
  /** The factor with which the term enters the total. */
  readonly weight: number;
}

/** The losses of a generated image as a graph. */
export interface LossGraph {
  /** Σ weight · term, a scalar. */
  readonly total: Tensor;
  readonly terms: readonly (LossTerm & { readonly value: Tensor })[];
  /** The targets that have to be fed: names and shapes, as {@link targetGraph} makes them. */
  readonly targets: Readonly<Record<string, Shape>>;
}

const contentTarget = (layer: string) => `target content ${layer}`;

/** The target of a style term: part 0 is the Gram matrix or the means, part 1 the deviations. */
export const styleTarget = (layer: string, part: number) => `target style ${layer}${part === 0 ? '' : ' deviation'}`;

/** Layers that the settings need, without those of weight 0. */
export function activeLayers(settings: LossSettings): { content: string[]; style: string[] } {
  const active = (weight: number, layers: Readonly<Record<string, number>>) =>
    weight === 0 ? [] : Object.keys(layers).filter((layer) => layers[layer] !== 0);
  return {
    content: active(settings.contentWeight, settings.contentLayers),
    style: active(settings.styleWeight, settings.styleLayers),
  };
}

const areSettings = objectWith({ contentLayers: anObject, styleLayers: anObject }, 'options of stylize, complete');

/** The terms that the settings ask for, in the order in which they are reported. @throws FauveError when there is none. */
export function lossTerms(settings: LossSettings): LossTerm[] {
  areSettings(settings, 'lossTerms');
  const layers = activeLayers(settings);
  const share = (all: Readonly<Record<string, number>>, layer: string) =>
    all[layer]! / Object.values(all).reduce((sum, weight) => sum + weight, 0);
  const terms: LossTerm[] = [
    ...layers.content.map((layer) => ({
      name: `content ${layer}`,
      kind: 'content' as const,
      layer,
      weight: settings.contentWeight * share(settings.contentLayers, layer),
    })),
    ...layers.style.map((layer) => ({
      name: `style ${layer}`,
      kind: 'style' as const,
      layer,
      weight: settings.styleWeight * share(settings.styleLayers, layer),
    })),
  ];
  if (settings.tvWeight !== 0)
    terms.push({ name: 'total variation', kind: 'total variation', weight: settings.tvWeight });
  if (terms.length === 0) throw new FauveError('usage', 'All loss weights are 0. Give at least one a positive weight.');
  return terms;
}

/**
 * Content, style and total-variation losses of an image against targets that are fed, and their weighted total.
 * @param image [1,3,H,W], RGB in [0,1]
 */
export function lossGraph(network: LossNetwork, image: Tensor, settings: LossSettings): LossGraph {
  const layers = activeLayers(settings);
  const seen = settings.grey ? conv(image, meanOfColours) : image;
  const features = network.features(seen, [...new Set([...layers.content, ...layers.style])]);
  const targets: Record<string, Shape> = {};
  const target = (name: string, shape: Shape): Tensor => {
    targets[name] = shape;
    return input(name, shape);
  };
  const terms = lossTerms(settings).map((term) => {
    if (term.kind === 'total variation') return { ...term, value: totalVariationLoss(seen, settings.tvNorm) };
    const layer = term.layer!;
    const f = features[layer]!;
    const head = network.head(layer);
    if (term.kind === 'content') {
      return { ...term, value: contentLoss(f, target(contentTarget(layer), f.shape), settings.normalisation, head) };
    }
    const current = styleStatistics(f, settings.styleStatistics, head);
    const wanted = current.map((t, part) => target(styleTarget(layer, part), t.shape));
    return { ...term, value: styleLoss(current, wanted, settings.normalisation) };
  });
  const total = terms.reduce((sum, term) => add(sum, mul(term.value, term.weight)), scalar(0) as Tensor);
  return { total, terms, targets };
}

/** A kernel [3,3,1,1]. All colours get the same gradient, so that a picture that starts grey stays grey. */
const meanOfColours = constant(new Float32Array(9).fill(1 / 3), [3, 3, 1, 1]);

/** The targets of a content image, to be fed to {@link lossGraph}: its features. */
export function contentTargets(network: LossNetwork, image: Tensor, settings: LossSettings): Record<string, Tensor> {
  const features = network.features(image, activeLayers(settings).content);
  return Object.fromEntries(Object.entries(features).map(([layer, f]) => [contentTarget(layer), f]));
}

/**
 * The targets of one style image: its statistics. Several styles are blended by the weighted mean of their targets
 * ({@link blendTargets}).
 */
export function styleTargets(network: LossNetwork, image: Tensor, settings: LossSettings): Record<string, Tensor> {
  const features = network.features(image, activeLayers(settings).style);
  return Object.fromEntries(
    Object.entries(features).flatMap(([layer, f]) =>
      styleStatistics(f, settings.styleStatistics, network.head(layer)).map((t, part) => [styleTarget(layer, part), t]),
    ),
  );
}

/** The weighted mean of the targets of several styles. Weights are divided by their sum. */
export function blendTargets(
  styles: readonly { readonly targets: Readonly<Record<string, Float32Array>>; readonly weight: number }[],
): Record<string, Float32Array> {
  const sum = styles.reduce((total, style) => total + style.weight, 0);
  const names = Object.keys(styles[0]?.targets ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const blend = new Float32Array(styles[0]!.targets[name]!.length);
      for (const { targets, weight } of styles) {
        const values = targets[name]!;
        for (let i = 0; i < blend.length; i++) blend[i]! += (values[i]! * weight) / sum;
      }
      return [name, blend];
    }),
  );
}
