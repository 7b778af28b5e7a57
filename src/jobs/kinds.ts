import { applyKind } from './kinds/apply.js';
import { captureKind } from './kinds/capture.js';
import { lossesKind } from './kinds/losses.js';
import { stylizeKind } from './kinds/stylize.js';
import { textureKind } from './kinds/texture.js';

/** What Fauve can do, by name. */
export const jobKinds = {
  stylize: stylizeKind,
  apply: applyKind,
  texture: textureKind,
  losses: lossesKind,
  capture: captureKind,
} as const;

export type JobKindName = keyof typeof jobKinds;
