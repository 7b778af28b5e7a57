import { noiseImage } from '#src/image/noise.js';
import { initialTransformer, type TransformerShape } from '#src/networks/transformer.js';
import type { TransformerFile } from '#src/pipelines/apply/network.js';
import { encodeTransformer } from '#src/pipelines/train/model-file.js';
import { loadTransformer } from '#src/platform/transformers.js';

/** What is measured where no network is named: the time does not depend on the weights. */
export const standIn: TransformerShape = { channels: [0, 32, 64], blocks: 4, kernels: [5, 3], styles: 16 };

/** The network of a file, or one with the weights that training would start from. */
export async function networkFor(model: string | undefined): Promise<TransformerFile> {
  if (model !== undefined) return loadTransformer(model);
  const noise = noiseImage(256, 256, 1).data;
  let next = 0;
  // The noise has a standard deviation of 0.145.
  const weights = initialTransformer(standIn, () => (noise[next++ % noise.length]! - 0.5) / 0.145);
  const styles = Array.from({ length: standIn.styles }, (_, i) => ({
    ...{ name: `style-${i + 1}`, title: '', artist: '', year: null },
  }));
  const about = { name: 'untrained', licence: '', styles, training: {} };
  return { fileName: 'an untrained network', bytes: encodeTransformer({ ...about, weights }) };
}
