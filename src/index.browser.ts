/** Fauve in a browser: the public names, those of Node as far as a browser has what they need. For a web worker. */
export { perhaps } from './checks/names.js';
export { type OptionSpec, optionGroups } from './checks/option-specs.js';
export { respelled, spellings } from './checks/spellings.js';
export { type ErrorCode, FauveError, type Reason } from './errors.js';
export { sha256Hex } from './formats/sha256.js';
export { cropBottom, cropImage, type Rectangle } from './image/crop.js';
export {
  type DecodedImage,
  type EncodeOptions,
  type ImageSource,
  type OutputFormat,
  outputFormat,
} from './image/file.js';
export { type ImageHeader, imageHeader } from './image/header.js';
export { createImage, type Image } from './image/image.js';
export { kindNames, type PictureKind, pictureKinds } from './image/kinds.js';
export { psnr, ssim } from './image/metrics.js';
export { quantise } from './image/quantise.js';
export { fitLongerSide, resizeImage } from './image/resize.js';
export type { Size } from './image/size.js';
export { outputSize } from './image/size.js';
export { JobAborted } from './jobs/aborted.js';
export { differences, jobOfRecipe, type PictureSpec } from './jobs/again.js';
export type { JobHost, NetworkSettings, OpenedStyleNetwork, ReadFile, ReadPicture, ReadStyle } from './jobs/host.js';
export { type JobCheckpoint, type Plain, plainEvent } from './jobs/kind.js';
export { textureOptionSpecs } from './jobs/kinds/texture.js';
export type { JobKindName } from './jobs/kinds.js';
export { createJobQueue, defaultQueueLimits, type JobQueue, type Place, type QueueLimits } from './jobs/queue.js';
export type { QueuedJob, QueueEvent, Report, Work } from './jobs/queued-job.js';
export {
  type ApplyRecipe,
  decodeRecipe,
  encodeRecipe,
  type Recipe,
  type StylizeRecipe,
  type TextureRecipe,
  withPaths,
} from './jobs/recipe.js';
export type { FileReference, StyleNetworkReference, StyleReference } from './jobs/reference.js';
export {
  checkJob,
  type JobControlOf,
  type JobEvent,
  type JobPlan,
  type JobResult,
  type PlannedJob,
  planJob,
  runJob,
} from './jobs/run.js';
export { type CompleteSpec, decodeSpec, encodeSpec, type JobSpec, type JobSpecOf, parseSpec } from './jobs/spec.js';
export { type LossTerm, lossTerms } from './losses/total.js';
export { type DistilledOrigin, decodeDistilled, encodeDistilled } from './networks/distilled.js';
export type { LayerName, LayerWeights } from './networks/layers.js';
export type { ShippedNetwork, ShippedStyleNetwork } from './networks/manifest.js';
export type { NetworkWeights } from './networks/network.js';
export {
  defaultNetworkName,
  fastStyleNetworkName,
  lossNetworkNames,
  networkNames,
  shippedNetworkNames,
} from './networks/registry.js';
export { decodeWeights, importWeights } from './networks/weights.js';
export { type BrowserDecodedImage, type DecodeOptions, decodeImage } from './platform/browser/decode.js';
export type { LoadOptions, LoadProgress } from './platform/browser/download.js';
export { encodeImage } from './platform/browser/encode.js';
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
export { type LossSeries, lossPlotSvg } from './report/plot.js';
export { type EngineBuild, engineFiles } from './runtime/engine-files.js';
export { connectRuntime, serveRuntime } from './runtime/remote.js';
export type { Device, Runtime, Session } from './runtime/runtime.js';
export { type ApplyRequest, type ApplyResult, apply } from './style-network/apply.js';
export { type CheckedStyleNetwork, checkStyleNetwork, type StyleNetworkFile } from './style-network/check.js';
export { type NamedStyle, type StyleCode, type StyleEncoder, styleShares } from './style-network/code.js';
export {
  decodeStyleNetwork,
  encodeStyleNetwork,
  isStyleNetworkFile,
  type ModelStyle,
  type StyleNetworkModel,
} from './style-network/file.js';
export type { PixelRange } from './style-network/foreign.js';
export { applyMemory } from './style-network/memory.js';
export type { StyleNetwork } from './style-network/network.js';
export { openStyleNetwork, type Precision } from './style-network/open.js';
export {
  type ApplyOptions,
  type ApplyOptionsInput,
  applyOptionSpecs,
  defaultApplyOptions,
  resolveApplyOptions,
} from './style-network/options.js';
export type { ShippedStyle } from './styles/shipped.js';
export {
  decodeStyle,
  encodeStyle,
  type LayerStyle,
  looksLikeStyle,
  type NetworkStyle,
  type SizeStyle,
  type Style,
  type StyleAbout,
  type StyleInput,
} from './styles/style-file.js';
export {
  type CaptureProgress,
  type CaptureRequest,
  captureBytes,
  captureSizes,
  captureStyle,
} from './stylize/capture.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type LossRecord } from './stylize/checkpoint.js';
export type { OnProgress, StylizeEvent, StylizeStep } from './stylize/events.js';
export { type GramMatrix, gramMatrices } from './stylize/gram.js';
export { type LossReport, type LossRequest, measureLosses } from './stylize/measure-losses.js';
export {
  defaultStylizeOptions,
  resolveStylizeOptions,
  type StylizeOptionSpec,
  type StylizeOptions,
  type StylizeOptionsInput,
  stylizeOptionSpecs,
} from './stylize/options.js';
export { polishNetworkName } from './stylize/polish.js';
export type { WeightedStyleInput } from './stylize/request.js';
export type { Scale } from './stylize/scales.js';
export { StylizeAborted, type StylizeRequest, type StylizeResult, stylize } from './stylize/stylize.js';
export type { WeightedStyle } from './stylize/targets.js';
export { defaultTextureSteps, type TextureRequest, texture } from './stylize/texture.js';
export type { PictureSource } from './training/crops.js';
export {
  type DistilCheckpoint,
  type DistilRecord,
  type DistilTest,
  decodeDistilCheckpoint,
  encodeDistilCheckpoint,
} from './training/loss-network/checkpoint.js';
export {
  DistilAborted,
  type DistilEvent,
  type DistilRequest,
  type DistilResult,
  distil,
  type TestPair,
} from './training/loss-network/distil.js';
export {
  type DistilOptions,
  type DistilOptionsInput,
  defaultDistilOptions,
  distilOptionSpecs,
  resolveDistilOptions,
} from './training/loss-network/options.js';
export { type StudentShape, studentShapes } from './training/loss-network/student.js';
export {
  decodeTrainCheckpoint,
  encodeTrainCheckpoint,
  type TrainCheckpoint,
  type TrainRecord,
} from './training/style-network/checkpoint.js';
export {
  defaultTrainOptions,
  resolveTrainOptions,
  type TrainOptions,
  type TrainOptionsInput,
  trainOptionSpecs,
} from './training/style-network/options.js';
export type { TrainTest } from './training/style-network/tester.js';
export {
  TrainAborted,
  type TrainEvent,
  type TrainRequest,
  type TrainResult,
  type TrainStyle,
  train,
} from './training/style-network/train.js';
