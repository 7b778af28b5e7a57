/**
 * `npm run manifest`: describes the networks of `models/` in `models/manifest.json`, and the styles in `models/styles/index.json`, after
 * one of them was replaced.
 */
import { decodeTransformer } from '#src/pipelines/train/model-file.js';
import { writeShippedManifest } from '#src/platform/shipped.js';
import { writeStyleIndex } from '#src/platform/style-store.js';

await writeShippedManifest('models', (bytes, file) => {
  const { licence, styles, training } = decodeTransformer(bytes, file);
  const made = `${training.by ?? 'fauve train'}, ${training.iterations} iterations, seed ${training.seed}`;
  return { styles: styles.map(({ name }) => name), licence, made };
});
await writeStyleIndex('models/styles');
