/** Restyles one picture in a process of its own, and tells its parent the peak of its resident memory in MB. */
import { noiseImage } from '#src/image/noise.js';
import { startEngine } from '#src/platform/node/engine.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { apply } from '#src/style-network/apply.js';
import { applyMemory } from '#src/style-network/memory.js';
import { openStyleNetwork, type Precision } from '#src/style-network/open.js';
import { peakMegabytes } from './peak-memory.js';

const [width, height, precision, model] = process.argv.slice(2) as [string, string, Precision, string];
const runtime = await startEngine({ device: 'cpu' });
const network = await openStyleNetwork(runtime, await loadStyleNetwork(model), { precision });
const image = noiseImage(Number(width), Number(height), 2);
const styles = network.styles.slice(0, 1);
await apply({ image, network, styles });
process.send?.({
  peak: peakMegabytes(),
  predicted: Math.round(applyMemory(network, image) / 2 ** 20),
});
await runtime.close();
