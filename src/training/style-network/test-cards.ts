import { createImage, type Image } from '../../image/image.js';

/** Flat pictures in which a network has nothing to paint: blotches that it makes of its own show on them. */
export function testCards(size: number): readonly { readonly name: string; readonly image: Image }[] {
  const card = (value: (x: number) => number) => {
    const plane = size * size;
    const data = new Float32Array(3 * plane);
    for (let i = 0; i < data.length; i++) data[i] = value((i % size) / (size - 1));
    return createImage(size, size, data);
  };
  return [
    { name: 'grey', image: card(() => 0.5) },
    { name: 'white', image: card(() => 1) },
    { name: 'gradient', image: card((x) => x) },
  ];
}

const CELLS = 8;

/**
 * How uneven a restyled card is on a large scale: the standard deviation over 8 × 8 cells of their mean colours, within each column of
 * cells, so that a gradient from left to right counts as even. Texture that is the same everywhere gives 0; a white blotch that fills
 * one cell of a black card 0.12.
 */
export function unevenness({ width, height, data }: Image): number {
  const plane = width * height;
  let squares = 0;
  for (let c = 0; c < 3; c++) {
    for (let column = 0; column < CELLS; column++) {
      const means = Array.from({ length: CELLS }, (_, row) => cellMean(c * plane, row, column));
      const mean = means.reduce((a, b) => a + b) / CELLS;
      squares += means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / CELLS;
    }
  }
  return Math.sqrt(squares / (3 * CELLS));

  function cellMean(offset: number, row: number, column: number): number {
    const [top, bottom] = [Math.floor((row * height) / CELLS), Math.floor(((row + 1) * height) / CELLS)];
    const [left, right] = [Math.floor((column * width) / CELLS), Math.floor(((column + 1) * width) / CELLS)];
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[offset + y * width + x]!;
    return sum / ((bottom - top) * (right - left));
  }
}
