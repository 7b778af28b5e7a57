/**
 * `npm run ranges -- models/fast.onnx photos/`: notes in a network what its convolutions compute with, so that it can be computed in
 * 8-bit integers. `fauve train` does that by itself; a network that was trained elsewhere needs it.
 */
import { readFileSync } from 'node:fs';
import { decodeTransformer, encodeTransformer } from '#src/pipelines/train/model-file.js';
import { trainingPhotos } from '#src/pipelines/train/photos.js';
import { rangesOnPhotos } from '#src/pipelines/train/ranges.js';
import { startEngine } from '#src/platform/engine-node.js';
import { writeFileAtomically } from '#src/platform/files.js';
import { pictureFolder } from '#src/platform/picture-folder.js';

const [file, folder] = process.argv.slice(2);
if (file === undefined || folder === undefined) {
  console.log('npm run ranges -- NETWORK.onnx FOLDER-OF-PHOTOS');
  process.exit(2);
}
const model = decodeTransformer(readFileSync(file), file);
const photos = trainingPhotos(await pictureFolder(folder), 256, () => {});
const runtime = await startEngine({ device: 'cpu' });
const ranges = await rangesOnPhotos(runtime, model.weights, photos, 0);
await runtime.close();
if (!ranges) throw new Error(`${file} gives no numbers.`);
for (const [name, { input, reach }] of Object.entries(ranges)) {
  console.log(`${name.padEnd(24)} ${input[0].toFixed(2)} … ${input[1].toFixed(2)}, ${reach.toFixed(1)} deviations`);
}
await writeFileAtomically(file, encodeTransformer({ ...model, ranges }));
