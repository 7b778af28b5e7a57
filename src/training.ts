/** `fauve/training`: style networks and loss networks that learn. */
export { decodeDistilCheckpoint, encodeDistilCheckpoint } from './training/loss-network/checkpoint.js';
export { DistilAborted, distil } from './training/loss-network/distil.js';
export { defaultDistilOptions, distilOptionSpecs, resolveDistilOptions } from './training/loss-network/options.js';
export { studentShapes } from './training/loss-network/student.js';
export { decodeTrainCheckpoint, encodeTrainCheckpoint } from './training/style-network/checkpoint.js';
export { defaultTrainOptions, resolveTrainOptions, trainOptionSpecs } from './training/style-network/options.js';
export { TrainAborted, train } from './training/style-network/train.js';
