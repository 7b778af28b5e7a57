import type { DeviceName } from './api.js';

/** The loss network of a device: a graphics card has time for the better one. */
export const networkFor = (device: DeviceName) => (device === 'wasm' ? 'distilled-small' : 'distilled');
