/** Fauve in a browser: the same names. For a web worker. */
export * from './common.js';
export { encodeImage } from './platform/browser/encode.js';
export { createFauve } from './platform/browser/fauve.js';
