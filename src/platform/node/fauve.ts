import { fileURLToPath } from 'node:url';
import { aSize, checkRequest, oneOf, optional } from '../../checks/checks.js';
import { type CreateFauveOptions, type Fauve, facadeOf } from '../../jobs/facade.js';
import { checkEngineOptions } from './engine.js';
import { createNodeHost, styleNetworkReferenceOf, styleReferenceOf } from './host.js';

/**
 * Fauve, ready to work: it owns the engine, started when it is needed first, and what it has loaded. A text is the path of a file; of
 * a style or a trained network also the name under which it comes with Fauve.
 * @example
 * ```ts
 * import { createFauve } from 'fauve';
 * import { savePicture } from 'fauve/node';
 *
 * await using fauve = await createFauve();
 * const result = await fauve.stylize({ photo: 'photo.jpg', style: 'starry-night', size: 128, steps: 20 });
 * await savePicture('out.png', result);
 * ```
 * @throws FauveError `usage` for options that cannot be met
 */
export async function createFauve(options: CreateFauveOptions = {}): Promise<Fauve> {
  const anything = () => {};
  checkRequest(options, 'createFauve', {
    device: optional(oneOf('auto', 'cpu', 'webgpu')),
    threads: optional(aSize),
    models: anything,
    assets: anything,
  });
  const { device = 'auto', threads } = options;
  const engine = threads === undefined ? { device } : { device, threads };
  checkEngineOptions(engine);
  const host = createNodeHost({ engine });
  const path = (text: string | URL) => (typeof text === 'string' ? text : fileURLToPath(text));
  const names = {
    picture: (text: string | URL) => ({ path: path(text) }),
    style: (text: string | URL) => styleReferenceOf(path(text)),
    network: (text: string | URL) => styleNetworkReferenceOf(path(text)),
  };
  return facadeOf(host, names, () => host.close());
}
