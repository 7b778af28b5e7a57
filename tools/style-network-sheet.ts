/** `npm run figure:styles -- -o SHEET.jpg`: the example photos in every style of a trained network, as one picture. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp, { type OverlayOptions } from 'sharp';
import { apply, cropImage, encodeImage, type Image, openStyleNetwork, resizeImage } from '#src/index.node.js';
import { loadStyleNetwork, readImage, startEngine } from '#src/node.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'fast' },
    photos: { type: 'string', default: 'examples/photos' },
    output: { type: 'string', short: 'o', default: 'sheet.jpg' },
    columns: { type: 'string', default: '4' },
    /** Side of the squares that are restyled, and at which they are drawn. */
    size: { type: 'string', default: '384' },
    tile: { type: 'string', default: '160' },
  },
});
const [size, tile, columns] = [Number(values.size), Number(values.tile), Number(values.columns)];
const [gap, label] = [12, 24];

const runtime = await startEngine({ device: 'cpu' });
const network = await openStyleNetwork(runtime, await loadStyleNetwork(values.model));
const names = readdirSync(values.photos).filter((name) => /\.(jpe?g|png)$/i.test(name));
const photos: Image[] = [];
for (const name of names) photos.push(square(await readImage(join(values.photos, name))));

const groups: { readonly title: string; readonly images: readonly Image[] }[] = [{ title: 'photos', images: photos }];
for (const { name, title } of network.styles) {
  const images: Image[] = [];
  for (const image of photos) {
    images.push((await apply({ image, network, styles: [{ name }] })).image);
  }
  groups.push({ title: title || name, images });
}
await runtime.close();

const groupWidth = photos.length * tile + gap;
const width = columns * groupWidth - gap;
const height = Math.ceil(groups.length / columns) * (tile + label);
const parts: OverlayOptions[] = [];
const labels: string[] = [];
for (const [i, { title, images }] of groups.entries()) {
  const [left, top] = [(i % columns) * groupWidth, Math.floor(i / columns) * (tile + label)];
  for (const [j, image] of images.entries()) {
    const input = await encodeImage(resizeImage(image, tile, tile), 'png');
    parts.push({ input: Buffer.from(input), left: left + j * tile, top });
  }
  const text = title.replace(/[&<]/g, (mark) => (mark === '&' ? '&amp;' : '&lt;'));
  labels.push(`<text x="${left + 2}" y="${top + tile + 16}">${text}</text>`);
}
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="14">${labels.join('')}</svg>`;
await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
  .composite([...parts, { input: Buffer.from(svg), left: 0, top: 0 }])
  .jpeg({ quality: 84, mozjpeg: true })
  .toFile(values.output);
process.exit(0);

function square(image: Image): Image {
  const side = Math.min(image.width, image.height);
  const [left, top] = [Math.floor((image.width - side) / 2), Math.floor((image.height - side) / 2)];
  return resizeImage(cropImage(image, { left, top, width: side, height: side }), size, size);
}
