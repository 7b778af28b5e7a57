import { type ApplyRequest, planApply } from './plan.js';
import { type ApplyResult, runApply } from './run.js';

export type { ApplyRequest } from './plan.js';
export type { ApplyResult } from './run.js';

/**
 * Restyles a photo with a trained network, in one forward pass (Johnson et al. 2016). The photo may have any size: a small one is
 * mirrored beyond its border and cut out again. Normalisation takes its statistics from the whole picture, so a photo that does not
 * fit the memory cannot be done in tiles without seams.
 * @example
 * ```ts
 * import { apply, openStyleNetwork } from 'fauve';
 * import { loadStyleNetwork, readImage, startEngine, writeImage } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const network = await openStyleNetwork(runtime, await loadStyleNetwork('fast'));
 * const { image } = await apply({ image: await readImage('photo.jpg'), network, styles: [{ name: 'great-wave' }] });
 * await writeImage('out.png', image);
 * await runtime.close();
 * ```
 * @throws FauveError `usage` for options or styles that are not there; `input` when the network gives what is no picture; `system` when
 *   the memory does not suffice, with the largest size that fits; `aborted` when the signal fires before the picture is there
 */
export async function apply(request: ApplyRequest): Promise<ApplyResult> {
  const started = performance.now();
  const plan = await planApply(request);
  return runApply(plan, { signal: request.signal, started });
}
