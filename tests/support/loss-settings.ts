import type { LossSettings } from '#src/losses/total.js';

/** Every term: content at relu4_2, Gram matrices at five layers with equal weights, total variation; the oracle's weights. */
export const everyTerm: LossSettings = {
  contentWeight: 0.15,
  styleWeight: 1,
  tvWeight: 0.5,
  contentLayers: { relu4_2: 1 },
  styleLayers: { relu1_1: 1, relu2_1: 1, relu3_1: 1, relu4_1: 1, relu5_1: 1 },
  styleStatistics: 'gram',
  tvNorm: 'squared',
  normalisation: 'relative',
};
