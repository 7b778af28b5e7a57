import { FauveError } from '../../errors.js';
import { type CreateFauveOptions, type Fauve, facadeOf } from '../../jobs/facade.js';
import type { Runtime } from '../../runtime/runtime.js';
import { download } from './download.js';
import { loadEngine } from './engine.js';
import { createBrowserHost } from './host.js';

/**
 * Fauve, ready to work: it owns the engine, started when it is needed first, and what it has loaded. A text is an address; of a style
 * or a trained network also the name under which it comes with Fauve. Best in a worker.
 * @throws FauveError `usage` for options that cannot be met
 */
export async function createFauve(options: CreateFauveOptions = {}): Promise<Fauve> {
  const { models, assets, device = 'auto', threads } = options;
  if (models === undefined || assets === undefined) {
    throw new FauveError(
      'request',
      'createFauve needs the addresses of the folders of models and of the engine in a browser: { models, assets }.',
    );
  }
  const engine = { device, assets, ...(threads === undefined ? {} : { threads }) };
  let runtime: Promise<Runtime> | undefined;
  const host = createBrowserHost({
    models,
    runtime: () => {
      runtime ??= loadEngine(engine).catch((error: unknown) => {
        runtime = undefined;
        throw error;
      });
      return runtime;
    },
  });
  const fetched = async (text: string | URL) => {
    const url = new URL(text, location.href);
    return { name: url.pathname.split('/').at(-1) || 'picture', bytes: await download(url, 'The file', 0) };
  };
  const namedOr = async (text: string | URL) =>
    typeof text === 'string' && /^[\w-]+$/.test(text) ? { shipped: text } : fetched(text);
  return facadeOf(host, { picture: fetched, style: namedOr, network: namedOr }, async () => {
    const started = runtime;
    runtime = undefined;
    await started?.then((each) => each.close()).catch(() => undefined);
  });
}
