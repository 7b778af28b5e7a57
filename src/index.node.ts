/** Fauve in Node: the names for the first ten minutes, and all types that both platforms have. */
export * from './common.js';
export { encodeImage } from './platform/node/codec.js';
export { createFauve } from './platform/node/fauve.js';
