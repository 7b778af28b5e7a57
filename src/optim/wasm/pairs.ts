import type { CurvaturePair, Pairs } from '../pairs.js';
import { dot } from '../vectors.js';
import { rowsWasm } from './rows.js';

/** What TypeScript has the names of in its library for browsers only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (descriptor: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

type Kernel = (rows: number, stride: number, count: number, vector: number, bytes: number, numbers: number) => void;

/** Of `rows.wat`. */
interface Kernels {
  readonly dots: Kernel;
  readonly add: Kernel;
}

/** The kernels take so many values at a time. */
const STEP = 16;
const FLOAT = 4;
const DOUBLE = 8;
const PAGE = 65536;
/** Bytes that one memory has; what is longer is spread over several, because there are no more than 2³² addresses. */
const LARGEST_MEMORY = 2 ** 30;

/** A part of all vectors: rows of moves, rows of changes, one vector to work with, and a number for each row. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly stride: number;
  readonly kernels: Kernels;
  readonly row: (number: number) => Float32Array;
  readonly numbers: Float64Array;
}

/** `moves` are the s of the pairs, `changes` the y. */
type Side = 'moves' | 'changes';

let compiled: object | undefined;

/**
 * {@link Pairs} in memory of WebAssembly, where four values are taken at once: a third of the time of the same loops over arrays.
 *
 * Departure: each loop takes its inner products from the vector as it is before, and those of the pairs with each other, instead of from
 * the vector as it becomes: sᵢᵀq = sᵢᵀq₀ − Σⱼ αⱼ·sᵢᵀyⱼ over the newer pairs j. So the pairs are passed over four times, all in one go,
 * where the book would wait for each.
 */
export class WasmPairs implements Pairs {
  private readonly parts: readonly Part[];
  /** Rows, the oldest pair's first. */
  private slots: number[] = [];
  /** s of row i · y of row j, where j is the newer one or i itself: [i·capacity + j]. */
  private readonly products: Float64Array;
  private last: CurvaturePair | undefined;

  /**
   * @param length of each vector
   * @param capacity pairs that are remembered; the oldest make way
   * @param largest bytes that one memory may have
   */
  constructor(
    private readonly length: number,
    private readonly capacity: number,
    largest = LARGEST_MEMORY,
  ) {
    this.products = new Float64Array(capacity * capacity);
    const most = Math.max(1, Math.floor(largest / FLOAT / (2 * capacity + 1) / STEP)) * STEP;
    this.parts =
      capacity === 0
        ? []
        : Array.from({ length: Math.ceil(length / most) }, (_, i) =>
            newPart(i * most, Math.min(length, (i + 1) * most), capacity),
          );
  }

  get size(): number {
    return this.slots.length;
  }

  get newest(): CurvaturePair | undefined {
    return this.last;
  }

  copies(): CurvaturePair[] {
    const copy = (row: number) => {
      const vector = new Float32Array(this.length);
      for (const part of this.parts) vector.set(part.row(row), part.from);
      return vector;
    };
    return this.slots.map((slot) => ({ s: copy(slot), y: copy(this.capacity + slot) }));
  }

  push(pair: CurvaturePair): void {
    if (this.capacity === 0) return;
    const slot = this.slots.length < this.capacity ? this.slots.length : this.slots.shift()!;
    this.slots.push(slot);
    for (const part of this.parts) {
      part.row(slot).set(pair.s.subarray(part.from, part.to));
      part.row(this.capacity + slot).set(pair.y.subarray(part.from, part.to));
    }
    const along = this.dots('moves', pair.y);
    for (const [i, other] of this.slots.entries()) this.products[other * this.capacity + slot] = along[i]!;
    // s·y can be a small rest of large terms: in 64 bits.
    this.products[slot * this.capacity + slot] = dot(pair.s, pair.y);
    this.last = pair;
  }

  clear(): void {
    this.slots = [];
    this.last = undefined;
  }

  firstLoop(q: Float32Array): Float64Array {
    const alpha = this.dots('moves', q);
    for (let i = this.size - 1; i >= 0; i--) {
      for (let j = i + 1; j < this.size; j++) alpha[i]! -= alpha[j]! * this.product(i, j);
      alpha[i]! /= this.product(i, i);
    }
    this.add(
      q,
      alpha.map((value) => -value),
      'changes',
    );
    return alpha;
  }

  secondLoop(r: Float32Array, alpha: Float64Array): void {
    const factors = this.dots('changes', r);
    for (let i = 0; i < this.size; i++) {
      for (let j = 0; j < i; j++) factors[i]! += factors[j]! * this.product(j, i);
      factors[i] = alpha[i]! - factors[i]! / this.product(i, i);
    }
    this.add(r, factors, 'moves');
  }

  /** sᵢᵀyⱼ; the oldest pair is 0, and j ≥ i. */
  private product(i: number, j: number): number {
    return this.products[this.slots[i]! * this.capacity + this.slots[j]!]!;
  }

  /** The inner products of a vector with all moves or all changes, the oldest first. */
  private dots(side: Side, vector: Float32Array): Float64Array {
    const sums = new Float64Array(this.size);
    for (const part of this.parts) {
      const { from, to, numbers } = part;
      this.work(part).set(vector.subarray(from, to));
      this.run('dots', side, part, 0, this.size);
      for (const [i, slot] of this.slots.entries()) sums[i]! += numbers[slot]!;
    }
    return sums;
  }

  /** vector ← vector + Σ factors[i] · the i-th move or change, the oldest first. */
  private add(vector: Float32Array, factors: Float64Array, side: Side): void {
    for (const part of this.parts) {
      const { from, to, numbers } = part;
      const work = this.work(part);
      work.set(vector.subarray(from, to));
      for (const [i, slot] of this.slots.entries()) numbers[slot] = factors[i]!;
      // The oldest first, wherever it lies: a sum in another order has other last digits, and a resumed run ends in another picture.
      const [oldest = 0] = this.slots;
      this.run('add', side, part, oldest, this.size);
      this.run('add', side, part, 0, oldest);
      vector.set(work, from);
    }
  }

  private work(part: Part): Float32Array {
    return part.row(2 * this.capacity);
  }

  /** With the rows from one to before another; rows are taken in turn, so that the first ones are those in use. */
  private run(kernel: keyof Kernels, side: Side, { stride, kernels }: Part, from: number, to: number): void {
    if (from === to) return;
    const first = side === 'moves' ? from : this.capacity + from;
    const work = 2 * this.capacity * stride;
    const numbers = work + stride + from * DOUBLE;
    kernels[kernel](first * stride, stride, to - from, work, stride, numbers);
  }
}

function newPart(from: number, to: number, capacity: number): Part {
  const stride = Math.ceil((to - from) / STEP) * STEP * FLOAT;
  const rows = 2 * capacity + 1;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((rows * stride + capacity * DOUBLE) / PAGE) });
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(rowsWasm), (character) => character.charCodeAt(0)));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    from,
    to,
    stride,
    kernels: exports as Kernels,
    row: (number) => new Float32Array(memory.buffer, number * stride, to - from),
    numbers: new Float64Array(memory.buffer, rows * stride, capacity),
  };
}
