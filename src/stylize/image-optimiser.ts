import { resizePlanes } from '../image/resize.js';
import type { OptimiserState } from './checkpoint.js';
import { adamOptimiser } from './image-adam.js';
import { lbfgsOptimiser } from './image-lbfgs.js';
import { adamObjective, type Losses, type ObjectiveSource, sessionObjective } from './objective.js';
import type { Scale } from './scales.js';

/** What a step did to the loss. */
export interface StepReport extends Losses {
  readonly notice?: string;
  /** No further step would change anything. */
  readonly done?: boolean;
}

/** An image that is being optimised at one size. */
export interface ImageOptimiser {
  step(): Promise<StepReport>;
  /** [3,H,W] in [0,1], as good as it is now. */
  image(): Promise<Float32Array>;
  state(): Promise<OptimiserState>;
  /** Total loss and terms of another image against the same targets. */
  measure(image: Float32Array): Promise<Losses>;
  close(): Promise<void>;
}

/**
 * Prepares the optimisation of an image with the optimiser of the options.
 * @param source its size is that of the scale
 * @param start the image to start from, [3,H,W] in [0,1], or the state to go on from
 */
export async function openImageOptimiser(
  source: ObjectiveSource & { readonly size: Scale },
  start: Float32Array | OptimiserState,
): Promise<ImageOptimiser> {
  const { options, size: scale } = source;
  const state = start instanceof Float32Array ? { arrays: { image: start }, numbers: {} } : start;
  const objective = options.optimiser === 'adam' ? await adamObjective(source) : await sessionObjective(source);
  try {
    return 'evaluate' in objective
      ? lbfgsOptimiser(objective, options, scale, state)
      : await adamOptimiser(objective, options, scale, state);
  } catch (error) {
    await objective.close();
    throw error;
  }
}

/**
 * The state to start the next scale with. Adam's moments go along: the gradient of a mean over pixels is as many times smaller as
 * there are more pixels. L-BFGS starts another size with an empty memory: resampled pairs made no difference in our measurements. At the same
 * size, where only the network is another, it keeps what it knows: the curvature is much the same.
 * @param image at the new size
 */
export function carryOver(
  { arrays, numbers }: OptimiserState,
  from: Scale,
  to: Scale,
  image: Float32Array,
): OptimiserState {
  const isSameSize = from.width === to.width && from.height === to.height;
  if (isSameSize && arrays['s 0']) return { arrays: { ...arrays, image }, numbers };
  const ratio = (from.width * from.height) / (to.width * to.height);
  const carried = Object.entries(arrays).flatMap(([name, data]) => {
    const power = name === 'image first moment' ? 1 : /^image (second|largest) moment$/.test(name) ? 2 : 0;
    if (power === 0) return [];
    const resized = resizePlanes(data, 3, from.height, from.width, to.height, to.width);
    // The filter overshoots: a squared moment is not negative.
    return [[name, resized.map((value) => (power === 1 ? value : Math.max(0, value)) * ratio ** power)] as const];
  });
  return {
    arrays: { image, ...Object.fromEntries(carried) },
    numbers: { age: (numbers.age ?? 0) + (numbers.step ?? 0) },
  };
}
