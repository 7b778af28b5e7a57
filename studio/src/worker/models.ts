import {
  fastStyleNetworkName,
  loadNetworkWeights,
  loadStyle,
  loadStyleNetwork,
  type NetworkWeights,
  openStyleNetwork,
  type Runtime,
  type Style,
  type StyleNetwork,
  type StyleNetworkFile,
} from 'fauve';
import type { Engines, OnLoading } from './engines.js';

/** What ships with Fauve, loaded once. */
export class Models {
  readonly #networks = new Map<string, Promise<NetworkWeights>>();
  readonly #styles = new Map<string, Promise<{ readonly style: Style; readonly sha256: string }>>();
  readonly #files = new Map<string, Promise<StyleNetworkFile>>();
  readonly #transformers = new Map<Runtime, Promise<StyleNetwork>>();

  /** @param base address of the folder `models/` */
  constructor(
    private readonly base: string,
    engines: Engines,
  ) {
    engines.onEnd((runtime) => this.#transformers.delete(runtime));
  }

  network(name: string, onLoading: OnLoading, signal: AbortSignal): Promise<NetworkWeights> {
    return once(this.#networks, name, () => loadNetworkWeights(name, this.#options('network', onLoading, signal)));
  }

  style(name: string, onLoading: OnLoading, signal: AbortSignal) {
    return once(this.#styles, name, () => loadStyle(name, this.#options('style', onLoading, signal)));
  }

  /** The trained network as a file. */
  styleNetworkFile(onLoading: OnLoading, signal: AbortSignal): Promise<StyleNetworkFile> {
    return once(this.#files, fastStyleNetworkName, () =>
      loadStyleNetwork(fastStyleNetworkName, this.#options('transformer', onLoading, signal)),
    );
  }

  /** The trained network, ready to restyle. */
  transformer(runtime: Runtime, onLoading: OnLoading, signal: AbortSignal): Promise<StyleNetwork> {
    return once(this.#transformers, runtime, async () =>
      openStyleNetwork(runtime, await this.styleNetworkFile(onLoading, signal)),
    );
  }

  #options(what: string, onLoading: OnLoading, signal: AbortSignal) {
    return { base: this.base, signal, onProgress: onLoading.bind(undefined, what) };
  }
}

/** What was made once for a key; what failed is tried again. */
function once<K, T>(made: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const found = made.get(key);
  if (found) return found;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}
