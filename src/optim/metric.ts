import type { CurvaturePair } from './pairs.js';
import { dot } from './vectors.js';

/**
 * What L-BFGS takes for the shape of the inverse Hessian before any pair has told it more: a symmetric positive definite K. Each
 * direction starts from H₀ = initialScale · γ · K, with γ = sᵀy / yᵀKy of a pair.
 */
export interface Metric {
  /** K·v. May be `v` itself. */
  apply(v: Float32Array): Float32Array;
  /** vᵀ·K·v. */
  energy(v: Float32Array): number;
  /** Hears of each pair that is remembered, and may become another K by it. */
  learn(pair: CurvaturePair): void;
  /** γ is that of the directions that the last steps took, where the curvature is higher than in those that no pair knows yet. */
  readonly initialScale: number;
  /**
   * γ is the largest of so many newest pairs. A pair along a steep direction makes γ small, and the step after it too short: it is
   * made up for by the next one, along the same direction.
   */
  readonly scalePairs: number;
}

/** K = I with γ of the newest pair, as in the papers. */
export const plainMetric: Metric = Object.freeze({
  apply: (v: Float32Array) => v,
  energy: (v: Float32Array) => dot(v, v),
  learn: () => undefined,
  initialScale: 1,
  scalePairs: 1,
});

/** γ of a pair (Nocedal & Wright 2006, eq. 7.20 for K = I). */
export const gammaOf = ({ s, y }: CurvaturePair, metric: Metric): number => dot(s, y) / metric.energy(y);
