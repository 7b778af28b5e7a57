import { keepLuminance, luminanceImage, matchColours } from '../image/colour.js';
import { createImage, type Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import type { StylizeOptions } from './options.js';
import type { WeightedStyle } from './targets.js';

/**
 * The pictures that the losses see (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer"). `match`: each style
 * is given the content's mean colour and covariance. `luminance`: only brightness is compared, with the style's mean and contrast
 * moved to the content's.
 */
export function prepareColours(
  content: Image,
  styles: readonly WeightedStyle[],
  colours: StylizeOptions['colours'],
): { content: Image; styles: readonly WeightedStyle[] } {
  if (colours === 'style') return { content, styles };
  const seen = colours === 'luminance' ? luminanceImage : (image: Image) => image;
  const grey = seen(content);
  return {
    content: grey,
    styles: styles.map(({ image, weight }) => ({ image: matchColours(seen(image), grey), weight })),
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
