/**
 * `npm run bench:styles`: what a style file loses: the error of the low-rank Gram matrices against their rank, by eigenvectors and by
 * the Nyström method; what the bytes of a file leave; and the mixture of two sizes against the size itself.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { input } from '#src/graph/tensor.js';
import type { Image } from '#src/image/image.js';
import { resizeImage } from '#src/index.node.js';
import { channelStatistics, gramMatrix } from '#src/losses/style.js';
import { decodeDistilled } from '#src/networks/distilled.js';
import { vgg } from '#src/networks/vgg.js';
import { loadNetworkWeights, readImage, startEngine } from '#src/node.js';
import { emitModel } from '#src/onnx/model.js';
import { fitLongerSide, lossPlotSvg } from '#src/pictures.js';
import { compressSizes, gramOfLayer, type MeasuredLayer } from '#src/styles/compress.js';
import { eigenFactor, gramOfFactor, nystromFactor, relativeError, spectrumOf } from '#src/styles/low-rank.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    network: { type: 'string', default: 'distilled' },
    out: { type: 'string', default: 'docs/images' },
    doc: { type: 'string', default: 'docs/styles.md' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench:styles -- [PAINTINGS] [options]
  PAINTINGS       folder of the paintings (default ../shared/paintings)
  --network NAME  a loss network, or the file of a distilled one (default distilled)
  --out DIR       folder of the plots (default docs/images)
  --doc FILE      the page whose tables are written anew (default docs/styles.md)
  --json FILE     writes all figures`);
  process.exit(0);
}

const folder = positionals[0] ?? '../shared/paintings';
const files = [
  'vincent-van-gogh--the-starry-night',
  'katsushika-hokusai--the-great-wave-off-kanagawa',
  'wassily-kandinsky--composition-vii',
  'rembrandt-van-rijn--the-nightwatch',
  'piet-mondrian--gray-tree',
  'georges-seurat--un-dimanche-apres-midi-a-l-ile-de-la-grande-jatte',
];
const layers = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'];
const ranks = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const seeds = [1, 2, 3, 4, 5];
const kilobytes = [24, 32, 42, 48, 64, 96];

const weights = values.network.endsWith('.safetensors')
  ? await decodeDistilled(readFileSync(values.network))
  : await loadNetworkWeights(values.network);
const network = vgg(weights);
const runtime = await startEngine();

async function measure(image: Image, size: number): Promise<Record<string, MeasuredLayer>> {
  const { width, height } = fitLongerSide(image.width, image.height, size);
  const features = network.features(input('image', [1, 3, height, width]), layers);
  const outputs = Object.fromEntries(
    layers.flatMap((layer) => {
      const [mean, deviation] = channelStatistics(features[layer]!, network.head(layer));
      return [
        [layer, gramMatrix(features[layer]!, network.head(layer))],
        [`${layer} mean`, mean],
        [`${layer} deviation`, deviation],
      ];
    }),
  );
  const session = await runtime.open(emitModel(outputs));
  const found = await session.run({ image: resizeImage(image, width, height).data }, Object.keys(outputs));
  await session.close();
  return Object.fromEntries(
    layers.map((layer) => {
      const statistics = Float32Array.from([...found[`${layer} mean`]!, ...found[`${layer} deviation`]!]);
      return [layer, { gram: found[layer]!, statistics }];
    }),
  );
}

const average = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const percent = (value: number) => (100 * value).toFixed(value < 0.0995 ? 1 : 0);

/** A table in Markdown, its columns aligned. */
function table(head: readonly (string | number)[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) => head.map((_, i) => String(row[i] ?? '')));
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const [first, ...rest] = cells.map(line);
  return [first, line(widths.map((width) => '-'.repeat(width))), ...rest].join('\n');
}

/** Parts of the page by the name of their marks: `<!-- figures: NAME -->` … `<!-- end -->`. */
const parts: Record<string, string> = {};

/** Figures of all paintings by what they are of. */
const figures: Record<string, number[]> = {};
function note(key: string, value: number): void {
  const list = figures[key];
  if (list) list.push(value);
  else figures[key] = [value];
}
const mean = (key: string) => average(figures[key] ?? [Number.NaN]);

