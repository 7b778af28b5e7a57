/** Height and width of one level. */
export type LevelSize = readonly [height: number, width: number];

/** Binomial filter [1 3 3 1]/8, times √2 so that a level has the same noise power as the one above it. */
const NEAR = (3 / 8) * Math.SQRT2;
const FAR = (1 / 8) * Math.SQRT2;

/** The planes of an image at several sizes, each half of the one before, and back. */
export interface ImagePyramid {
  readonly sizes: readonly LevelSize[];
  /** Room for all levels: level l is [channels, height, width] of `sizes[l]`. */
  levels(): Float32Array[];
  /** Dₗ: fills the levels below the first by filtering and halving l times. */
  reduce(levels: readonly Float32Array[]): void;
  /** Σ Dₗᵀ·(level l), into the first level; overwrites the others. */
  spread(levels: readonly Float32Array[]): void;
}

/**
 * The filters of an image pyramid (Burt & Adelson 1983) with the transpose of each.
 * @param levels at most so many; none is made of a level with a side below 2
 */
export function imagePyramid(channels: number, height: number, width: number, levels: number): ImagePyramid {
  const sizes: LevelSize[] = [[height, width]];
  while (sizes.length < levels && Math.min(...sizes.at(-1)!) >= 2) {
    const [h, w] = sizes.at(-1)!;
    sizes.push([Math.ceil(h / 2), Math.ceil(w / 2)]);
  }
  const halfway = sizes.map(([h], l) => new Float32Array(channels * h * (sizes[l + 1]?.[1] ?? 0)));
  return {
    sizes,
    levels: () => sizes.map(([h, w]) => new Float32Array(channels * h * w)),
    reduce(levels) {
      for (let l = 0; l + 1 < sizes.length; l++) {
        reduceRows(levels[l]!, halfway[l]!, channels * sizes[l]![0], sizes[l]![1]);
        reduceColumns(halfway[l]!, levels[l + 1]!, channels, sizes[l]![0], sizes[l + 1]![1]);
      }
    },
    spread(levels) {
      for (let l = sizes.length - 2; l >= 0; l--) {
        spreadColumns(levels[l + 1]!, halfway[l]!, channels, sizes[l]![0], sizes[l + 1]![1]);
        spreadRows(halfway[l]!, levels[l]!, channels * sizes[l]![0], sizes[l]![1]);
      }
    },
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
