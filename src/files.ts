/** `fauve/files`: styles, networks, weights and checkpoints as bytes. */
export { sha256Hex } from './formats/sha256.js';
export { decodeDistilled, encodeDistilled } from './networks/distilled.js';
export { decodeWeights, importWeights } from './networks/weights.js';
export { decodeStyleNetwork, encodeStyleNetwork, isStyleNetworkFile } from './style-network/file.js';
export { decodeStyle, encodeStyle, looksLikeStyle } from './styles/style-file.js';
export { decodeCheckpoint, encodeCheckpoint } from './stylize/checkpoint.js';
