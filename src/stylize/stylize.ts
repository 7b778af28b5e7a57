import { planStylize, type StylizeRequest } from './plan.js';
import { runStylize, type StylizeResult } from './run.js';

export type { StylizeRequest } from './plan.js';
export { StylizeAborted, type StylizeResult } from './run.js';

/**
 * Restyles a picture by optimising its pixels against content, style and total-variation losses on the features of a loss network
 * (Gatys, Ecker & Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks"), from coarse to fine.
 * The same request gives the same picture on the same device.
 * @example
 * ```ts
 * import { stylize } from 'fauve';
 * import { loadNetworkWeights, loadStyle, readImage, startEngine, writeImage } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const { image, loss } = await stylize({
 *   content: await readImage('photo.jpg'),
 *   styles: [await loadStyle('starry-night')],
 *   weights: await loadNetworkWeights('distilled'),
 *   runtime,
 *   options: { size: 128, steps: 5 },
 * });
 * await writeImage('out.png', image);
 * await runtime.close();
 * console.log(loss);
 * ```
 * @throws FauveError `usage` and `input` before the work starts, when the request cannot be met; `aborted` before the first step is
 *   done, and {@link StylizeAborted} after it
 */
export async function stylize(request: StylizeRequest): Promise<StylizeResult> {
  const started = performance.now();
  const plan = await planStylize(request);
  return runStylize(plan, {
    runtime: request.runtime,
    signal: request.signal,
    onProgress: request.onProgress,
    started,
  });
}
