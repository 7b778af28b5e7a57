/** Fauve in a browser: the public names, those of Node as far as a browser has what they need. For a web worker. */
export { perhaps } from './checks/names.js';
export { type ErrorCode, FauveError } from './errors.js';
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
export { type LossTerm, lossTerms } from './losses/total.js';
export { type DistilledOrigin, decodeDistilled, encodeDistilled } from './networks/distilled.js';
export type { ShippedNetwork, ShippedTransformer } from './networks/manifest.js';
export type { NetworkWeights } from './networks/network.js';
export {
  defaultNetworkName,
  fastTransformerName,
  lossNetworkNames,
  networkNames,
  shippedNetworkNames,
} from './networks/registry.js';
export { decodeWeights, importWeights, sha256Hex } from './networks/weights.js';
export { type ApplyRequest, type ApplyResult, applyTransformer } from './pipelines/apply/apply.js';
export type { PixelRange } from './pipelines/apply/foreign.js';
export { applyMemory } from './pipelines/apply/memory.js';
export {
  type CheckedTransformer,
  checkTransformer,
  type ImageTransformer,
  openTransformer,
  type Precision,
  type TransformerFile,
} from './pipelines/apply/network.js';
export {
  type ApplyOptions,
  type ApplyOptionsInput,
  defaultApplyOptions,
  resolveApplyOptions,
} from './pipelines/apply/options.js';
export { type NamedStyle, styleShares } from './pipelines/apply/styles.js';
export {
  type CaptureProgress,
  type CaptureRequest,
  captureBytes,
  captureSizes,
  captureStyle,
} from './pipelines/capture.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type LossRecord } from './pipelines/checkpoint.js';
export type { PictureSource } from './pipelines/crops.js';
export {
  type DistilCheckpoint,
  type DistilRecord,
  type DistilTest,
  decodeDistilCheckpoint,
  encodeDistilCheckpoint,
} from './pipelines/distil/checkpoint.js';
export {
  DistilAborted,
  type DistilEvent,
  type DistilRequest,
  type DistilResult,
  distil,
  type TestPair,
} from './pipelines/distil/distil.js';
export {
  type DistilOptions,
  type DistilOptionsInput,
  defaultDistilOptions,
  distilOptionSpecs,
  resolveDistilOptions,
} from './pipelines/distil/options.js';
export { type StudentShape, studentShapes } from './pipelines/distil/student.js';
export { type GramMatrix, gramMatrices } from './pipelines/gram.js';
export { type LossReport, type LossRequest, measureLosses } from './pipelines/losses.js';
export {
  defaultStylizeOptions,
  type OptionSpec,
  resolveStylizeOptions,
  type StylizeOptions,
  type StylizeOptionsInput,
  stylizeOptionSpecs,
} from './pipelines/options.js';
export { type LossSeries, lossPlotSvg } from './pipelines/plot.js';
export { polishNetworkName } from './pipelines/polish.js';
export type { OnProgress, StylizeEvent, StylizeStep } from './pipelines/progress.js';
export {
  type ApplyRecipe,
  applyRecipe,
  decodeRecipe,
  encodeRecipe,
  type Recipe,
  type StylizeRecipe,
  stylizeRecipe,
  type TextureRecipe,
  textureRecipe,
} from './pipelines/recipe.js';
export type { WeightedStyleInput } from './pipelines/request.js';
export { outputSize, type Scale, type Size } from './pipelines/scales.js';
export { respelled, spellings } from './pipelines/spellings.js';
export { StylizeAborted, type StylizeRequest, type StylizeResult, stylize } from './pipelines/stylize.js';
export type { WeightedStyle } from './pipelines/targets.js';
export { defaultTextureSteps, type TextureRequest, texture } from './pipelines/texture.js';
export {
  decodeTrainCheckpoint,
  encodeTrainCheckpoint,
  type TrainCheckpoint,
  type TrainRecord,
} from './pipelines/train/checkpoint.js';
export {
  decodeTransformer,
  encodeTransformer,
  isTransformerFile,
  type ModelStyle,
  type TransformerModel,
} from './pipelines/train/model-file.js';
export {
  defaultTrainOptions,
  resolveTrainOptions,
  type TrainOptions,
  type TrainOptionsInput,
  trainOptionSpecs,
} from './pipelines/train/options.js';
export type { TrainTest } from './pipelines/train/tester.js';
export {
  TrainAborted,
  type TrainEvent,
  type TrainRequest,
  type TrainResult,
  type TrainStyle,
  train,
} from './pipelines/train/train.js';
export { type BrowserDecodedImage, type DecodeOptions, decodeImage } from './platform/browser/decode.js';
export type { LoadOptions, LoadProgress } from './platform/browser/download.js';
export { encodeImage } from './platform/browser/encode.js';
export { type BrowserEngineOptions, type DeviceChoice, loadEngine } from './platform/browser/engine.js';
export { freeMemory } from './platform/browser/memory.js';
export {
  listNetworks,
  listStyles,
  loadNetworkWeights,
  loadStyle,
  loadTransformer,
  type ModelOptions,
  type StyleFile,
  shippedTransformers,
} from './platform/browser/models.js';
export { type EngineBuild, engineFiles } from './runtime/engine-files.js';
export { connectRuntime, serveRuntime } from './runtime/remote.js';
export type { Device, Runtime, Session } from './runtime/runtime.js';
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
