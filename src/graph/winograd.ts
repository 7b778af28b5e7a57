import { add, conv, depthToSpace, matMul, reshape, slice, transpose } from './ops.js';
import { constant, type Shape, type Tensor, topologicalOrder } from './tensor.js';

/**
 * Where polynomials are evaluated, besides at infinity. The inverse of each is among them (of 0, infinity), so that a kernel that is
 * rotated by 180°, whose polynomial has the coefficients the other way round, has the same values in another order.
 */
const POINTS: readonly number[] = [0, 1, -1, 2, 0.5];
const VALUES = POINTS.length + 1;
const TILE = 4;

interface Least {
  readonly channels: number;
  readonly tiles: number;
}

interface WinogradOptions {
  readonly least?: Least;
  /** To see what the graph needs; it does not compute anything that makes sense. */
  readonly shapesOnly?: boolean;
}

/** Which convolutions are worth it: below, the products are too thin, or too few pixels share the kernels' values. */
const worthIt: Least = { channels: 192, tiles: 32 };

/**
 * The same graph with its wide 3×3 convolutions by Winograd's minimal filtering: tiles of 4×4 pixels, a quarter of the multiplications
 * (Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks", F(4×4, 3×3)). Only rounding differs, by about 10⁻⁶ of the values. The
 * kernels' values are four times as large as the kernels; one that is used forward and backward has them once.
 */
export function winograd(
  outputs: Readonly<Record<string, Tensor>>,
  { least = worthIt, shapesOnly = false }: WinogradOptions = {},
): Record<string, Tensor> {
  const order = topologicalOrder(Object.values(outputs));
  const kernels = new Kernels(shapesOnly);
  const rewritten = new Map<Tensor, Tensor>();
  for (const node of order) {
    const inputs = node.inputs.map((t) => rewritten.get(t)!);
    const same = inputs.every((t, i) => t === node.inputs[i]);
    const kept = same ? node : Object.freeze({ ...node, inputs });
    rewritten.set(node, suits(node, least) ? convolution(kept as Tensor<'Conv'>, kernels) : kept);
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, rewritten.get(t)!]));
}

function suits(node: Tensor, least: Least): node is Tensor<'Conv'> {
  if (node.op !== 'Conv') return false;
  const { strides, pads } = (node as Tensor<'Conv'>).attributes;
  const kernel = node.inputs[1]!;
  const [out, inner, kh, kw] = kernel.shape as [number, number, number, number];
  const [count, , height, width] = node.shape as [number, number, number, number];
  return (
    count === 1 &&
    kernel.op === 'Constant' &&
    [kh, kw].every((side) => side === 3) &&
    [...strides, ...pads].every((n) => n === 1) &&
    Math.min(out, inner) >= least.channels &&
    tiles(height) * tiles(width) >= least.tiles
  );
}

const tiles = (side: number) => Math.ceil(side / TILE);

function convolution(node: Tensor<'Conv'>, kernels: Kernels): Tensor {
  const [x, kernel, bias] = node.inputs as [Tensor, Tensor, Tensor?];
  const [, channels, height, width] = node.shape as [number, number, number, number];
  const inner = x.shape[1]!;
  const { values, rotated } = kernels.of(kernel);
  const { spread, gather } = rotated ? backward : forward;
  const [rows, columns] = [tiles(height), tiles(width)];
  // Each plane by itself: the 36 values of each tile of 6×6 pixels, of which those at the edges belong to its neighbours too.
  const planes = reshape(x, [inner, 1, height, width]);
  const pads = [1, 1, TILE * rows + 1 - height, TILE * columns + 1 - width] as const;
  const evaluated = conv(planes, spread, undefined, { strides: [TILE, TILE], pads });
  const byValue = transpose(reshape(evaluated, [inner, VALUES ** 2, rows * columns]), [1, 0, 2]);
  const products = matMul(values, byValue, { transA: rotated });
  const pixels = matMul(gather, reshape(products, [VALUES ** 2, channels * rows * columns]));
  const whole = depthToSpace(reshape(pixels, [1, TILE ** 2 * channels, rows, columns]), TILE);
  const cut = TILE * rows === height && TILE * columns === width ? whole : slice(whole, [0, 0, 0, 0], node.shape);
  return bias ? add(cut, reshape(bias, [1, channels, 1, 1])) : cut;
}

/** The values of kernels, [36,O,I]. */
class Kernels {
  readonly #known: { readonly kernel: Tensor; readonly values: Tensor }[] = [];

  constructor(readonly shapesOnly: boolean) {}

  /** `rotated`: what is asked for is the rotation of that whose values these are, as the derivative needs it. */
  of(kernel: Tensor): { readonly values: Tensor; readonly rotated: boolean } {
    for (const { kernel: known, values } of this.#known) {
      if (known === kernel) return { values, rotated: false };
      if (isRotation(kernel, known)) return { values, rotated: true };
    }
    const values = valuesOf(kernel, this.shapesOnly);
    this.#known.push({ kernel, values });
    return { values, rotated: false };
  }
}

