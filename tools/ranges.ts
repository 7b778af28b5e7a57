/**
 * `npm run ranges -- models/fast.onnx photos/`: notes in a network what its convolutions compute with, so that it can be computed in
 * 8-bit integers. `fauve train` does that by itself; a network that was trained elsewhere needs it.
 */
import { readFileSync } from 'node:fs';
import { startEngine } from '#src/platform/node/engine.js';
import { writeFileAtomically } from '#src/platform/node/files.js';
import { pictureFolder } from '#src/platform/node/picture-folder.js';
import { decodeStyleNetwork, encodeStyleNetwork } from '#src/style-network/file.js';
import { trainingPhotos } from '#src/training/style-network/photos.js';
import { rangesOnPhotos } from '#src/training/style-network/ranges.js';

const [file, folder] = process.argv.slice(2);
if (file === undefined || folder === undefined) {
  console.log('npm run ranges -- NETWORK.onnx FOLDER-OF-PHOTOS');
  process.exit(2);
}
const model = decodeStyleNetwork(readFileSync(file), file);
const photos = trainingPhotos(await pictureFolder(folder), 256, () => {});
const runtime = await startEngine({ device: 'cpu' });
const ranges = await rangesOnPhotos(runtime, model.weights, photos, 0);
await runtime.close();
if (!ranges) throw new Error(`${file} gives no numbers.`);
for (const [name, { input, reach }] of Object.entries(ranges)) {
  console.log(`${name.padEnd(24)} ${input[0].toFixed(2)} … ${input[1].toFixed(2)}, ${reach.toFixed(1)} deviations`);
}
await writeFileAtomically(file, encodeStyleNetwork({ ...model, ranges }));
