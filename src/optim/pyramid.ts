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
  const odd = width % 2;
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    const to = row * half;
    // The two values that the next place needs again go along.
    let before = 0;
    let here = x[from]!;
    for (let j = 0, i = from + 1; j < half - 1; j++, i += 2) {
      const next = x[i]!;
      const after = x[i + 1]!;
      out[to + j] = NEAR * (here + next) + FAR * (before + after);
      before = next;
      here = after;
    }
    out[to + half - 1] = NEAR * (here + (odd ? 0 : x[from + width - 1]!)) + FAR * before;
  }
}

function reduceColumns(x: Float32Array, out: Float32Array, channels: number, height: number, width: number): void {
  const half = Math.ceil(height / 2);
  const outside = new Float32Array(width);
  for (let c = 0; c < channels; c++) {
    const plane = x.subarray(c * height * width, (c + 1) * height * width);
    const row = (y: number) => (y >= 0 && y < height ? plane.subarray(y * width, (y + 1) * width) : outside);
    for (let i = 0; i < half; i++) {
      const to = (c * half + i) * width;
      const [before, here, next, after] = [row(2 * i - 1), row(2 * i), row(2 * i + 1), row(2 * i + 2)];
      for (let j = 0; j < width; j++) out[to + j] = NEAR * (here[j]! + next[j]!) + FAR * (before[j]! + after[j]!);
    }
  }
}

/** The transpose of {@link reduceColumns}: overwrites `out`. */
function spreadColumns(x: Float32Array, out: Float32Array, channels: number, height: number, width: number): void {
  const half = Math.ceil(height / 2);
  const outside = new Float32Array(width);
  for (let c = 0; c < channels; c++) {
    const plane = x.subarray(c * half * width, (c + 1) * half * width);
    const row = (y: number) => (y >= 0 && y < half ? plane.subarray(y * width, (y + 1) * width) : outside);
    for (let i = 0; i < height; i++) {
      const to = (c * height + i) * width;
      const [near, far] = [row(i >> 1), row((i >> 1) + (i % 2 === 0 ? -1 : 1))];
      for (let j = 0; j < width; j++) out[to + j] = NEAR * near[j]! + FAR * far[j]!;
    }
  }
}

/** The transpose of {@link reduceRows}: adds to `out`. */
function spreadRows(x: Float32Array, out: Float32Array, rows: number, width: number): void {
  const half = Math.ceil(width / 2);
  for (let row = 0; row < rows; row++) {
    const from = row * half;
    let to = row * width;
    let before = 0;
    let here = x[from]!;
    for (let j = 1; j < half; j++, to += 2) {
      const after = x[from + j]!;
      out[to]! += NEAR * here + FAR * before;
      out[to + 1]! += NEAR * here + FAR * after;
      before = here;
      here = after;
    }
    out[to]! += NEAR * here + FAR * before;
    if (width % 2 === 0) out[to + 1]! += NEAR * here;
  }
}
