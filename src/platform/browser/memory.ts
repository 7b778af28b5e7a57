const GIGABYTE = 2 ** 30;

/** WebAssembly reaches 4 GB; some of it is fragments and the engine itself. */
const MOST = 3.5 * GIGABYTE;

/**
 * Bytes that a run in this tab should take at most: the `memoryLimit` of `stylize` and `apply`. An estimate: a browser does not
 * say what is free. Half of the machine's memory where the browser tells it (Chromium, rounded and at most 8 GB), else 2 GB, or 1 GB on
 * a phone or tablet, whose systems end a tab that takes more.
 */
export function freeMemory(): number {
  const { deviceMemory } = navigator as WorkerNavigator & { readonly deviceMemory?: number };
  if (deviceMemory !== undefined) return Math.min(MOST, (deviceMemory * GIGABYTE) / 2);
  return /iPhone|iPad|Android|Mobile/.test(navigator.userAgent) ? GIGABYTE : 2 * GIGABYTE;
}
