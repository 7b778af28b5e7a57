/** What the main door has on every platform. */
export type { OptionSpec } from './checks/option-specs.js';
export { type ErrorCode, FauveError, type Reason } from './errors.js';
export { cropImage, type Rectangle } from './image/crop.js';
export type { DecodedImage, EncodeOptions, ImageSource, OutputFormat } from './image/file.js';
export type { ImageHeader } from './image/header.js';
export { createImage, type Image } from './image/image.js';
export type { PictureKind } from './image/kinds.js';
export { psnr } from './image/metrics.js';
export { resizeImage } from './image/resize.js';
export type { Size } from './image/size.js';
export { JobAborted } from './jobs/aborted.js';
export { jobOfRecipe, type PictureSpec } from './jobs/again.js';
export type {
  AnyStyle,
  ApplyCall,
  CaptureCall,
  CreateFauveOptions,
  Fauve,
  LossesCall,
  PictureInput,
  StyleOrBlend,
  StylizeCall,
  TextureCall,
} from './jobs/facade.js';
export type { JobHost, NetworkSettings, OpenedStyleNetwork, ReadFile, ReadPicture, ReadStyle } from './jobs/host.js';
export type { JobCheckpoint, Plain } from './jobs/kind.js';
export type { JobKindName } from './jobs/kinds.js';
export type { JobQueue, Place, QueueLimits } from './jobs/queue.js';
export type { QueuedJob, QueueEvent, Report, Work } from './jobs/queued-job.js';
export {
  type ApplyRecipe,
  decodeRecipe,
  encodeRecipe,
  type Recipe,
  type StylizeRecipe,
  type TextureRecipe,
} from './jobs/recipe.js';
export type { FileReference, StyleNetworkReference, StyleReference } from './jobs/reference.js';
export { type JobControlOf, type JobEvent, type JobPlan, type JobResult, type PlannedJob, runJob } from './jobs/run.js';
export { type CompleteSpec, type JobSpec, type JobSpecOf, parseSpec } from './jobs/spec.js';
export type { LossTerm } from './losses/total.js';
export type { DistilledOrigin } from './networks/distilled.js';
export type { LayerName, LayerWeights } from './networks/layers.js';
export type { ShippedNetwork, ShippedStyleNetwork } from './networks/manifest.js';
export type { NetworkWeights } from './networks/network.js';
export type { LossSeries } from './report/plot.js';
export type { EngineBuild } from './runtime/engine-files.js';
export type { Device, Runtime, Session } from './runtime/runtime.js';
export { type ApplyRequest, type ApplyResult, apply } from './style-network/apply.js';
export type { CheckedStyleNetwork, StyleNetworkFile } from './style-network/check.js';
export type { NamedStyle, StyleCode, StyleEncoder } from './style-network/code.js';
export type { ModelStyle, StyleNetworkModel } from './style-network/file.js';
export type { PixelRange } from './style-network/foreign.js';
export type { StyleNetwork } from './style-network/network.js';
export { openStyleNetwork, type Precision } from './style-network/open.js';
export type { ApplyOptions, ApplyOptionsInput } from './style-network/options.js';
export type { ShippedStyle } from './styles/shipped.js';
export type { LayerStyle, NetworkStyle, SizeStyle, Style, StyleAbout, StyleInput } from './styles/style-file.js';
export { type CaptureProgress, type CaptureRequest, captureStyle } from './stylize/capture.js';
export type { Checkpoint, LossRecord } from './stylize/checkpoint.js';
export type { OnProgress, StylizeEvent, StylizeStep } from './stylize/events.js';
export type { GramMatrix } from './stylize/gram.js';
export { type LossReport, type LossRequest, measureLosses } from './stylize/measure-losses.js';
export {
  resolveStylizeOptions,
  type StylizeOptionSpec,
  type StylizeOptions,
  type StylizeOptionsInput,
} from './stylize/options.js';
export type { WeightedStyleInput } from './stylize/request.js';
export type { Scale } from './stylize/scales.js';
export { StylizeAborted, type StylizeRequest, type StylizeResult, stylize } from './stylize/stylize.js';
export type { WeightedStyle } from './stylize/targets.js';
export { type TextureRequest, texture } from './stylize/texture.js';
export type { PictureSource } from './training/crops.js';
export type { DistilCheckpoint, DistilRecord, DistilTest } from './training/loss-network/checkpoint.js';
export type { DistilEvent, DistilRequest, DistilResult, TestPair } from './training/loss-network/distil.js';
export type { DistilOptions, DistilOptionsInput } from './training/loss-network/options.js';
export type { StudentShape } from './training/loss-network/student.js';
export type { TrainCheckpoint, TrainRecord } from './training/style-network/checkpoint.js';
export type { TrainOptions, TrainOptionsInput } from './training/style-network/options.js';
export type { TrainTest } from './training/style-network/tester.js';
export type { TrainEvent, TrainRequest, TrainResult, TrainStyle } from './training/style-network/train.js';
