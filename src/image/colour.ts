import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { FauveError } from '../errors.js';
import { createImage, type Image } from './image.js';
import { resizeImage } from './resize.js';

/** Shares of red, green and blue in the luma Y of ITU-R BT.601: the Y of YCbCr and of YIQ, on sRGB-encoded values. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * A direction of colour in which the style varies by less than this (standard deviation, three 8-bit levels) holds
 * rounding and JPEG noise rather than colour: it is not stretched as though it had this much variance less.
 */
const LEAST_DEVIATION = 3 / 255;

/**
 * Luma Y of every pixel, in [0,1]: 0.299 R + 0.587 G + 0.114 B on the sRGB-encoded values (BT.601).
 * @returns height·width values
 */
export function luminance({ data, width, height }: Image): Float32Array {
  const size = width * height;
  const y = new Float32Array(size);
  for (let i = 0; i < size; i++) y[i] = luma(data[i]!, data[size + i]!, data[2 * size + i]!);
  return y;
}

/** Channels of a grey pixel may differ by a level of 8 bits, however it was rounded: greys of JPEG do. */
const GREY = 1.5 / 255;

/** Whether a picture has no colour: a sepia print or a bluish one has. */
export function isGrey({ data, width, height }: Image): boolean {
  const size = width * height;
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [data[i]!, data[size + i]!, data[2 * size + i]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY) return false;
  }
  return true;
}

/** The picture in grey: its luminance in all three channels, alpha as it was. */
export function luminanceImage(image: Image): Image {
  const y = luminance(image);
  const data = new Float32Array(3 * y.length);
  for (let channel = 0; channel < 3; channel++) data.set(y, channel * y.length);
  return createImage(image.width, image.height, data, image.alpha);
}

/**
 * The brush strokes of one picture in the colours of another: luminance of `generated`, chroma of `content` (YIQ or
 * YCbCr, which give the same; Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer", section 3).
 *
 * Where that colour is outside [0,1], its chroma is scaled down until it is inside: luminance and hue stay, where
 * clipping the channels would change both. Values in and out are in [0,1].
 * @returns with the alpha of `generated`, or else of `content`
 * @throws FauveError `input` when the sizes differ
 */
export function keepLuminance(content: Image, generated: Image): Image {
  const { width, height } = generated;
  if (content.width !== width || content.height !== height) {
    throw new FauveError(
      'input',
      `Keeping the colours needs two images of one size: the content is ${content.width}×${content.height}, the generated image ${width}×${height}. Resize the content first.`,
    );
  }
  const size = width * height;
  const from = luminance(content);
  const to = luminance(generated);
  const data = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    const y = Math.min(1, to[i]!);
    let share = 1;
    for (let p = i; p < data.length; p += size) {
      const chroma = content.data[p]! - from[i]!;
      if (y + chroma > 1) share = Math.min(share, (1 - y) / chroma);
      else if (y + chroma < 0) share = Math.min(share, -y / chroma);
    }
    for (let p = i; p < data.length; p += size) {
      data[p] = Math.min(1, Math.max(0, y + share * (content.data[p]! - from[i]!)));
    }
  }
  return createImage(width, height, data, generated.alpha ?? content.alpha);
}

/**
 * A style in the colours of a content: every pixel x becomes A·x + b, so that the mean and the covariance of the
 * style's colours become those of the content's. A = Σ_content^½ · Σ_style^−½ with symmetric square roots, the form that
 * Gatys et al. 2016 ("Preserving Color in Neural Artistic Style Transfer", section 2.1) take from Image Analogies.
 *
 * Pixels count by their alpha. Departures: a direction in which the style hardly varies, as in a grey picture, is not
 * amplified; and the result is clipped to [0,1], so that the statistics match up to what the clipping takes.
 * On two {@link luminanceImage}s this is the luminance match of the same paper (section 3).
 */
export function matchColours(style: Image, content: Image): Image {
  const [source, target] = [colourStatistics(style), colourStatistics(content)];
  const map = symmetricPower(target.covariance, 0.5, 0).mmul(
    symmetricPower(source.covariance, -0.5, LEAST_DEVIATION ** 2),
  );
  const size = style.width * style.height;
  const data = new Float32Array(3 * size);
  for (let channel = 0; channel < 3; channel++) {
    const [r, g, b] = map.getRow(channel) as [number, number, number];
    const offset = target.mean[channel]! - r * source.mean[0] - g * source.mean[1] - b * source.mean[2];
    for (let i = 0; i < size; i++) {
      const value = r * style.data[i]! + g * style.data[size + i]! + b * style.data[2 * size + i]! + offset;
      data[channel * size + i] = Math.min(1, Math.max(0, value));
    }
  }
  return createImage(style.width, style.height, data, style.alpha);
}

/** Where an image's colours lie in RGB: their mean and how they spread. */
export interface ColourStatistics {
  readonly mean: readonly [red: number, green: number, blue: number];
  /** 3×3, symmetric. */
  readonly covariance: Matrix;
}

/** Mean and covariance of the pixels' RGB values, each pixel weighted by its alpha (all alike when none can be seen). */
export function colourStatistics({ data, alpha, width, height }: Image): ColourStatistics {
  const size = width * height;
  const weights = alpha?.some((a) => a > 0) ? alpha : undefined;
  const total = weights ? weights.reduce((sum, a) => sum + a, 0) : size;
  const plane = (channel: number) => data.subarray(channel * size, (channel + 1) * size);
  const average = (value: (i: number) => number) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += weights ? weights[i]! * value(i) : value(i);
    return sum / total;
  };
  const mean = [0, 1, 2].map((channel) => {
    const values = plane(channel);
    return average((i) => values[i]!);
  }) as [number, number, number];
  const covariance = Matrix.zeros(3, 3);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column <= row; column++) {
      const [a, b] = [plane(row), plane(column)];
      const value = average((i) => (a[i]! - mean[row]!) * (b[i]! - mean[column]!));
      covariance.set(row, column, value);
      covariance.set(column, row, value);
    }
  }
  return { mean, covariance };
}

/** A power of a symmetric positive semi-definite matrix, its eigenvalues raised to `least` first. */
function symmetricPower(matrix: Matrix, exponent: number, least: number): Matrix {
  const { realEigenvalues, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const powers = realEigenvalues.map((value) => Math.max(value, least) ** exponent);
  return vectors.mmul(Matrix.diag(powers)).mmul(vectors.transpose());
}

function luma(r: number, g: number, b: number): number {
  return LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
}

/** Whose colours a picture has: the style's, the photo's with only its brightness restyled, or the style recoloured as the photo. */
export type Colours = 'style' | 'luminance' | 'match';

/**
 * The finished picture: with `luminance` it gets the content's colours back, without any colour there it is grey to the last bit; the
 * content's alpha always comes along.
 */
export function finishColours(picture: Image, content: Image, colours: Colours, colourless: boolean): Image {
  const { width, height } = picture;
  const takesColours = colours === 'luminance' && !colourless;
  const shown = colourless ? luminanceImage(picture) : picture;
  if (!takesColours && !content.alpha) return shown;
  const original = resizeImage(content, width, height);
  const { data } = takesColours ? keepLuminance(original, picture) : shown;
  return createImage(width, height, data, original.alpha);
}
