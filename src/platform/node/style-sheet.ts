import sharp, { type OverlayOptions } from 'sharp';
import { aText, listOf, objectWith } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import type { OutputFormat } from '../../image/file.js';
import type { ShippedStyle } from '../../styles/shipped.js';
import { decodeImage, encodeImage } from './codec.js';
import { readFileChecked } from './files.js';

const COLUMNS = 6;
const SWATCH = 192;
const GAP = 24;
const MARGIN = 40;
const TITLE = 92;
const CAPTION = 62;
const FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/** Letters that a line of a caption holds. */
const LETTERS = 27;

/**
 * Draws the swatches of styles with their names as one picture, in the fonts of this machine.
 * @param styles in the order in which they are drawn
 * @returns the bytes of a file
 * @throws FauveError `input` when a swatch is damaged
 */
export async function styleSheet(styles: readonly ShippedStyle[], format: OutputFormat): Promise<Uint8Array> {
  listOf(objectWith({ name: aText, title: aText, artist: aText }, 'a style of listStyles'), 'styles')(
    styles,
    'styleSheet',
  );
  const columns = Math.max(1, Math.min(COLUMNS, styles.length));
  const rows = Math.ceil(styles.length / columns);
  const width = 2 * MARGIN + columns * SWATCH + (columns - 1) * GAP;
  const height = TITLE + MARGIN + rows * (SWATCH + CAPTION) + Math.max(0, rows - 1) * (GAP / 2);
  const corner = (i: number) => ({
    left: MARGIN + (i % columns) * (SWATCH + GAP),
    top: TITLE + Math.floor(i / columns) * (SWATCH + CAPTION + GAP / 2),
  });
  const pictures: OverlayOptions[] = [];
  for (const [i, { swatch }] of styles.entries()) {
    if (swatch === undefined) continue;
    try {
      pictures.push({
        input: await sharp(await readFileChecked(swatch, 'Swatch'))
          .resize(SWATCH, SWATCH)
          .png()
          .toBuffer(),
        ...corner(i),
      });
    } catch (error) {
      throw new FauveError('input', `The swatch ${swatch} cannot be read: ${messageOf(error)}. Install Fauve again.`, {
        cause: error,
      });
    }
  }
  const text = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="${FONT}">`,
    `<rect width="${width}" height="${height}" fill="#fbfaf7"/>`,
    `<text x="${MARGIN}" y="46" font-size="24" font-weight="bold" fill="#1c1b19">Styles that come with Fauve</text>`,
    `<text x="${MARGIN}" y="70" font-size="14" fill="#7a766d">painted by Fauve from the style files alone</text>`,
    ...styles.flatMap((style, i) => caption(style, corner(i))),
    '</svg>',
  ].join('');
  const png = await sharp(new TextEncoder().encode(text)).composite(pictures).removeAlpha().png().toBuffer();
  const { image } = await decodeImage(png, { what: 'The sheet', fileName: 'of styles' });
  return encodeImage(image, format);
}

function caption({ name, title, artist, year }: ShippedStyle, { left, top }: { left: number; top: number }): string[] {
  const line = (y: number, size: number, colour: string, text: string, weight = 'normal') =>
    `<text x="${left}" y="${top + SWATCH + y}" font-size="${size}" font-weight="${weight}" fill="${colour}">${escapeXml(shortened(text))}</text>`;
  return [
    `<rect x="${left}" y="${top}" width="${SWATCH}" height="${SWATCH}" fill="#e6e2d8"/>`,
    line(19, 14, '#1c1b19', name, 'bold'),
    line(36, 12, '#4b4842', title),
    line(52, 12, '#7a766d', year === null ? artist : `${artist}, ${year}`),
  ];
}

function shortened(text: string): string {
  return text.length <= LETTERS ? text : `${text.slice(0, LETTERS - 1).trimEnd()}…`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
