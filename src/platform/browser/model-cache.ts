import type { NetworkWeights } from '../../networks/network.js';
import type { Runtime } from '../../runtime/runtime.js';
import { type CheckedStyleNetwork, checkStyleNetwork } from '../../style-network/check.js';
import type { StyleNetwork } from '../../style-network/network.js';
import { openStyleNetwork } from '../../style-network/open.js';
import type { LoadOptions } from './download.js';
import { loadNetworkWeights, loadStyle, loadStyleNetwork, type StyleFile } from './models.js';

/** What comes with Fauve, loaded once; what failed is tried again. */
export interface ModelCache {
  lossNetwork(name: string, following: LoadOptions): Promise<NetworkWeights>;
  style(name: string, following: LoadOptions): Promise<StyleFile>;
  styleNetwork(name: string, following: LoadOptions): Promise<CheckedStyleNetwork>;
  /** Stays open as long as its engine. */
  openStyleNetwork(
    runtime: Runtime,
    network: CheckedStyleNetwork,
    how: Parameters<typeof openStyleNetwork>[2],
  ): Promise<StyleNetwork>;
  /** Forgets what an engine held that has ended. */
  forget(runtime: Runtime): void;
}

/** @param base address of the folder `models/` of the package */
export function createModelCache(base: string | URL): ModelCache {
  const networks = new Map<string, Promise<NetworkWeights>>();
  const styles = new Map<string, Promise<StyleFile>>();
  const files = new Map<string, Promise<CheckedStyleNetwork>>();
  const open = new Map<Runtime, { readonly of: CheckedStyleNetwork; readonly network: Promise<StyleNetwork> }>();
  return {
    lossNetwork: (name, following) => once(networks, name, () => loadNetworkWeights(name, { base, ...following })),
    style: (name, following) => once(styles, name, () => loadStyle(name, { base, ...following })),
    styleNetwork: (name, following) =>
      once(files, name, async () => checkStyleNetwork(await loadStyleNetwork(name, { base, ...following }))),
    openStyleNetwork(runtime, network, how) {
      const found = open.get(runtime);
      if (found?.of === network) return found.network;
      void found?.network.then((each) => each.close()).catch(() => undefined);
      const opening = openStyleNetwork(runtime, network, how);
      open.set(runtime, { of: network, network: opening });
      opening.catch(() => open.delete(runtime));
      return opening;
    },
    forget: (runtime) => void open.delete(runtime),
  };
}

/** What was made once for a key; what failed is made again. */
function once<K, T>(made: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const found = made.get(key);
  if (found) return found;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}
