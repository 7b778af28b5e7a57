import { FauveError } from '../errors.js';
import { averageCorrection } from '../optim/adam.js';
import { scheduleFactor } from '../optim/schedule.js';
import type { Values } from '../runtime/runtime.js';
import type { OptimiserState } from './checkpoint.js';
import type { ImageOptimiser } from './image-optimiser.js';
import type { AdamObjective } from './objective.js';
import type { StylizeOptions } from './options.js';
import type { Scale } from './scales.js';

/** A total this many times the lowest one of the scale is no noise any more. */
const DIVERGED = 4;
/** Steps between two states that Adam can go back to. */
const SAFE_EVERY = 10;
const SMALLEST_FACTOR = 1e-4;

/** An image that Adam optimises. @param start the image to start from, and the moments of the steps before */
export async function adamOptimiser(
  objective: AdamObjective,
  options: StylizeOptions,
  { width, height, steps }: Scale,
  start: OptimiserState,
): Promise<ImageOptimiser> {
  const zeros = new Float32Array(3 * height * width);
  const stored = (prefix: string): Values =>
    Object.fromEntries(objective.names.map((name) => [name, start.arrays[prefix + name] ?? zeros]));
  // `step` counts at this scale, for the schedule; `age` is what the moments saw at the scales before.
  let { step = 0, safeStep = 0, factor = 1, lowest = Number.POSITIVE_INFINITY } = start.numbers;
  const { age = 0 } = start.numbers;
  await objective.write(stored(''));
  let safe = start.arrays['safe image'] ? stored('safe ') : stored('');

  return {
    async step() {
      const candidate = step % SAFE_EVERY === 0 ? await objective.read() : undefined;
      const rate = options.learningRate * factor * scheduleFactor(options.schedule, step + 1, steps);
      const report = await objective.step(age + step + 1, rate);
      // The loss is that of the image before this step.
      if (Number.isFinite(report.loss) && report.loss <= DIVERGED * lowest) {
        if (candidate) [safe, safeStep] = [candidate, step];
        lowest = Math.min(lowest, report.loss);
        step++;
        return report;
      }
      if (lowest === Number.POSITIVE_INFINITY) {
        throw new FauveError('input', 'The loss is not finite at the start. Check the pictures and the weights.');
      }
      await objective.write(safe);
      [step, factor] = [safeStep, factor / 2];
      const risen = `The loss went from ${lowest.toPrecision(3)} to ${report.loss.toPrecision(3)}: back to the last good image`;
      if (factor < SMALLEST_FACTOR)
        return { ...report, loss: lowest, done: true, notice: `${risen}, and no smaller step helps.` };
      return { ...report, loss: lowest, notice: `${risen}, with half the learning rate.` };
    },
    async image() {
      const { image, 'image average': average } = await objective.read();
      const current = average && step > 0 ? averaged(average, averageCorrection(step, options.averageDecay)) : image!;
      // No step has looked at this image yet: it is checked as the next step would.
      const { loss } = await objective.measure(current);
      const good = Number.isFinite(loss) && current.every(Number.isFinite) && loss <= DIVERGED * lowest;
      return good ? current : safe.image!;
    },
    async state() {
      const kept = Object.fromEntries(Object.entries(safe).map(([name, data]) => [`safe ${name}`, data]));
      const numbers: Record<string, number> = { step, safeStep, factor, age };
      // Before the first step there is no lowest loss, and JSON has no infinity.
      if (Number.isFinite(lowest)) numbers.lowest = lowest;
      return { arrays: { ...(await objective.read()), ...kept }, numbers };
    },
    measure: (image) => objective.measure(image),
    close: () => objective.close(),
  };
}

function averaged(average: Float32Array, correction: number): Float32Array {
  return average.map((value) => Math.min(1, Math.max(0, value * correction)));
}
