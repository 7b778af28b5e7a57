import type { JobHost, StyleNetworkFile } from 'fauve';
import type { StartEngineOptions } from 'fauve/node';
import { createNodeHost } from 'fauve/node';

/** This computer as the host of one job after the other. */
export interface ServerHost extends JobHost {
  /** Gives the memory of the open style network back. */
  release(): Promise<void>;
  /**
   * Works with the style network, which stays open for a while after it.
   * @throws FauveError of the work
   */
  keepingNetwork<T>(work: () => Promise<T>): Promise<T>;
  /** Ends the engine; the next job that needs it starts another. After an error, whose cause may be the engine. */
  close(): Promise<void>;
}

/** A style network that nobody uses gives its memory back after so many milliseconds. */
const IDLE = 60_000;

/**
 * @param loadNetwork reads the style network of `apply`
 * @param idle milliseconds that the network stays open after it was used last
 */
export function createServerHost(
  engine: StartEngineOptions,
  loadNetwork: (() => Promise<StyleNetworkFile>) | undefined,
  idle = IDLE,
): ServerHost {
  const host = createNodeHost({ engine, loadShippedNetwork: loadNetwork });
  let timer: NodeJS.Timeout | undefined;
  return {
    ...host,
    async release() {
      clearTimeout(timer);
      await host.release();
    },
    async keepingNetwork(work) {
      clearTimeout(timer);
      try {
        return await work();
      } finally {
        timer = setTimeout(() => void host.release(), idle).unref();
      }
    },
    async close() {
      clearTimeout(timer);
      await host.close();
    },
  };
}
