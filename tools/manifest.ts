/**
 * `npm run manifest`: describes the networks of `models/` in `models/manifest.json`, and the styles in `models/styles/index.json`, after
 * one of them was replaced.
 */

import { writeShippedManifest } from '#src/platform/node/shipped.js';
import { writeStyleIndex } from '#src/platform/node/style-store.js';
import { decodeStyleNetwork } from '#src/style-network/file.js';

await writeShippedManifest('models', (bytes, file) => {
  const { licence, styles, training } = decodeStyleNetwork(bytes, file);
  const made = `${training.by ?? 'fauve train'}, ${training.iterations} iterations, seed ${training.seed}`;
  return { styles: styles.map(({ name }) => name), licence, made };
});
await writeStyleIndex('models/styles');
