import sharp from 'sharp';
import { createImage, type Image } from '#src/image/image.js';
import { encodeImage } from '#src/platform/node/codec.js';

/** A picture and what is written under it. */
export interface SheetPicture {
  readonly label: string;
  readonly image: Image;
}

const GAP = 8;
const LABEL = 24;

/** Writes pictures side by side, each within `side` × `side` pixels above its label, as one JPEG. */
export async function writeContactSheet(path: string, pictures: readonly SheetPicture[], side: number): Promise<void> {
  const tiles = await Promise.all(
    pictures.map(async ({ image: { width, height, data } }) => {
      const bytes = await encodeImage(createImage(width, height, data), 'png');
      const { data: input, info } = await sharp(bytes)
        .resize(side, side, { fit: 'inside', kernel: 'lanczos3' })
        .png()
        .toBuffer({ resolveWithObject: true });
      return { input, width: info.width, height: info.height };
    }),
  );
  const tallest = Math.max(...tiles.map(({ height }) => height));
  const left = tiles.map((_, i) => tiles.slice(0, i).reduce((sum, tile) => sum + tile.width + GAP, 0));
  const width = left.at(-1)! + tiles.at(-1)!.width;
  const labels = pictures
    .map(({ label }, i) => `<text x="${left[i]! + tiles[i]!.width / 2}" y="${tallest + 17}">${label}</text>`)
    .join('');
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tallest + LABEL}" font-family="sans-serif" font-size="14" text-anchor="middle">${labels}</svg>`;
  await sharp({ create: { width, height: tallest + LABEL, channels: 3, background: '#ffffff' } })
    .composite([
      ...tiles.map(({ input, height }, i) => ({ input, left: left[i]!, top: Math.floor((tallest - height) / 2) })),
      { input: Buffer.from(text), left: 0, top: 0 },
    ])
    .jpeg({ quality: 88, mozjpeg: true })
    .toFile(path);
}
