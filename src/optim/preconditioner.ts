import { FauveError } from '../errors.js';
import type { Metric } from './metric.js';
import type { CurvaturePair } from './pairs.js';
import { type ImagePyramid, imagePyramid, type LevelSize } from './pyramid.js';
import { dot } from './vectors.js';

/** Levels with a shorter side are left out: a handful of values for the whole picture is no picture any more. */
const SMALLEST_LEVEL = 5;

/**
 * How much further than the finest level each coarser one of the pyramid moves: 1, 1, 2, 4, 8, … Measured on pairs (s, y) of real
 * runs: below about 0.15 cycles per pixel the curvature of the total loss falls with the square of the frequency, 10 to 150 times
 * below that of single pixels, so broad washes of colour are what plain gradient steps learn last.
 */
export function pyramidGains(height: number, width: number): number[] {
  const gains = [1];
  for (let side = Math.min(height, width) / 2; side >= SMALLEST_LEVEL; side /= 2) gains.push(2 ** (gains.length - 1));
  return gains;
}

type Row = readonly [number, number, number];
type Matrix3 = readonly [Row, Row, Row];

/** Brightness, red against blue, green against both: each has a curvature of its own. Rows of an orthonormal matrix. */
const OPPONENT: Matrix3 = [
  [1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)],
  [1 / Math.sqrt(2), 0, -1 / Math.sqrt(2)],
  [1 / Math.sqrt(6), -2 / Math.sqrt(6), 1 / Math.sqrt(6)],
];
const [BRIGHTNESS, RED_BLUE, GREEN] = OPPONENT;
const TRANSPOSED: Matrix3 = [
  [BRIGHTNESS[0], RED_BLUE[0], GREEN[0]],
  [BRIGHTNESS[1], RED_BLUE[1], GREEN[1]],
  [BRIGHTNESS[2], RED_BLUE[2], GREEN[2]],
];

const CHANNELS = 3;
/** Side of the blocks, in pixels of their level, over which a curvature is measured. */
const BLOCK = 8;
/** Pairs that are needed before they are believed. */
const LEAST_PAIRS = 10;
/** How much of what was measured before is kept with each new pair. */
const MEMORY = 0.93;
/** A block that hardly moved says little: it is taken to have moved this share of the average besides, with average curvature. */
const PRIOR = 0.1;
/** No block moves more, or less, than so many times what its level's gain says. */
const LARGEST_FACTOR = 20;

/** What a preconditioner has learnt: for each level sᵀy and sᵀs by colour and block, [3, blocks high, blocks wide]. */
export interface LearntCurvature {
  readonly pairs: number;
  readonly curvatures: readonly Float32Array[];
  readonly movements: readonly Float32Array[];
}

/**
 * A symmetric positive definite operator on an image that stands in for the inverse Hessian that L-BFGS starts from:
 * K = Cᵀ·(Σ Dₗᵀ·gainₗ·Wₗ·Dₗ)·C, where C turns RGB into brightness and two opponent colours, and Dₗ filters and halves l times (for
 * two levels and W = I: Bramble, Pasciak & Xu 1990, "Parallel multilevel preconditioners").
 *
 * The diagonal Wₗ is learnt while the image is optimised. Along a step s the gradient changes by y, so the curvature of one colour in
 * one block of one level is about (Dₗs)ᵀ(Dₗy) / (Dₗs)ᵀ(Dₗs) there, averaged over the pairs so far; W is the curvature of the whole
 * level over it. Dark, even areas have a curvature several times lower than bright, detailed ones: without W they are what is left
 * unfinished. Before ten pairs were seen W is the identity.
 */
export class PyramidPreconditioner implements Metric {
  /** Measured: 1 ends 0.3 to 0.6 % higher after the same number of steps, 2 needs more evaluations. */
  readonly initialScale = 1.5;
  /** Measured likewise: the newest pair alone ends 0.1 to 0.3 % higher after 70 steps, three or six pairs hardly lower than it. */
  readonly scalePairs = 4;
  private readonly pyramid: ImagePyramid;
  private readonly work: Float32Array[];
  private readonly second: Float32Array[];
  private readonly blocks: readonly LevelSize[];
  private readonly curvatures: Float32Array[];
  private readonly movements: Float32Array[];
  private readonly weights: Float32Array[];
  private pairs: number;
  /** Whose levels `second` holds. */
  private reduced: Float32Array | undefined;

