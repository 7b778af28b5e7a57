import { chromiumPath } from '#bench/lab.js';

export { chromiumPath, type Lab, type LabOptions, openLab } from '#bench/lab.js';

/** Why browser tests are left out on this machine; empty where they run. */
export const skipped = chromiumPath
  ? ''
  : ' (skipped: no Chromium here; install it, or name one with FAUVE_CHROMIUM=/path/to/chromium)';
