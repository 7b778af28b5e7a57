import type { Size } from '../image/size.js';
import type { NamedStyle } from '../style-network/code.js';
import type { Precision, StyleNetwork } from '../style-network/open.js';
import type { ApplyOptions } from '../style-network/options.js';
import type { StylizeOptions } from '../stylize/options.js';
import type { ApplyRecipe, Recipe, StylizeRecipe, TextureRecipe } from './recipe.js';

/** What all recipes say, and every face knows. */
type Made = Pick<Recipe, 'fauve' | 'engine' | 'quality' | 'step'>;

/** A network by its name and checksum. */
interface Named {
  readonly name: string;
  readonly sha256: string;
}

const named = ({ name, sha256 }: Named): Named => ({ name, sha256 });

/** The recipe of a picture of `stylize`. @param run.size of the picture, in pixels */
export function stylizeRecipe({
  weights,
  polishWeights,
  fast,
  options,
  size: { width, height },
  ...run
}: Made &
  Pick<StylizeRecipe, 'content' | 'styles' | 'init'> & {
    readonly weights: Named;
    readonly polishWeights?: Named | undefined;
    readonly fast?: Named | undefined;
    readonly options: StylizeOptions;
    readonly size: Size;
  }): StylizeRecipe {
  return {
    kind: 'stylize',
    network: named(weights),
    polish: polishWeights && named(polishWeights),
    fast: fast && named(fast),
    ...run,
    options: { ...options, size: `${width}x${height}` },
  };
}

/**
 * The recipe of a picture of `apply`.
 * @param run.network the file of the trained network, which is open as `transformer`
 * @param run.size of the picture, for `auto`
 */
export function applyRecipe({
  network,
  transformer,
  precision = 'int8',
  styles,
  options,
  size: { width, height },
  ...run
}: Made &
  Pick<ApplyRecipe, 'content'> & {
    readonly styles: readonly NamedStyle[];
    readonly network: ApplyRecipe['transformer'];
    readonly transformer: Pick<StyleNetwork, 'styles' | 'range'>;
    readonly precision?: Precision | undefined;
    readonly options: ApplyOptions;
    readonly size: Size;
  }): ApplyRecipe {
  // Another program's network has a range and no precision, one of fauve train the other way round.
  const own = transformer.styles.length > 0;
  return {
    kind: 'apply',
    transformer: network,
    ...run,
    styles: styles.map(({ name, weight = 1 }) => ({ name, weight })),
    ...(own ? { precision } : { range: transformer.range }),
    options: options.size === 'auto' ? { ...options, size: `${width}x${height}` } : options,
  };
}

/** The recipe of a picture of `texture`. */
export function textureRecipe({
  weights,
  ...run
}: Made & Pick<TextureRecipe, 'style' | 'options'> & { readonly weights: Named }): TextureRecipe {
  return { kind: 'texture', network: named(weights), ...run };
}
