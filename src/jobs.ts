/** `fauve/jobs`: jobs as plain data, their options described, a queue: for those who build a face. */
export { perhaps } from './checks/names.js';
export { optionGroups, optionText } from './checks/option-specs.js';
export { respelled, spellings } from './checks/spellings.js';
export { differences } from './jobs/again.js';
export { plainEvent } from './jobs/kind.js';
export { resolveTextureOptions, textureOptionSpecs } from './jobs/kinds/texture.js';
export { createJobQueue, defaultQueueLimits } from './jobs/queue.js';
export { withPaths } from './jobs/recipe.js';
export { checkJob, planJob } from './jobs/run.js';
export { decodeSpec, encodeSpec } from './jobs/spec.js';
export {
  defaultNetworkName,
  fastStyleNetworkName,
  lossNetworkNames,
  networkNames,
  shippedNetworkNames,
} from './networks/registry.js';
export { checkStyleNetwork } from './style-network/check.js';
export { styleShares } from './style-network/code.js';
export { applyMemory } from './style-network/memory.js';
export { applyOptionSpecs, defaultApplyOptions, resolveApplyOptions } from './style-network/options.js';
export { captureBytes, captureSizes } from './stylize/capture.js';
export { defaultStylizeOptions, stylizeOptionSpecs } from './stylize/options.js';
export { polishNetworkName } from './stylize/polish.js';
export { defaultTextureSteps } from './stylize/texture.js';
