import { FauveError } from '../errors.js';
import { gammaOf, type Metric, plainMetric } from './metric.js';
import type { CurvaturePair, Pairs } from './pairs.js';
import { dot, largest, negated, project, scale } from './vectors.js';
import { WasmPairs } from './wasm/pairs.js';

/** Options of {@link Lbfgs}. */
export interface LbfgsOptions {
  /** Pairs (s, y) that are remembered: m in the papers. */
  readonly history: number;
  /** `[low, high]`: every value stays within, as part of the optimisation. */
  readonly bounds?: readonly [number, number];
  /** Largest change of any one value in the very first step, before there is any curvature to go by. */
  readonly firstStep: number;
  /** Sufficient decrease c₁ of Armijo's rule (Nocedal & Wright 2006, eq. 3.4). */
  readonly sufficientDecrease: number;
  /** The shape of the inverse Hessian that each direction starts from: the identity by default, as in the papers. */
  readonly metric: Metric;
  /** Evaluations that one step may take before the memory is dropped and steepest descent is tried. */
  readonly maxEvaluations: number;
}

export const defaultLbfgsOptions: LbfgsOptions = Object.freeze({
  history: 20,
  firstStep: 0.05,
  sufficientDecrease: 1e-4,
  maxEvaluations: 8,
  metric: plainMetric,
});

/** Loss and gradient at a point. `extra` travels along with the accepted point (the terms of the loss, for one). */
export interface Evaluation<T> {
  readonly loss: number;
  readonly gradient: Float32Array;
  readonly extra: T;
}

export type Evaluate<T> = (x: Float32Array) => Promise<Evaluation<T>>;

/** What one step did. */
export interface LbfgsStep<T> {
  /** At the point that the step ended on. */
  readonly loss: number;
  readonly extra: T;
  readonly evaluations: number;
  /** `moved`; `restarted`: moved after the memory was dropped; `converged`: no direction lowers the loss. */
  readonly outcome: 'moved' | 'restarted' | 'converged';
}

/**
 * Limited-memory BFGS (Nocedal 1980; Nocedal & Wright 2006, alg. 7.4) with bounds: a value that sits on a bound and is
 * pushed outwards is held, the others move along the quasi-Newton direction and are projected onto the bounds within a
 * backtracking line search (two-metric projection, Bertsekas 1982). A point is accepted only when it is finite and lowers
 * the loss, so the loss never rises. Departure from L-BFGS-B: no generalised Cauchy point, which would cost a pass over
 * all pairs for each breakpoint and there are as many as pixels.
 */
export class Lbfgs<T> {
  readonly options: LbfgsOptions;
  x: Float32Array;
  private readonly memory: Pairs;
  private current: Evaluation<T> | undefined;
  private gammas: number[];

  /**
   * @param pairs remembered from before, the oldest first
   * @param scales of those pairs: {@link scales}
   */
  constructor(
    x: Float32Array,
    options: Partial<LbfgsOptions> = {},
    pairs: readonly CurvaturePair[] = [],
    scales: readonly number[] = [],
  ) {
    this.options = { ...defaultLbfgsOptions, ...options };
    this.x = Float32Array.from(x);
    if (this.options.bounds) project(this.x, this.options.bounds);
    this.memory = new WasmPairs(x.length, this.options.history);
    for (const pair of pairs) if (dot(pair.s, pair.y) > 0) this.memory.push(pair);
    this.gammas = [...scales];
  }

  /** What is remembered, the oldest pair first: copies. */
  get pairs(): CurvaturePair[] {
    return this.memory.copies();
  }

  /** γ of the newest pairs, the oldest of them first: what to go on from besides {@link pairs}. */
  get scales(): readonly number[] {
    return this.gammas;
  }

  /**
   * One step: evaluates until a lower loss is found.
   * @throws FauveError `input` when the loss or its gradient is not finite where the optimisation starts
   */
  async step(evaluate: Evaluate<T>): Promise<LbfgsStep<T>> {
    let evaluations = 0;
    if (!this.current) {
      this.current = await evaluate(this.x);
      evaluations++;
      if (!isUsable(this.current)) {
        throw new FauveError(
          'input',
          'The loss or its gradient is not finite at the start. Check the pictures and the weights.',
        );
      }
    }
    const attempt = await this.search(evaluate, this.memory.size > 0 ? 'quasi-Newton' : 'steepest');
    evaluations += attempt.evaluations;
    if (attempt.moved) return { loss: this.current.loss, extra: this.current.extra, evaluations, outcome: 'moved' };
    let restarted = false;
    if (this.memory.size > 0) {
      // The memory points the wrong way (or the loss is at the limit of float32): try the gradient itself once.
      this.memory.clear();
      this.gammas = [];
      const again = await this.search(evaluate, 'steepest');
      evaluations += again.evaluations;
      restarted = again.moved;
    }
    const { loss, extra } = this.current;
    return { loss, extra, evaluations, outcome: restarted ? 'restarted' : 'converged' };
  }

