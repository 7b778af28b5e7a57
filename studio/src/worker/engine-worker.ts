import type { DeviceChoice, LoadProgress } from 'fauve/browser';
import { loadEngine, serveRuntime } from 'fauve/browser';

/** What the engine's thread is started with. */
export interface EngineStart {
  readonly device: DeviceChoice;
  readonly assets: string;
  /** The runtime is served here. */
  readonly port: MessagePort;
}

// A thread of its own: while it computes it blocks, and when it dies of a lack of memory nothing else is lost.
self.addEventListener('message', ({ data }: MessageEvent<EngineStart>) => {
  const { device, assets, port } = data;
  const onProgress = (progress: LoadProgress) => self.postMessage(progress);
  serveRuntime(port, loadEngine({ device, assets, onProgress }));
});
