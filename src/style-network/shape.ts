import { FauveError } from '../errors.js';
import type { WeightTensor } from '../formats/tensor.js';
import type { Shape } from '../graph/tensor.js';

/** The architecture of a style network. */
export interface StyleNetworkShape {
  /**
   * Channels at full, half and quarter size. Johnson et al.: 32, 64, 128. With 0 at full size the first convolution has stride 2, and
   * the last makes four pixels at each position (sub-pixel convolution, Shi et al. 2016), smoothed by a small fixed kernel: half the time.
   * A fourth number are channels at an eighth of the size: there the blocks are then, and quarter size is kept beside them.
   */
  readonly channels: readonly [full: number, half: number, quarter: number, eighth?: number | undefined];
  /** Residual blocks, at the smallest size. */
  readonly blocks: number;
  /** Sides of the first and of the last kernel, odd. Johnson et al.: 9, 9. */
  readonly kernels: readonly [number, number];
  /** How many styles the network knows: so many scales and shifts has each of its normalisations. */
  readonly styles: number;
}

/**
 * Pixels that are mirrored around the picture before anything else, above and to the left, and below and to the right. The convolutions
 * do not pad, so that each of them takes some away, and what is left is the picture. Were they to pad with zeros, the network would know
 * where the border is, and paint a frame: half the colours of a style can go there. To mirror in front of each convolution costs a third
 * of the time. What is mirrored is the picture, not features, even where those are small: of features, the network sees that they are.
 */
export function styleNetworkMargins({ channels: [full, , , eighth = 0], blocks, kernels }: StyleNetworkShape): {
  readonly before: number;
  readonly after: number;
} {
  const [first, last] = kernels.map((side) => (side - 1) / 2) as [number, number];
  // In pixels of the picture, down to its smallest size, through the blocks, and up again.
  const ends = full > 0 ? first + last : first + 2 * last;
  if (eighth === 0) {
    const around = ends + 8 * blocks + (full > 0 ? 6 : 5);
    return { before: around, after: around };
  }
  // Up to seven pixels are left over at the end, and the picture is to lie where the photo does.
  const before = ends + 16 * blocks + 10;
  return { before, after: before + (full > 0 ? 8 : 6) };
}

/** A picture has to be as wide and as high as this at least: what is mirrored is larger than its mirror image. */
export const styleNetworkMinimumSize = (shape: StyleNetworkShape): number => styleNetworkMargins(shape).after + 1;

/** What a block adds goes through a convolution without padding and a normalisation, which take away what is the same everywhere. */
export const hasShift = (name: string): boolean => !/^residual\d+b$/.test(name);

/** Names and shapes of all weights: `first.weight` [O,I,k,k], `first.scale` and `first.shift` [S,O], … (the second
 * convolution of a block has no shift), `last.bias` [3]. */
export function styleNetworkParameters({
  channels: [full, half, quarter, eighth = 0],
  blocks,
  kernels,
  styles,
}: StyleNetworkShape): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const layer = (name: string, from: number, to: number, side = 3) => {
    shapes.set(`${name}.weight`, [to, from, side, side]);
    shapes.set(`${name}.scale`, [styles, to]);
    if (hasShift(name)) shapes.set(`${name}.shift`, [styles, to]);
  };
  layer('first', 3, full || half, kernels[0]);
  if (full > 0) layer('down1', full, half);
  layer('down2', half, quarter);
  if (eighth > 0) layer('down3', quarter, eighth);
  for (let block = 1; block <= blocks; block++) {
    layer(`residual${block}a`, eighth || quarter, eighth || quarter);
    layer(`residual${block}b`, eighth || quarter, eighth || quarter);
  }
  if (eighth > 0) layer('up0', eighth, quarter);
  layer('up1', quarter, half);
  if (full > 0) layer('up2', half, full);
  const colours = full > 0 ? 3 : 12;
  shapes.set('last.weight', [colours, full || half, kernels[1], kernels[1]]);
  shapes.set('last.bias', [colours]);
  return shapes;
}

/** The tables of the conditional normalisation: what a new style needs of its own. */
export const isStyleParameter = (name: string): boolean => name.endsWith('.scale') || name.endsWith('.shift');

/**
 * Kernels at the smallest size, to it and from it: most of the weights. Between normalisations and not next to the picture, they bear
 * being 8-bit integers, and so does what goes through them.
 */
export const isInner = (name: string): boolean => /^(down3|residual\d+[ab]|up[01])\.weight$/.test(name);

/** Kernels whose results are normalised: all but the last. */
export const isNormalised = (name: string): boolean => name.endsWith('.weight') && name !== 'last.weight';

/**
 * The architecture that weights have.
 * @throws FauveError `input` when they are not those of a style network
 */
export function styleNetworkShapeOf(
  weights: ReadonlyMap<string, WeightTensor>,
  fileName = 'The network',
): StyleNetworkShape {
  const dims = (name: string) => weights.get(name)?.shape ?? [];
  let blocks = 0;
  while (weights.has(`residual${blocks + 1}a.weight`)) blocks++;
  const [quarter = 0, half = 0] = dims('down2.weight');
  const [eighth] = dims('down3.weight');
  const [, full = 0] = dims('down1.weight');
  const [, , first = 0] = dims('first.weight');
  const [, , last = 0] = dims('last.weight');
  const [styles = 0] = dims('first.scale');
  const channels: StyleNetworkShape['channels'] = eighth ? [full, half, quarter, eighth] : [full, half, quarter];
  const shape: StyleNetworkShape = { channels, blocks, kernels: [first, last], styles };
  const expected = styleNetworkParameters(shape);
  for (const [name, wanted] of expected) {
    const found = dims(name);
    if (found.join() === wanted.join() && wanted.every((n) => n > 0)) continue;
    throw new FauveError(
      'input',
      `${fileName} is no style network of Fauve: ${name} is ${found.length > 0 ? `[${found}]` : 'missing'}. Use one that was trained by Fauve.`,
    );
  }
  return shape;
}