  private async search(
    evaluate: Evaluate<T>,
    kind: 'quasi-Newton' | 'steepest',
  ): Promise<{ moved: boolean; evaluations: number }> {
    const { bounds, sufficientDecrease, maxEvaluations, firstStep, metric } = this.options;
    const { loss, gradient } = this.current!;
    const free = bounds ? withoutHeld(gradient, this.x, bounds) : gradient;
    const gamma = this.gammas.length > 0 ? Math.max(...this.gammas) : undefined;
    const direction = quasiNewtonDirection(free, this.memory, metric, gamma);
    if (bounds) hold(direction, free);
    let length = kind === 'steepest' ? firstStep / (largest(direction) || 1) : 1;
    for (let evaluations = 1; evaluations <= maxEvaluations; evaluations++) {
      const { x, s, predicted } = moved(this.x, length, direction, gradient, bounds);
      if (!(predicted < 0)) return { moved: false, evaluations: evaluations - 1 };
      const next = await evaluate(x);
      if (isUsable(next) && next.loss <= loss + sufficientDecrease * predicted) {
        this.remember(s, gradient, next.gradient);
        this.x = x;
        this.current = next;
        return { moved: true, evaluations };
      }
      // The minimum of the parabola through both losses and the slope, kept within a tenth and a half of the step.
      const curvature = next.loss - loss - predicted;
      const ratio = Number.isFinite(curvature) && curvature > 0 ? -predicted / (2 * curvature) : 0.1;
      length *= Math.min(0.5, Math.max(0.1, ratio));
    }
    return { moved: false, evaluations: maxEvaluations };
  }

  private remember(s: Float32Array, before: Float32Array, after: Float32Array): void {
    const y = new Float32Array(s.length);
    let [sy, yy] = [0, 0];
    for (let i = 0; i < y.length; i++) {
      // Values held on a bound did not move: their gradient's change says nothing about the curvature along s.
      if (s[i] === 0) continue;
      const change = Math.fround(after[i]! - before[i]!);
      y[i] = change;
      sy += s[i]! * change;
      yy += change * change;
    }
    if (sy <= 1e-10 * yy) return;
    const pair = { s, y };
    const { metric, history } = this.options;
    this.memory.push(pair);
    metric.learn(pair);
    if (history === 0) return;
    this.gammas.push(gammaOf(pair, metric));
    if (this.gammas.length > metric.scalePairs) this.gammas.shift();
  }
}

/** A step of this length, within the bounds: where it leads, how far every value moves, and by how much the loss should change. */
function moved(
  from: Float32Array,
  length: number,
  direction: Float32Array,
  gradient: Float32Array,
  [low, high]: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
): { readonly x: Float32Array; readonly s: Float32Array; readonly predicted: number } {
  const x = new Float32Array(from.length);
  const s = new Float32Array(from.length);
  let predicted = 0;
  for (let i = 0; i < x.length; i++) {
    const to = Math.fround(Math.min(high, Math.max(low, from[i]! + length * direction[i]!)));
    const change = Math.fround(to - from[i]!);
    x[i] = to;
    s[i] = change;
    predicted += gradient[i]! * change;
  }
  return { x, s, predicted };
}

/**
 * −H·g by the two-loop recursion, with H₀ = initialScale·γ·K (Nocedal & Wright 2006, alg. 7.4). γ is that of the newest pair
 * unless the caller says otherwise. Without pairs it is −K·g.
 */
export function quasiNewtonDirection(
  gradient: Float32Array,
  pairs: Pairs,
  metric: Metric = plainMetric,
  gamma?: number,
): Float32Array {
  const q = negated(gradient);
  if (!pairs.newest) return metric.apply(q);
  const alpha = pairs.firstLoop(q);
  const r = metric.apply(q);
  scale(r, metric.initialScale * (gamma ?? gammaOf(pairs.newest, metric)));
  pairs.secondLoop(r, alpha);
  return r;
}

function isUsable({ loss, gradient }: Evaluation<unknown>): boolean {
  return Number.isFinite(loss) && Number.isFinite(dot(gradient, gradient));
}

/** The gradient with 0 for values on a bound that descent would push outwards. */
function withoutHeld(gradient: Float32Array, x: Float32Array, [low, high]: readonly [number, number]): Float32Array {
  const result = gradient.slice();
  for (let i = 0; i < x.length; i++) {
    if ((x[i]! <= low && gradient[i]! > 0) || (x[i]! >= high && gradient[i]! < 0)) result[i] = 0;
  }
  return result;
}

function hold(direction: Float32Array, free: Float32Array): void {
  for (let i = 0; i < direction.length; i++) if (free[i] === 0) direction[i] = 0;
}
