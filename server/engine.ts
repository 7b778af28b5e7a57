import {
  type CheckedStyleNetwork,
  checkStyleNetwork,
  freeMemory,
  openStyleNetwork,
  type Runtime,
  type StartEngineOptions,
  type StyleNetwork,
  type StyleNetworkFile,
  startEngine,
} from 'fauve';

/** A network that is ready, and the memory that it may take. */
export interface OpenStyleNetwork {
  readonly transformer: StyleNetwork;
  /** Bytes that were free before it was opened: the engine keeps what it has taken for the next picture. */
  readonly memoryLimit: number;
}

/** A network that nobody uses gives its memory back after so many milliseconds. */
const IDLE = 60_000;

/** This computer's engine and the network of `instant`, each started when it is needed first and then kept. */
export class Engine {
  #runtime: Promise<Runtime> | undefined;
  #network: Promise<CheckedStyleNetwork> | undefined;
  #open: Promise<OpenStyleNetwork> | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param loadNetwork reads the network of `instant` */
  constructor(
    readonly options: StartEngineOptions,
    readonly loadNetwork: () => Promise<StyleNetworkFile>,
  ) {}

  /** @throws FauveError `system` when no engine can be started */
  runtime(): Promise<Runtime> {
    this.#runtime ??= forgetting(startEngine(this.options), () => {
      this.#runtime = undefined;
    });
    return this.#runtime;
  }

  /** The network of `instant`, not yet opened. @throws FauveError when there is none */
  network(): Promise<CheckedStyleNetwork> {
    this.#network ??= forgetting(this.loadNetwork().then(checkStyleNetwork), () => {
      this.#network = undefined;
    });
    return this.#network;
  }

  /** Works with the network of `instant`, which stays open for a while. @throws FauveError when it cannot be opened */
  async withStyleNetwork<T>(work: (open: OpenStyleNetwork) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#open ??= forgetting(this.#openStyleNetwork(), () => {
      this.#open = undefined;
    });
    try {
      return await work(await this.#open);
    } finally {
      this.#idle = setTimeout(() => void this.releaseStyleNetwork(), IDLE).unref();
    }
  }

  /** Gives the memory of the network back. */
  async releaseStyleNetwork(): Promise<void> {
    clearTimeout(this.#idle);
    const open = this.#open;
    this.#open = undefined;
    // One that could not be opened, or whose engine is gone, holds nothing.
    await open?.then(({ transformer }) => transformer.close()).catch(() => undefined);
  }

  /** Ends the engine; the next that needs it starts another. After an error, whose cause may be the engine. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const runtime = this.#runtime;
    this.#runtime = undefined;
    this.#open = undefined;
    await runtime?.then((each) => each.close()).catch(() => undefined);
  }

  async #openStyleNetwork(): Promise<OpenStyleNetwork> {
    const [runtime, network] = [await this.runtime(), await this.network()];
    const memoryLimit = freeMemory();
    return { memoryLimit, transformer: await openStyleNetwork(runtime, network) };
  }
}

/** A promise that is kept only if it is fulfilled: what failed is tried again next time. */
function forgetting<T>(promise: Promise<T>, forget: () => void): Promise<T> {
  promise.catch(forget);
  return promise;
}
