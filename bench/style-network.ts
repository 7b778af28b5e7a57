/** `npm run bench:style-network`: how many steps of optimisation one pass of a trained network is worth, judged by VGG-19. */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  apply,
  cropImage,
  type Image,
  measureLosses,
  openStyleNetwork,
  resizeImage,
  StylizeAborted,
  type StylizeOptionsInput,
  stylize,
} from '#src/index.node.js';
import { loadStyleNetwork, readImage, startEngine } from '#src/node.js';
import { cropBottom, quantise } from '#src/pictures.js';
import { galleryEntries } from '#tools/gallery-entries.js';
import { heldOutPhotos } from './held-out.js';
import { teacher } from './students.js';

const usage = `npm run bench:style-network -- [options]
  --model fast          a trained network that comes with Fauve, or a file
  --styles a,b          of its styles (default: four of them)
  --photos 10           how many of the held-out photos
  --size 256            side of the squares that are cropped from them
  --most 200            steps after which the optimisation is given up
  --init content        where the optimisation starts: content or noise
  --preconditioner none how L-BFGS starts its directions: none as in the papers, pyramid as stylize does
  --shared ../shared    where photos/, paintings/ and weights/ are
  --json FILE           writes all figures, after each style`;

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'fast' },
    styles: { type: 'string' },
    photos: { type: 'string', default: '10' },
    size: { type: 'string', default: '256' },
    most: { type: 'string', default: '200' },
    init: { type: 'string', default: 'content' },
    preconditioner: { type: 'string', default: 'none' },
    shared: { type: 'string', default: '../shared' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (!existsSync(values.shared)) {
  console.log(
    `There is no ${values.shared}: the photos, the paintings and the weights of the judge are there. Say where it is with --shared DIR.`,
  );
  process.exit(1);
}

interface Pair {
  readonly photo: string;
  /** VGG-19's total loss of the photo itself, and of the network's picture with 8 bits. */
  readonly start: number;
  readonly network: number;
  /** The first step whose loss is as low; `undefined` when `most` did not suffice. */
  readonly steps: number | undefined;
}

const size = Number(values.size);
const most = Number(values.most);
const options: StylizeOptionsInput = {
  ...{ size: `${size}x${size}`, scales: 1, steps: most },
  init: values.init === 'noise' ? 'noise' : 'content',
  preconditioner: values.preconditioner === 'pyramid' ? 'pyramid' : 'none',
};
const { weights } = await teacher(values.shared);
const runtime = await startEngine({ device: 'cpu' });
const styleNetwork = await openStyleNetwork(runtime, await loadStyleNetwork(values.model));
const names = values.styles?.split(',') ?? styleNetwork.styles.slice(0, 4).map(({ name }) => name);
const photos = heldOutPhotos(values.shared).slice(0, Number(values.photos));
const gallery = galleryEntries();

console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
);
console.log(
  `${values.model}: VGG-19's losses at ${size}x${size}, and the steps of L-BFGS (from ${options.init}, preconditioner ${options.preconditioner}) that reach them\n`,
);
const figures: Record<string, Pair[]> = {};
for (const name of names) {
  const entry = gallery.find((style) => style.name === name);
  if (!entry) throw new Error(`${name} is not in models/styles/gallery.json.`);
  const painting = await readImage(join(values.shared, 'paintings', entry.file));
  const styles = [{ image: entry.cropBottom ? cropBottom(painting, entry.cropBottom / 100) : painting, weight: 1 }];
  const pairs: Pair[] = [];
  figures[name] = pairs;
  for (const { file, name: photo } of photos) {
    const content = square(await readImage(file));
    const { image } = await apply({ image: content, network: styleNetwork, styles: [{ name }] });
    const lossOf = async (generated: Image) =>
      (await measureLosses({ content, styles, generated, weights, runtime, options })).total;
    const [start, network] = [await lossOf(content), await lossOf(quantise(image))];
    const steps = await stepsTo(network, content, styles);
    pairs.push({ photo, start, network, steps });
    row(name, photo, start.toFixed(4), network.toFixed(4), steps === undefined ? `> ${most}` : String(steps));
  }
  row(name, 'median', '', '', String(median(pairs.map(({ steps = Number.POSITIVE_INFINITY }) => steps))));
  if (values.json) {
    writeFileSync(values.json, `${JSON.stringify({ model: values.model, size, most, options, figures }, null, 2)}\n`);
  }
}
await styleNetwork.close();
await runtime.close();
process.exit(0);

/** The number of steps after which the optimisation of the photo has a loss this low. */
async function stepsTo(loss: number, content: Image, styles: readonly { image: Image; weight: number }[]) {
  const stop = new AbortController();
  let reached: number | undefined;
  try {
    await stylize({
      ...{ content, styles, weights, runtime, options, signal: stop.signal },
      onProgress: (event) => {
        if (event.type !== 'step' || event.loss > loss || reached !== undefined) return;
        reached = event.step;
        stop.abort();
      },
    });
  } catch (error) {
    if (!(error instanceof StylizeAborted)) throw error;
  }
  return reached;
}

function square(image: Image): Image {
  const side = Math.min(image.width, image.height);
  const [left, top] = [Math.floor((image.width - side) / 2), Math.floor((image.height - side) / 2)];
  return resizeImage(cropImage(image, { left, top, width: side, height: side }), size, size);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

function row(...cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i < 2 ? cell.padEnd(18) : cell.padStart(10))).join(''));
}