  /**
   * @param gains one for each level, the first for the image itself; no level is made of one with a side below 2
   * @param learnt from {@link learnt}, of an image of the same size
   */
  constructor(
    height: number,
    width: number,
    private readonly gains: readonly number[] = pyramidGains(height, width),
    learnt?: LearntCurvature,
  ) {
    if (!gains.every((gain) => gain >= 0) || !(gains[0]! > 0)) {
      throw new FauveError('request', `Pyramid gains are positive numbers, received ${gains.join(', ')}.`);
    }
    this.pyramid = imagePyramid(CHANNELS, height, width, gains.length);
    this.work = this.pyramid.levels();
    this.second = this.pyramid.levels();
    const blocksOf = (length: number) => Math.max(1, Math.round(length / BLOCK));
    this.blocks = this.pyramid.sizes.map(([h, w]) => [blocksOf(h), blocksOf(w)]);
    const zeros = () => this.blocks.map(([h, w]) => new Float32Array(CHANNELS * h * w));
    this.curvatures = learnt?.curvatures.map((values) => values.slice()) ?? zeros();
    this.movements = learnt?.movements.map((values) => values.slice()) ?? zeros();
    this.pairs = learnt?.pairs ?? 0;
    this.weights = this.pyramid.levels().map((level, l) => level.fill(gains[l]!));
    this.weigh();
  }

  /** K·v for v of shape [3,H,W]; a new array. */
  apply(v: Float32Array): Float32Array {
    const levels = this.work;
    rotate(v, OPPONENT, levels[0]!);
    this.pyramid.reduce(levels);
    for (const [l, level] of levels.entries()) multiply(level, this.weights[l]!);
    this.pyramid.spread(levels);
    return rotate(levels[0]!, TRANSPOSED, new Float32Array(v.length));
  }

  /** vᵀ·K·v = Σ Wₗ·gainₗ·(Dₗ·C·v)², for v of shape [3,H,W]. The change of the gradient that was learnt from last costs a single pass. */
  energy(v: Float32Array): number {
    const levels = this.second;
    if (this.reduced !== v) {
      rotate(v, OPPONENT, levels[0]!);
      this.pyramid.reduce(levels);
      this.reduced = v;
    }
    let sum = 0;
    for (const [l, level] of levels.entries()) {
      const weights = this.weights[l]!;
      for (let i = 0; i < level.length; i++) sum += weights[i]! * level[i]! * level[i]!;
    }
    return sum;
  }

  /** Learns from a step of the optimisation and the change of the gradient along it, both [3,H,W]. */
  learn({ s, y }: CurvaturePair): void {
    const [moved, changed] = [this.work, this.second];
    rotate(s, OPPONENT, moved[0]!);
    rotate(y, OPPONENT, changed[0]!);
    this.pyramid.reduce(moved);
    this.pyramid.reduce(changed);
    this.reduced = y;
    // Long and short steps count alike.
    const scale = 1 / dot(s, s);
    for (const [l, size] of this.pyramid.sizes.entries()) {
      const blocks = this.blocks[l]!;
      const { products, squares } = blockSums(moved[l]!, changed[l]!, size, blocks);
      average(this.curvatures[l]!, products, scale);
      average(this.movements[l]!, squares, scale);
    }
    this.pairs++;
    this.weigh();
  }

  /** What to go on from, to the very same operator. */
  learnt(): LearntCurvature {
    const copy = (levels: readonly Float32Array[]) => levels.map((values) => values.slice());
    return { pairs: this.pairs, curvatures: copy(this.curvatures), movements: copy(this.movements) };
  }

  private weigh(): void {
    if (this.pairs < LEAST_PAIRS) return;
    for (const [l, size] of this.pyramid.sizes.entries()) {
      const factors = blockFactors(this.curvatures[l]!, this.movements[l]!);
      for (let i = 0; i < factors.length; i++) factors[i]! *= this.gains[l]!;
      spreadBlocks(factors, this.blocks[l]!, size, this.weights[l]!);
    }
  }
}

