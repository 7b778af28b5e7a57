import sharp from 'sharp';
import { aText, oneOf } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';

export type PlotFormat = 'png' | 'svg';

/** Dots per inch at which a CSS pixel becomes 2 × 2 pixels of the PNG. */
const DOUBLE_DENSITY = 144;

/**
 * A plot as the bytes of a file: the SVG in UTF-8, or a PNG with two pixels for each of the SVG's, in the fonts of this
 * machine.
 * @throws FauveError `input` when the SVG cannot be drawn
 */
export async function renderPlot(svg: string, format: PlotFormat): Promise<Uint8Array> {
  aText(svg, 'renderPlot, svg');
  oneOf('png', 'svg')(format, 'renderPlot, format');
  const bytes = new TextEncoder().encode(svg);
  if (format === 'svg') return bytes;
  try {
    return await sharp(bytes, { density: DOUBLE_DENSITY }).png({ compressionLevel: 9 }).toBuffer();
  } catch (error) {
    throw new FauveError('input', `The plot cannot be drawn as PNG: ${messageOf(error)}. Write it as SVG instead.`, {
      cause: error,
    });
  }
}
