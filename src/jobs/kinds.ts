import { applyKind } from './kinds/apply.js';
import { captureKind } from './kinds/capture.js';
import { distilKind } from './kinds/distil.js';
import { lossesKind } from './kinds/losses.js';
import { stylizeKind } from './kinds/stylize.js';
import { textureKind } from './kinds/texture.js';
import { trainKind } from './kinds/train.js';

/** What Fauve can do, by name. */
export const jobKinds = {
  stylize: stylizeKind,
  apply: applyKind,
  texture: textureKind,
  losses: lossesKind,
  capture: captureKind,
  train: trainKind,
  distil: distilKind,
} as const;

export type JobKindName = keyof typeof jobKinds;
