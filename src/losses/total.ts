import { anObject, objectWith } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { add, averagePool, conv, mul } from '../graph/ops.js';
import { constant, input, type Shape, scalar, type Tensor } from '../graph/tensor.js';
import type { LossNetwork } from '../networks/vgg.js';
import { contentTerm, type Normalisation } from './content.js';
import { type StyleStatistics, styleTerm } from './style.js';
import type { Features, LossTerm, Term } from './term.js';
import { type TotalVariationNorm, totalVariationTerm } from './total-variation.js';

export { styleTarget } from './style.js';
export type { LossTerm } from './term.js';

/** What is compared at which layers, and how much each counts. */
export interface LossSettings {
  readonly contentWeight: number;
  readonly styleWeight: number;
  readonly tvWeight: number;
  /** Layer → weight. Weights of one kind are divided by their sum: `contentWeight` and `styleWeight` set the scale. */
  readonly contentLayers: Readonly<Record<string, number>>;
  readonly styleLayers: Readonly<Record<string, number>>;
  readonly styleStatistics: StyleStatistics;
  /** At how many sizes the style is compared, each half the one before; 1 without it. They share the weight alike. */
  readonly styleSizes?: number;
  readonly tvNorm: TotalVariationNorm;
  readonly normalisation: Normalisation;
  /** The image is looked at in grey: its colours change nothing, and its gradient has none. */
  readonly grey?: boolean;
}

/** The losses of a generated image as a graph. */
export interface LossGraph {
  /** Σ weight · term, a scalar. */
  readonly total: Tensor;
  readonly terms: readonly (LossTerm & { readonly value: Tensor })[];
  /** The targets that have to be fed: names and shapes, as {@link targetGraph} makes them. */
  readonly targets: Readonly<Record<string, Shape>>;
}

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

/** Halvings at which the style is compared: 0 is the full size. */
export const levelsOf = ({ styleSizes = 1 }: Pick<LossSettings, 'styleSizes'>): number[] =>
  Array.from({ length: styleSizes }, (_, level) => level);

/** The terms that the settings want, in the order in which they are reported. */
function termsOf(settings: LossSettings): Term[] {
  const { contentWeight, styleWeight, tvWeight, contentLayers, styleLayers } = settings;
  const { styleStatistics, normalisation, tvNorm } = settings;
  const layers = activeLayers(settings);
  const share = (all: Readonly<Record<string, number>>, layer: string) =>
    all[layer]! / Object.values(all).reduce((sum, weight) => sum + weight, 0);
  const terms = [
    ...layers.content.map((layer) => contentTerm(layer, contentWeight * share(contentLayers, layer), normalisation)),
    ...levelsOf(settings).flatMap((level, _, levels) =>
      layers.style.map((layer) => {
        const weight = (styleWeight * share(styleLayers, layer)) / levels.length;
        return styleTerm(layer, weight, styleStatistics, normalisation, level);
      }),
    ),
  ];
  if (tvWeight !== 0) terms.push(totalVariationTerm(tvWeight, tvNorm));
  return terms;
}

/** The terms that the settings ask for, in the order in which they are reported. @throws FauveError when there is none. */
export function lossTerms(settings: LossSettings): LossTerm[] {
  areSettings(settings, 'lossTerms');
  const terms = termsOf(settings);
  if (terms.length === 0)
    throw new FauveError('request', 'All loss weights are 0. Give at least one a positive weight.');
  return terms.map(({ targets: _targets, value: _value, ...told }) => told);
}

/**
 * Content, style and total-variation losses of an image against targets that are fed, and their weighted total.
 * @param image [1,3,H,W], RGB in [0,1]
 */
export function lossGraph(network: LossNetwork, image: Tensor, settings: LossSettings): LossGraph {
  const list = termsOf(settings);
  const seen = settings.grey ? conv(image, meanOfColours) : image;
  const features = featuresOf(network, seen, list);
  const targets: Record<string, Shape> = {};
  const values = list.map((term) => {
    const own = features(term);
    const shapes = Object.entries(term.targets(own)).map(([name, { shape }]) => [name, shape] as const);
    Object.assign(targets, Object.fromEntries(shapes));
    return term.value(own, Object.fromEntries(shapes.map(([name, shape]) => [name, input(name, shape)])));
  });
  const terms = lossTerms(settings).map((term, i) => ({ ...term, value: values[i]! }));
  const total = terms.reduce((sum, term) => add(sum, mul(term.value, term.weight)), scalar(0) as Tensor);
  return { total, terms, targets };
}

/** A kernel [3,3,1,1]. All colours get the same gradient, so that a picture that starts grey stays grey. */
const meanOfColours = constant(new Float32Array(9).fill(1 / 3), [3, 3, 1, 1]);

/** What each term sees: the features of the picture, or of a smaller one. */
function featuresOf(network: LossNetwork, image: Tensor, terms: readonly Term[]): (term: Term) => Features {
  const head = (layer: string) => network.head(layer);
  const byLevel = new Map<number, Features>();
  let seen = image;
  const deepest = Math.max(0, ...terms.map(({ level = 0 }) => level));
  for (let level = 0; level <= deepest; level++) {
    if (level > 0) seen = averagePool(seen);
    const layers = new Set(terms.flatMap((term) => ((term.level ?? 0) === level ? (term.layer ?? []) : [])));
    byLevel.set(level, { image: seen, layers: network.features(seen, [...layers]), head });
  }
  return ({ level = 0 }) => byLevel.get(level)!;
}

/** The targets of a content image, to be fed to {@link lossGraph}: its features. */
export const contentTargets = (network: LossNetwork, image: Tensor, settings: LossSettings) =>
  targetsOf('content', network, image, settings);

/**
 * The targets of one style image: its statistics. Several styles are blended by the weighted mean of their targets
 * ({@link blendTargets}).
 */
export const styleTargets = (network: LossNetwork, image: Tensor, settings: LossSettings) =>
  targetsOf('style', network, image, settings);

function targetsOf(
  kind: LossTerm['kind'],
  network: LossNetwork,
  image: Tensor,
  settings: LossSettings,
): Record<string, Tensor> {
  const terms = termsOf(settings).filter((term) => term.kind === kind);
  const features = featuresOf(network, image, terms);
  return Object.assign({}, ...terms.map((term) => term.targets(features(term))));
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