/** Whether `a` [I,O,3,3] is `b` [O,I,3,3] with its channels exchanged and rotated by 180°. */
function isRotation(a: Tensor, b: Tensor): boolean {
  const [out, inner] = b.shape as [number, number];
  if (a.shape[0] !== inner || a.shape[1] !== out) return false;
  const [left, right] = [a.data!, b.data!];
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inner; i++)
      for (let k = 0; k < 9; k++) if (left[(i * out + o) * 9 + k] !== right[(o * inner + i) * 9 + 8 - k]) return false;
  return true;
}

/** What a point makes of coefficients: 1, p, p², …; infinity takes the last. [6, count] */
const evaluations = (count: number): number[][] => [
  ...POINTS.map((p) => Array.from({ length: count }, (_, power) => p ** power)),
  Array.from({ length: count }, (_, power) => Number(power === count - 1)),
];

/** Lagrange's polynomials: coefficients of the one that is 1 at its point and 0 at the others; last, the one that is 0 at all of them. [6,6] */
function polynomials(): number[][] {
  const product = (roots: readonly number[]) => {
    let p = [1, ...new Array<number>(VALUES - 1).fill(0)];
    for (const root of roots) p = p.map((c, k) => (p[k - 1] ?? 0) - root * c);
    return p;
  };
  return [
    ...POINTS.map((at) => {
      const others = POINTS.filter((p) => p !== at);
      const norm = others.reduce((n, p) => n * (at - p), 1);
      return product(others).map((c) => c / norm);
    }),
    product(POINTS),
  ];
}

/** All products of a row of one and a row of the other: rows and columns of a tile. */
const outer = (a: readonly number[], b: readonly number[]) => a.flatMap((x) => b.map((y) => x * y));
const pairsOf = <T>(items: readonly T[]) => items.flatMap((a) => items.map((b) => [a, b] as const));

const constantOf = (rows: readonly (readonly number[])[], shape: Shape) =>
  constant(Float64Array.from(rows.flat()), shape);

interface Transforms {
  /** Of a tile of 6×6 pixels, its 36 values: [36,1,6,6]. */
  readonly spread: Tensor;
  /** From 36 products to a tile of 4×4 pixels: [16,36]. */
  readonly gather: Tensor;
}

function transforms(data: readonly (readonly number[])[], result: readonly (readonly number[])[]): Transforms {
  const gathered = pairsOf(result).map(([a, b]) => outer(a, b));
  const transposed = Array.from({ length: TILE ** 2 }, (_, pixel) => gathered.map((column) => column[pixel]!));
  return {
    spread: constantOf(
      pairsOf(data).map(([a, b]) => outer(a, b)),
      [VALUES ** 2, 1, VALUES, VALUES],
    ),
    gather: constantOf(transposed, [TILE ** 2, VALUES ** 2]),
  };
}

const forward = transforms(polynomials(), evaluations(TILE));

/** The coefficients a, b, c the other way round: c + b·p + a·p² is p² times what is at 1/p. So values change places, and scale. */
const inverse = [VALUES - 1, ...POINTS.slice(1).map((p) => POINTS.indexOf(1 / p)), 0];
const scales = [1, ...POINTS.slice(1).map((p) => p ** 2), 1];
const backward = transforms(
  inverse.map((from) => polynomials()[from]!.map((c) => c * scales[from]!)),
  inverse.map((from) => evaluations(TILE)[from]!),
);

/** The 36 values of each kernel: [O,I,3,3] to [36,O,I]. */
function valuesOf(kernel: Tensor, shapesOnly: boolean): Tensor {
  const [out, inner] = kernel.shape as [number, number];
  const data = kernel.data!;
  const count = out * inner;
  const values = new (data instanceof Float64Array ? Float64Array : Float32Array)(VALUES ** 2 * count);
  if (shapesOnly) return constant(values, [VALUES ** 2, out, inner]);
  const points = evaluations(3);
  // Down the columns first, then along the rows, a whole plane of kernels at a time: the innermost loop has nothing but numbers.
  const column = new Float64Array(3 * count);
  for (let i = 0; i < VALUES; i++) {
    const [a, b, c] = points[i] as [number, number, number];
    for (let v = 0; v < 3; v++)
      for (let k = 0; k < count; k++)
        column[v * count + k] = a * data[k * 9 + v]! + b * data[k * 9 + 3 + v]! + c * data[k * 9 + 6 + v]!;
    for (let j = 0; j < VALUES; j++) {
      const [d, e, f] = points[j] as [number, number, number];
      const at = (i * VALUES + j) * count;
      for (let k = 0; k < count; k++)
        values[at + k] = d * column[k]! + e * column[count + k]! + f * column[2 * count + k]!;
    }
  }
  return constant(values, [VALUES ** 2, out, inner]);
}
