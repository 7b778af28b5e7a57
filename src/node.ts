/** `fauve/node`: the engine, files, folders and stores of a computer. */
export { decodeImage } from './platform/node/codec.js';
export {
  checkEngineOptions,
  type DeviceChoice,
  type EngineOptions,
  type StartEngineOptions,
  startEngine,
} from './platform/node/engine.js';
export { checkWritable, fileError, makeFolder, readFileChecked, writeFileAtomically } from './platform/node/files.js';
export {
  createNodeHost,
  type NodeHost,
  type NodeHostOptions,
  styleNetworkReferenceOf,
  styleReferenceOf,
} from './platform/node/host.js';
export { freeMemory, readImage, writeImage } from './platform/node/images.js';
export {
  cacheFolder,
  importNetwork,
  listNetworks,
  loadNetworkWeights,
  type NetworkManifest,
  type NetworkStatus,
  pullNetwork,
  verifyNetwork,
} from './platform/node/model-store.js';
export { inPackage, version } from './platform/node/package.js';
export { type FolderListing, listPictures, pictureFolder } from './platform/node/picture-folder.js';
export { type PlotFormat, renderPlot } from './platform/node/plot.js';
export { recipeBeside, savePicture } from './platform/node/save.js';
export { shippedStyleNetworks } from './platform/node/shipped.js';
export { loadStyleNetwork } from './platform/node/style-networks.js';
export { styleSheet } from './platform/node/style-sheet.js';
export { isShippedStyle, listStyles, loadStyle, readStyle, type StyleFile } from './platform/node/style-store.js';
export { engineFiles } from './runtime/engine-files.js';
