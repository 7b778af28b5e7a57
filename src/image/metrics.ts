import { FauveError } from '../errors.js';
import { luminance } from './colour.js';
import { checkImage, type Image } from './image.js';

/** Wang et al. 2004: an 11×11 Gaussian window of standard deviation 1.5, and (K·L)² with K = 0.01, 0.03 and L = 1. */
const WINDOW = 11;
const SIGMA = 1.5;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/**
 * Peak signal-to-noise ratio in decibels over all RGB values, the peak being 1. Infinity when the images are equal.
 * Alpha is not compared.
 * @example
 * ```ts
 * import { createImage, psnr } from 'fauve';
 *
 * const grey = (level) => createImage(1, 1, new Float32Array(3).fill(level));
 * console.log(psnr(grey(0.5), grey(0.6)).toFixed(1)); // 20.0
 * ```
 * @throws FauveError `input` when the sizes differ
 */
export function psnr(a: Image, b: Image): number {
  sameSize(a, b);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return -10 * Math.log10(sum / a.data.length);
}

/**
 * Mean structural similarity of the luminances: 1 when they are equal, at least −1 (Wang et al. 2004, "Image Quality
 * Assessment: From Error Visibility to Structural Similarity", eq. 13). Only windows that lie within the picture count.
 * A side shorter than the window takes a window as long as the side. Alpha is not compared.
 * @throws FauveError `input` when the sizes differ
 */
export function ssim(a: Image, b: Image): number {
  sameSize(a, b);
  const [x, y] = [luminance(a), luminance(b)].map((values) => Float64Array.from(values)) as [
    Float64Array,
    Float64Array,
  ];
  const blur = (values: Float64Array) => gaussian(values, a.width, a.height);
  const product = (p: Float64Array, q: Float64Array) => p.map((value, i) => value * q[i]!);
  const [meanX, meanY] = [blur(x), blur(y)];
  const [powerX, powerY, powerXY] = [blur(product(x, x)), blur(product(y, y)), blur(product(x, y))];
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const [mx, my] = [meanX[i]!, meanY[i]!];
    const covariance = powerXY[i]! - mx * my;
    const variances = powerX[i]! - mx * mx + powerY[i]! - my * my;
    sum += ((2 * mx * my + C1) * (2 * covariance + C2)) / ((mx * mx + my * my + C1) * (variances + C2));
  }
  return sum / meanX.length;
}

/** Gaussian average of every window that lies within the plane: [height−h+1, width−w+1] values. */
function gaussian(plane: Float64Array, width: number, height: number): Float64Array {
  const [across, down] = [gaussianWindow(width), gaussianWindow(height)];
  const newWidth = width - across.length + 1;
  const newHeight = height - down.length + 1;
  const rows = new Float64Array(newHeight * width);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < down.length; k++) rows[i] = rows[i]! + down[k]! * plane[i + k * width]!;
  }
  const out = new Float64Array(newHeight * newWidth);
  for (let i = 0; i < out.length; i++) {
    const start = Math.floor(i / newWidth) * width + (i % newWidth);
    for (let k = 0; k < across.length; k++) out[i] = out[i]! + across[k]! * rows[start + k]!;
  }
  return out;
}

/** Weights that add up to 1, as many as fit in `side`. */
function gaussianWindow(side: number): readonly number[] {
  const length = Math.min(WINDOW, side);
  const weights = Array.from({ length }, (_, i) => Math.exp(-((i - (length - 1) / 2) ** 2) / (2 * SIGMA ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function sameSize(a: Image, b: Image): void {
  checkImage(a, 'The first image');
  checkImage(b, 'The second image');
  if (a.width !== b.width || a.height !== b.height) {
    throw new FauveError(
      'input',
      `Comparing needs two images of one size, received ${a.width}×${a.height} and ${b.width}×${b.height}. Resize one of them.`,
    );
  }
}
