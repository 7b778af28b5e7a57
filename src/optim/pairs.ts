import { addScaled, dot } from './vectors.js';

/** A change of x and the change of the gradient along it. */
export interface CurvaturePair {
  readonly s: Float32Array;
  readonly y: Float32Array;
}

/**
 * The pairs (sᵢ, yᵢ) that L-BFGS remembers, the oldest first, and the two loops over them that turn a gradient into a direction
 * (Nocedal & Wright 2006, alg. 7.4; there 1 / sᵢᵀyᵢ is ρᵢ).
 */
export interface Pairs {
  readonly size: number;
  /** As it was pushed. */
  readonly newest: CurvaturePair | undefined;
  /** Takes a pair in, which nobody changes any more; of more than there is room for, the oldest makes way. */
  push(pair: CurvaturePair): void;
  clear(): void;
  copies(): CurvaturePair[];
  /**
   * From the newest to the oldest pair: αᵢ = sᵢᵀq / sᵢᵀyᵢ, then q ← q − αᵢ·yᵢ.
   * @param q is changed
   * @returns α
   */
  firstLoop(q: Float32Array): Float64Array;
  /**
   * From the oldest to the newest pair: β = yᵢᵀr / sᵢᵀyᵢ, then r ← r + (αᵢ − β)·sᵢ.
   * @param r is changed
   */
  secondLoop(r: Float32Array, alpha: Float64Array): void;
}

/** {@link Pairs} in arrays, by their definition: what a faster implementation is compared with. */
export class ArrayPairs implements Pairs {
  #pairs: CurvaturePair[] = [];

  /** @param capacity pairs that there is room for */
  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.#pairs.length;
  }

  get newest(): CurvaturePair | undefined {
    return this.#pairs.at(-1);
  }

  push(pair: CurvaturePair): void {
    this.#pairs.push(pair);
    if (this.#pairs.length > this.capacity) this.#pairs.shift();
  }

  clear(): void {
    this.#pairs = [];
  }

  copies(): CurvaturePair[] {
    return this.#pairs.map(({ s, y }) => ({ s: s.slice(), y: y.slice() }));
  }

  firstLoop(q: Float32Array): Float64Array {
    const alpha = new Float64Array(this.size);
    for (const [i, { s, y }] of [...this.#pairs.entries()].reverse()) {
      alpha[i] = dot(s, q) / dot(s, y);
      addScaled(q, -alpha[i]!, y);
    }
    return alpha;
  }

  secondLoop(r: Float32Array, alpha: Float64Array): void {
    for (const [i, { s, y }] of this.#pairs.entries()) {
      const beta = dot(y, r) / dot(s, y);
      addScaled(r, alpha[i]! - beta, s);
    }
  }
}
