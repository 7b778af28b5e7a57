/** `fauve/browser`: the engine of a tab, its threads, and what is downloaded. */
export { type BrowserDecodedImage, type DecodeOptions, decodeImage } from './platform/browser/decode.js';
export type { LoadOptions, LoadProgress } from './platform/browser/download.js';
export { type BrowserEngineOptions, type DeviceChoice, loadEngine } from './platform/browser/engine.js';
export { type BrowserHostOptions, createBrowserHost, type LoadedThing } from './platform/browser/host.js';
export { freeMemory } from './platform/browser/memory.js';
export { createModelCache, type ModelCache } from './platform/browser/model-cache.js';
export {
  listNetworks,
  listStyles,
  loadNetworkWeights,
  loadStyle,
  loadStyleNetwork,
  type ModelOptions,
  type StyleFile,
  shippedStyleNetworks,
} from './platform/browser/models.js';
export { engineFiles } from './runtime/engine-files.js';
export { connectRuntime, serveRuntime } from './runtime/remote.js';
