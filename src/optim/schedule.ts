/** How a learning rate changes over a run. `constant`: not at all. `cosine`: falls to zero (Loshchilov & Hutter 2017, no restarts). */
export type ScheduleShape = 'constant' | 'cosine';

/**
 * The factor of the learning rate at a step.
 * @param step counted from 1
 * @param steps of the whole run
 * @param warmup steps over which it rises from nothing to 1, so that Adam's first moments settle
 * @returns in (0,1]
 */
export function scheduleFactor(shape: ScheduleShape, step: number, steps: number, warmup = 0): number {
  const rising = warmup > 0 ? Math.min(1, step / (warmup + 1)) : 1;
  if (shape === 'constant') return rising;
  const progress = Math.min(1, Math.max(0, (step - 1 - warmup) / Math.max(1, steps - warmup)));
  return rising * 0.5 * (1 + Math.cos(Math.PI * progress));
}
