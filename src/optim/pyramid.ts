import { FauveError } from '../errors.js';

/** Height and width of one level. */
type Size = readonly [height: number, width: number];

/** Binomial filter [1 3 3 1]/8, times √2 so that a level has the same noise power as the one above it. */
const NEAR = (3 / 8) * Math.SQRT2;
const FAR = (1 / 8) * Math.SQRT2;

/**
 * How much further than the finest level each coarser one of the pyramid moves. Measured on pairs (s, y) of real runs: below about
 * 0.15 cycles per pixel the curvature of the total loss falls with the square of the frequency, 10 to 150 times below that of
 * single pixels, so broad washes of colour are what plain gradient steps learn last.
 */
export const defaultPyramidGains: readonly number[] = Object.freeze([1, 1, 2, 4, 8, 16]);

/**
 * A symmetric positive definite operator on an image that moves low frequencies further than high ones:
 * K = Σ gain_l · Dₗᵀ·Dₗ, where Dₗ filters and halves l times. It stands in for the inverse Hessian that L-BFGS starts from
 * (a two-level form is Bramble, Pasciak & Xu 1990, "Parallel multilevel preconditioners").
 * @param gains one for each level, the first for the image itself; levels smaller than 2 pixels are left out
 * @returns v ↦ K·v for planes [channels, height, width]; the result is a new array
 */
export function pyramidPreconditioner(
  channels: number,
  height: number,
  width: number,
  gains: readonly number[] = defaultPyramidGains,
): (v: Float32Array) => Float32Array {
  if (!gains.every((gain) => gain >= 0) || !(gains[0]! > 0)) {
    throw new FauveError('usage', `Pyramid gains are positive numbers, received ${gains.join(', ')}.`);
  }
  const sizes: Size[] = [[height, width]];
  while (sizes.length < gains.length && Math.min(...sizes.at(-1)!) >= 2) {
    const [h, w] = sizes.at(-1)!;
    sizes.push([Math.ceil(h / 2), Math.ceil(w / 2)]);
  }
  const levels = sizes.map(([h, w]) => new Float32Array(channels * h * w));
  const halfway = sizes.map(([h], l) => new Float32Array(channels * h * (sizes[l + 1]?.[1] ?? 0)));

  return (v) => {
    const result = Float32Array.from(v);
    levels[0] = result;
    for (let l = 0; l + 1 < sizes.length; l++) {
      reduceRows(levels[l]!, halfway[l]!, channels * sizes[l]![0], sizes[l]![1]);
      reduceColumns(halfway[l]!, levels[l + 1]!, channels, sizes[l]![0], sizes[l + 1]![1]);
    }
    for (let l = sizes.length - 1; l >= 0; l--) {
      const level = levels[l]!;
      const gain = gains[l]!;
      if (gain !== 1) for (let i = 0; i < level.length; i++) level[i]! *= gain;
      const finer = sizes[l + 1];
      if (!finer) continue;
      spreadColumns(levels[l + 1]!, halfway[l]!, channels, sizes[l]![0], finer[1]);
      spreadRows(halfway[l]!, level, channels * sizes[l]![0], sizes[l]![1]);
    }
    return result;
  };
}

/** Filters each row and keeps every second value; outside the image is zero. */
function reduceRows(x: Float32Array, out: Float32Array, rows: number, width: number): void {
  const half = Math.ceil(width / 2);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    const to = row * half;
    for (let j = 0; j < half; j++) {
      const i = 2 * j;
      const inner = NEAR * (x[from + i]! + (i + 1 < width ? x[from + i + 1]! : 0));
      out[to + j] = inner + FAR * ((i > 0 ? x[from + i - 1]! : 0) + (i + 2 < width ? x[from + i + 2]! : 0));
    }
  }
}

function reduceColumns(x: Float32Array, out: Float32Array, channels: number, height: number, width: number): void {
  const half = Math.ceil(height / 2);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < half; i++) {
      const to = (c * half + i) * width;
      const row = (y: number) => (y >= 0 && y < height ? (c * height + y) * width : -1);
      const [a, b, d, e] = [row(2 * i - 1), row(2 * i), row(2 * i + 1), row(2 * i + 2)];
      for (let j = 0; j < width; j++) {
        const inner = NEAR * (x[b + j]! + (d < 0 ? 0 : x[d + j]!));
        out[to + j] = inner + FAR * ((a < 0 ? 0 : x[a + j]!) + (e < 0 ? 0 : x[e + j]!));
      }
    }
  }
}

/** The transpose of {@link reduceColumns}: overwrites `out`. */
function spreadColumns(x: Float32Array, out: Float32Array, channels: number, height: number, width: number): void {
  const half = Math.ceil(height / 2);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height; i++) {
      const to = (c * height + i) * width;
      const near = (c * half + (i >> 1)) * width;
      const neighbour = (i >> 1) + (i % 2 === 0 ? -1 : 1);
      const far = neighbour >= 0 && neighbour < half ? (c * half + neighbour) * width : -1;
      for (let j = 0; j < width; j++) out[to + j] = NEAR * x[near + j]! + (far < 0 ? 0 : FAR * x[far + j]!);
    }
  }
}

/** The transpose of {@link reduceRows}: adds to `out`. */
function spreadRows(x: Float32Array, out: Float32Array, rows: number, width: number): void {
  const half = Math.ceil(width / 2);
  for (let row = 0; row < rows; row++) {
    const from = row * half;
    const to = row * width;
    for (let j = 0; j < half; j++) {
      const value = x[from + j]!;
      out[to + 2 * j]! += NEAR * value + (j > 0 ? FAR * x[from + j - 1]! : 0);
      if (2 * j + 1 < width) out[to + 2 * j + 1]! += NEAR * value + (j + 1 < half ? FAR * x[from + j + 1]! : 0);
    }
  }
}
