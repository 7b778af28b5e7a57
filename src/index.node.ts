/** Fauve in Node: the public names. */
export { type ErrorCode, FauveError } from './errors.js';
export { createImage, type Image } from './image/image.js';
export { psnr, ssim } from './image/metrics.js';
export { quantise } from './image/quantise.js';
export { fitLongerSide, resizeImage } from './image/resize.js';
export type { LossTerm } from './losses/total.js';
export type { NetworkWeights } from './networks/network.js';
export { defaultNetworkName, lossNetworkNames, networkNames } from './networks/registry.js';
export { decodeWeights, importWeights, sha256Hex } from './networks/weights.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type LossRecord } from './pipelines/checkpoint.js';
export { type LossReport, measureLosses } from './pipelines/losses.js';
export {
  defaultStylizeOptions,
  type OptionSpec,
  resolveStylizeOptions,
  type StylizeOptions,
  type StylizeOptionsInput,
  stylizeOptionSpecs,
} from './pipelines/options.js';
export { type LossSeries, lossPlotSvg } from './pipelines/plot.js';
export type { OnProgress, StylizeEvent, StylizeStep } from './pipelines/progress.js';
export { decodeRecipe, encodeRecipe, type Recipe } from './pipelines/recipe.js';
export { outputSize, type Scale, type Size } from './pipelines/scales.js';
export { StylizeAborted, type StylizeRequest, type StylizeResult, stylize } from './pipelines/stylize.js';
export type { WeightedStyle } from './pipelines/targets.js';
export {
  type DecodedImage,
  decodeImage,
  type EncodeOptions,
  encodeImage,
  type OutputFormat,
  outputFormat,
} from './platform/codec-node.js';
export { type DeviceChoice, type EngineOptions, startEngine } from './platform/engine-node.js';
export { checkWritable, readFileChecked, writeFileAtomically } from './platform/files.js';
export { freeMemory, readImage, writeImage } from './platform/images.js';
export {
  cacheFolder,
  importNetwork,
  listNetworks,
  loadNetworkWeights,
  type NetworkManifest,
  type NetworkStatus,
  pullNetwork,
  verifyNetwork,
} from './platform/model-store.js';
export { type PlotFormat, renderPlot } from './platform/plot-node.js';
export type { ShippedNetwork } from './platform/shipped.js';
export type { Device, Runtime, Session } from './runtime/runtime.js';
