import { FauveError, type Runtime } from 'fauve';
import { connectRuntime, type LoadProgress } from 'fauve/browser';
import type { DeviceName } from './api.js';
import type { EngineStart } from './engine-worker.js';

/** Devices that the browser itself has. */
export type BrowserDevice = Exclude<DeviceName, 'native'>;

export type OnLoading = (what: string, progress: LoadProgress) => void;

/** The engines of this page, each in a thread of its own, started when it is first needed. */
export class Engines {
  readonly #running = new Map<BrowserDevice, { readonly runtime: Promise<Runtime>; listener: OnLoading }>();
  readonly #ended: ((runtime: Runtime) => void)[] = [];

  /** @param assets address of the engine's files */
  constructor(private readonly assets: string) {}

  /** @throws FauveError `system` when it cannot be loaded or the device is not there */
  get(device: BrowserDevice, onLoading: OnLoading): Promise<Runtime> {
    const found = this.#running.get(device);
    if (found) {
      found.listener = onLoading;
      return found.runtime;
    }
    const entry = {
      listener: onLoading,
      runtime: this.#start(device, (progress) => entry.listener('engine', progress)),
    };
    this.#running.set(device, entry);
    // For another try.
    entry.runtime.catch(() => this.#forget(device, entry));
    return entry.runtime;
  }

  /** Ends an engine: one that ran out of memory, or whose card is lost, is of no use any more. */
  async restart(device: BrowserDevice): Promise<void> {
    const entry = this.#running.get(device);
    this.#running.delete(device);
    const runtime = await entry?.runtime.catch(() => undefined);
    if (!runtime) return;
    for (const listener of this.#ended) listener(runtime);
    await runtime.close();
  }

  /** Is told of each engine that has ended. */
  onEnd(listener: (runtime: Runtime) => void): void {
    this.#ended.push(listener);
  }

  #forget(device: BrowserDevice, entry: unknown): void {
    if (this.#running.get(device) === entry) this.#running.delete(device);
  }

  async #start(device: BrowserDevice, onProgress: (progress: LoadProgress) => void): Promise<Runtime> {
    const thread = new Worker(new URL('./engine-worker.ts', import.meta.url), {
      type: 'module',
      name: `engine ${device}`,
    });
    const { port1, port2 } = new MessageChannel();
    const failed = new Promise<never>((_, reject) => {
      thread.addEventListener('error', (event) => {
        event.preventDefault();
        reject(new FauveError('machine', `The engine stopped: ${event.message || 'it ran out of memory'}.`));
      });
    });
    failed.catch(() => undefined);
    const terminate = async () => {
      thread.terminate();
      port1.close();
    };
    thread.addEventListener('message', ({ data }: MessageEvent<LoadProgress>) => onProgress(data));
    const start: EngineStart = { device: device === 'wasm' ? 'cpu' : 'webgpu', assets: this.assets, port: port2 };
    thread.postMessage(start, [port2]);
    try {
      return await connectRuntime(port1, failed, terminate);
    } catch (error) {
      await terminate();
      throw error;
    }
  }
}
