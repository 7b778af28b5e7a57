/** Stylises in a process of its own, and tells its parent the peak of its resident memory in MB. */
import { noiseImage } from '#src/image/noise.js';
import { startEngine } from '#src/platform/node/engine.js';
import { defaultStylizeOptions } from '#src/stylize/options.js';
import { stylize } from '#src/stylize/stylize.js';
import { peakMegabytes } from './peak-memory.js';
import { randomVgg19 } from './steps.js';

const [size, optimiser] = process.argv.slice(2) as [string, 'adam' | 'lbfgs'];
const side = Number(size);
const runtime = await startEngine({ device: 'cpu' });
await stylize({
  content: noiseImage(side, side, 2),
  styles: [{ image: noiseImage(side, side, 3), weight: 1 }],
  weights: randomVgg19(),
  runtime,
  // Long enough to fill the memory of L-BFGS.
  options: { size: side, optimiser, steps: defaultStylizeOptions.history + 2, coarseSteps: 2 },
});
process.send?.(peakMegabytes());
await runtime.close();
