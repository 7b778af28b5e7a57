import type { JobHost, NetworkSettings, OpenedStyleNetwork, StyleNetworkFile, StyleNetworkReference } from 'fauve';
import type { StartEngineOptions } from 'fauve/node';
import { createNodeHost } from 'fauve/node';

/** This computer as the host of one job after the other. */
export interface ServerHost extends JobHost {
  /** Gives the memory of the open style network back. */
  release(): Promise<void>;
  /** Ends the engine; the next job that needs it starts another. After an error, whose cause may be the engine. */
  close(): Promise<void>;
}

/** A style network that nobody uses gives its memory back after so many milliseconds. */
const IDLE = 60_000;

/** @param loadNetwork reads the style network of `apply` */
export function createServerHost(
  engine: StartEngineOptions,
  loadNetwork: (() => Promise<StyleNetworkFile>) | undefined,
): ServerHost {
  const host = createNodeHost({ engine, loadShippedNetwork: loadNetwork });
  let idle: NodeJS.Timeout | undefined;
  const release = async () => {
    clearTimeout(idle);
    await host.release();
  };
  return {
    ...host,
    async openStyleNetwork(network: StyleNetworkReference, how: NetworkSettings): Promise<OpenedStyleNetwork> {
      clearTimeout(idle);
      const opened = await host.openStyleNetwork(network, how);
      idle = setTimeout(() => void release(), IDLE).unref();
      return opened;
    },
    release,
    async close() {
      clearTimeout(idle);
      await host.close();
    },
  };
}
