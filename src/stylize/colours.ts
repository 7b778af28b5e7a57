import { FauveError } from '../errors.js';
import { isGrey, luminanceImage, matchColours } from '../image/colour.js';
import type { Image } from '../image/image.js';
import { paletteImage } from '../styles/palette.js';
import { type StyleInput, styleOf } from '../styles/style-file.js';
import type { StylizeOptions } from './options.js';
import type { WeightedStyle } from './targets.js';

/** The pictures that the losses see. */
export interface PreparedColours {
  readonly content: Image;
  readonly styles: readonly WeightedStyle[];
  /** Whether they are grey: a picture to start from has to be, too. */
  readonly grey: boolean;
  /** Whether nothing has colour, the content before all: then the picture gets none. */
  readonly colourless: boolean;
}

/** Whether a style is without colour. Of a captured one its palette says so. */
export const isGreyStyle = (style: { readonly image: Image } | { readonly style: StyleInput }): boolean =>
  isGrey('image' in style ? style.image : paletteImage(styleOf(style.style).palette));

/**
 * The pictures that the losses see (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer"). `match`: each style
 * is given the content's mean colour and covariance. `luminance`: only brightness is compared, with the style's mean and contrast
 * moved to the content's. The statistics of a captured style are those of its colours: with one, everything stays in colour,
 * and `luminance` takes the brightness of the finished picture.
 * Where neither the content nor any style has colour, everything is grey.
 * @throws FauveError `usage` for `match` with a captured style
 */
export function prepareColours(
  content: Image,
  styles: readonly WeightedStyle[],
  colours: StylizeOptions['colours'],
): PreparedColours {
  const seen = seenColours(content, styles, colours);
  if (!isGrey(content) || !seen.styles.every(isGreyStyle)) return { ...seen, colourless: false };
  return {
    content: luminanceImage(content),
    styles: seen.styles.map((style) => ('image' in style ? { ...style, image: luminanceImage(style.image) } : style)),
    grey: true,
    colourless: true,
  };
}

function seenColours(
  content: Image,
  styles: readonly WeightedStyle[],
  colours: StylizeOptions['colours'],
): Omit<PreparedColours, 'colourless'> {
  const captured = styles.flatMap((style) => ('style' in style ? [style.style.name] : []));
  if (colours === 'match' && captured.length > 0) {
    throw new FauveError(
      'request',
      `colours 'match' recolours the painting, and the style ${captured[0]} is one without its painting. Use the painting itself as an image, or colours 'luminance'.`,
    );
  }
  if (colours === 'style' || captured.length > 0) return { content, styles, grey: false };
  const grey = colours === 'luminance';
  const seen = grey ? luminanceImage : (image: Image) => image;
  const reference = seen(content);
  return {
    content: reference,
    styles: styles.map((style) =>
      'image' in style ? { ...style, image: matchColours(seen(style.image), reference) } : style,
    ),
    grey,
  };
}
