import { FauveError } from '../errors.js';
import { keepLuminance, luminanceImage, matchColours } from '../image/colour.js';
import { createImage, type Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import type { StylizeOptions } from './options.js';
import type { WeightedStyle } from './targets.js';

/** The pictures that the losses see. */
export interface PreparedColours {
  readonly content: Image;
  readonly styles: readonly WeightedStyle[];
  /** Whether they are grey: a picture to start from has to be, too. */
  readonly grey: boolean;
}

/**
 * The pictures that the losses see (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer"). `match`: each style
 * is given the content's mean colour and covariance. `luminance`: only brightness is compared, with the style's mean and contrast
 * moved to the content's. The statistics of a captured style are those of its colours: with one, everything stays in colour,
 * and `luminance` takes the brightness of the finished picture.
 * @throws FauveError `usage` for `match` with a captured style
 */
export function prepareColours(
  content: Image,
  styles: readonly WeightedStyle[],
  colours: StylizeOptions['colours'],
): PreparedColours {
  const captured = styles.flatMap((style) => ('style' in style ? [style.style.name] : []));
  if (colours === 'match' && captured.length > 0) {
    throw new FauveError(
      'usage',
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

/** The finished picture: with `luminance` it gets the content's colours back; the content's alpha always comes along. */
export function finishColours(picture: Image, content: Image, colours: StylizeOptions['colours']): Image {
  const { width, height } = picture;
  if (colours !== 'luminance' && !content.alpha) return picture;
  const original = resizeImage(content, width, height);
  const { data } = colours === 'luminance' ? keepLuminance(original, picture) : picture;
  return createImage(width, height, data, original.alpha);
}
