import { createRequire } from 'node:module';

/** The version of Fauve, from its package. */
export const { version } = createRequire(import.meta.url)('fauve/package.json') as { readonly version: string };
