/** Restyles one picture in a process of its own, and tells its parent the peak of its resident memory in MB. */
import { noiseImage } from '#src/image/noise.js';
import { applyTransformer } from '#src/pipelines/apply/apply.js';
import { applyMemory } from '#src/pipelines/apply/memory.js';
import { openTransformer, type Precision } from '#src/pipelines/apply/network.js';
import { startEngine } from '#src/platform/engine-node.js';
import { loadTransformer } from '#src/platform/transformers.js';
import { peakMegabytes } from './peak-memory.js';

const [width, height, precision, model] = process.argv.slice(2) as [string, string, Precision, string];
const runtime = await startEngine({ device: 'cpu' });
const transformer = await openTransformer(runtime, await loadTransformer(model), { precision });
const image = noiseImage(Number(width), Number(height), 2);
const styles = transformer.styles.slice(0, 1);
await applyTransformer({ image, transformer, styles });
process.send?.({
  peak: peakMegabytes(),
  predicted: Math.round(applyMemory(transformer, image) / 2 ** 20),
});
await runtime.close();