/** The curvature of a level over that of each colour and block. */
function blockFactors(curvatures: Float32Array, movements: Float32Array): Float32Array {
  const blocks = curvatures.length / CHANNELS;
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
  const ofLevel = sum(curvatures) / sum(movements);
  const factors = new Float32Array(curvatures.length).fill(1);
  if (!(ofLevel > 0)) return factors;
  for (let channel = 0; channel < CHANNELS; channel++) {
    const [from, to] = [channel * blocks, (channel + 1) * blocks];
    const moved = sum(movements.subarray(from, to));
    const ofColour = Math.max(sum(curvatures.subarray(from, to)) / moved, ofLevel / LARGEST_FACTOR);
    if (!Number.isFinite(ofColour)) continue;
    const prior = (PRIOR * moved) / blocks;
    for (let i = from; i < to; i++) {
      const curvature = (Math.max(0, curvatures[i]!) + prior * ofColour) / (movements[i]! + prior);
      factors[i] = Math.min(LARGEST_FACTOR, Math.max(1 / LARGEST_FACTOR, ofLevel / curvature));
    }
  }
  return factors;
}

/** Σ a·b and Σ a² over each block. */
function blockSums(
  a: Float32Array,
  b: Float32Array,
  [height, width]: LevelSize,
  [high, wide]: LevelSize,
): { readonly products: Float64Array; readonly squares: Float64Array } {
  const [products, squares] = [new Float64Array(CHANNELS * high * wide), new Float64Array(CHANNELS * high * wide)];
  const ends = Array.from({ length: wide }, (_, column) => Math.ceil(((column + 1) * width) / wide));
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let row = 0; row < height; row++) {
      const from = (channel * height + row) * width;
      const block = (channel * high + Math.floor((row * high) / height)) * wide;
      for (let column = 0, i = from; column < wide; column++) {
        const end = from + ends[column]!;
        let [product, square] = [0, 0];
        for (; i < end; i++) {
          product += a[i]! * b[i]!;
          square += a[i]! * a[i]!;
        }
        products[block + column]! += product;
        squares[block + column]! += square;
      }
    }
  }
  return { products, squares };
}

/** An average that forgets: values ← MEMORY·values + scale·sums. */
function average(values: Float32Array, sums: Float64Array, scale: number): void {
  for (let i = 0; i < values.length; i++) values[i] = MEMORY * values[i]! + scale * sums[i]!;
}

/** One value for each block, spread over the pixels of a level without steps: linear between the centres of the blocks. */
function spreadBlocks(
  blocks: Float32Array,
  [high, wide]: LevelSize,
  [height, width]: LevelSize,
  out: Float32Array,
): void {
  const columns = between(width, wide);
  const rows = between(height, high);
  const line = new Float32Array(wide);
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let y = 0; y < height; y++) {
      const above = (channel * high + rows.first[y]!) * wide;
      const below = (channel * high + rows.second[y]!) * wide;
      const share = rows.share[y]!;
      for (let i = 0; i < wide; i++) line[i] = blocks[above + i]! + share * (blocks[below + i]! - blocks[above + i]!);
      const to = (channel * height + y) * width;
      for (let x = 0; x < width; ) {
        // All pixels between the same two centres.
        const first = columns.first[x]!;
        const left = line[first]!;
        const step = line[columns.second[x]!]! - left;
        for (; x < width && columns.first[x] === first; x++) out[to + x] = left + columns.share[x]! * step;
      }
    }
  }
}

/** For each of `length` pixels the two blocks whose centres it lies between, and how far it is towards the second. */
function between(length: number, blocks: number) {
  const [first, second, share] = [new Uint16Array(length), new Uint16Array(length), new Float32Array(length)];
  for (let i = 0; i < length; i++) {
    const place = Math.min(blocks - 1, Math.max(0, ((i + 0.5) * blocks) / length - 0.5));
    first[i] = Math.floor(place);
    second[i] = Math.min(blocks - 1, first[i]! + 1);
    share[i] = place - first[i]!;
  }
  return { first, second, share };
}

function multiply(values: Float32Array, factors: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factors[i]!;
}

/** Each pixel's three values times a 3×3 matrix. */
function rotate(x: Float32Array, [m0, m1, m2]: Matrix3, out: Float32Array): Float32Array {
  const [a, b, c] = m0;
  const [d, e, f] = m1;
  const [g, h, k] = m2;
  const n = x.length / CHANNELS;
  for (let i = 0; i < n; i++) {
    const u = x[i]!;
    const v = x[n + i]!;
    const w = x[2 * n + i]!;
    out[i] = a * u + b * v + c * w;
    out[n + i] = d * u + e * v + f * w;
    out[2 * n + i] = g * u + h * v + k * w;
  }
  return out;
}