for (const file of files) {
  const image = await readImage(join(folder, `${file}.jpg`));
  const sizes = [];
  for (const size of [256, 512, 1024]) sizes.push({ size, layers: await measure(image, size) });
  for (const layer of layers) {
    const { gram } = sizes[1]!.layers[layer]!;
    const matrix = { size: Math.sqrt(gram.length), data: gram };
    const spectrum = spectrumOf(matrix);
    for (const rank of ranks) {
      if (rank > matrix.size) continue;
      const of = (factor: Parameters<typeof gramOfFactor>[0]) => relativeError(gram, gramOfFactor(factor));
      note(`eigen ${layer} ${rank}`, of(eigenFactor(spectrum, rank)));
      for (const seed of seeds) note(`nystrom ${layer} ${rank}`, of(nystromFactor(matrix, rank, seed)));
    }
  }
  for (const kb of kilobytes) {
    for (const { size, layers: kept } of compressSizes(sizes, kb * 1024)) {
      const full = sizes.find((each) => each.size === size)!.layers;
      const squares = layers.map((layer) => relativeError(full[layer]!.gram, gramOfLayer(kept[layer]!)) ** 2);
      note(`left ${kb}`, average(squares));
      if (kb === 64) for (const layer of layers) note(`rank ${layer}`, kept[layer]!.factor.shape[1]! - 1);
    }
  }
  for (const [size, below, above] of [
    [362, 0, 1],
    [724, 1, 2],
  ] as const) {
    const there = await measure(image, size);
    for (const layer of layers) {
      const [a, b] = [sizes[below]!.layers[layer]!.gram, sizes[above]!.layers[layer]!.gram];
      const { gram } = there[layer]!;
      const mixed = a.map((value, i) => (value + b[i]!) / 2);
      note(`mixed ${layer} ${size}`, relativeError(gram, mixed));
      note(`nearer ${layer} ${size}`, Math.min(relativeError(gram, a), relativeError(gram, b)));
    }
  }
  console.log(`<!-- ${file} -->`);
}
await runtime.close();

for (const [method, title] of [
  ['eigen', 'eigenvectors'],
  ['nystrom', 'Nyström'],
] as const) {
  const known = (layer: string) => ranks.filter((rank) => figures[`${method} ${layer} ${rank}`]);
  parts[method] = table(
    ['layer', ...ranks],
    layers.map((layer) => [layer, ...known(layer).map((rank) => percent(mean(`${method} ${layer} ${rank}`)))]),
  );
  const series = layers.map((layer) => ({
    name: `style ${layer}`,
    // At the full rank only rounding is left, which would take most of the axis.
    points: known(layer)
      .map((step) => ({ step, value: mean(`${method} ${layer} ${step}`) }))
      .filter(({ value }) => value > 5e-4),
  }));
  const svg = lossPlotSvg(series, {
    title: `Relative error of the Gram matrix by rank: ${title}`,
    axes: ['rank', 'relative error (Frobenius)'],
    height: 420,
  });
  writeFileSync(join(values.out, `style-rank-${method}.svg`), svg);
}
parts.left = table(
  kilobytes.map((kb) => `${kb} KB`),
  [kilobytes.map((kb) => mean(`left ${kb}`).toFixed(4))],
);
parts.ranks = table(layers, [
  layers.map((layer) => `${Math.min(...figures[`rank ${layer}`]!)}–${Math.max(...figures[`rank ${layer}`]!)}`),
]);
parts.mixtures = table(
  ['layer', '362 of 256 and 512', 'nearer', '724 of 512 and 1024', 'nearer'],
  layers.map((layer) => [
    layer,
    ...[362, 724].flatMap((size) => ['mixed', 'nearer'].map((what) => percent(mean(`${what} ${layer} ${size}`)))),
  ]),
);
parts.network = `Measured with ${weights.name} (SHA-256 ${weights.sha256.slice(0, 12)}…) on ${files.length} paintings.`;
let page = readFileSync(values.doc, 'utf8');
for (const [name, text] of Object.entries(parts)) {
  console.log(`\n${name}\n\n${text}`);
  const marks = new RegExp(`(<!-- figures: ${name} -->)[^]*?(<!-- end -->)`);
  if (!marks.test(page)) throw new Error(`${values.doc} has no marks for the figures '${name}'.`);
  page = page.replace(marks, (_, start: string, end: string) => `${start}\n\n${text}\n\n${end}`);
}
writeFileSync(values.doc, page);
if (values.json) {
  const about = { network: weights.name, sha256: weights.sha256, files, ranks, kilobytes };
  writeFileSync(values.json, `${JSON.stringify({ ...about, figures }, null, 2)}\n`);
}
process.exit(0);
