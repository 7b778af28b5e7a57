import { FauveError } from '../errors.js';
import { memoryNeed } from '../graph/memory.js';
import { input } from '../graph/tensor.js';
import { largestFit } from '../image/largest-fit.js';
import type { Size } from '../image/size.js';
import { longerSide, shapeOf, sizeText } from '../image/size.js';
import { styleNetwork } from './graph.js';
import type { StyleNetwork } from './network.js';
import { type StyleNetworkShape, styleNetworkMinimumSize, styleNetworkParameters } from './shape.js';

const MEGABYTE = 2 ** 20;
// Fitted to the peak of resident memory of several pictures one after the other, 512² … 4000×3000, with `fast`, Johnson's form and another
// program's network, and a tenth more: the engine's arena grows by doubling, so that what it takes is between 1 and 1.9 times what is alive at
// once, depending on the size.
const FIXED = 180 * MEGABYTE;
const PER_ACTIVATION = 2.1;
/** Images as float32 that the host holds beside the engine, in two threads, some of them garbage of the picture before. */
const HOST_IMAGES = 9;

/** Bytes that restyling a picture of this size takes at most, from the shapes of the network's graph. */
export function applyMemory({ shape, inner }: Pick<StyleNetwork, 'shape' | 'inner'>, size: Size): number {
  const seen = inner(size);
  const host = HOST_IMAGES * 12 * Math.max(size.width * size.height, seen.width * seen.height);
  return Math.round(FIXED + PER_ACTIVATION * activations(shape, seen) + host);
}

function activations(shape: StyleNetworkShape, { width, height }: Size): number {
  const parameters = new Map([...styleNetworkParameters(shape)].map(([name, dims]) => [name, input(name, dims)]));
  const style = shape.styles > 1 ? input('the style', [1, shape.styles]) : undefined;
  // Another program's network may take smaller ones than the form that stands for it.
  const least = styleNetworkMinimumSize(shape);
  const image = input('the image', [1, 3, Math.max(height, least), Math.max(width, least)]);
  return memoryNeed([styleNetwork(image, style, (name) => parameters.get(name)!, shape)]).activations;
}

/**
 * The largest size of a shape whose memory fits; `undefined` where none does.
 * @param longest side that it may have
 */
export function largestApplicable(
  network: StyleNetwork,
  shape: Size,
  limit: number,
  longest = longerSide(shape),
): Size | undefined {
  return largestFit(shape, longest, 1, 1, (size) => applyMemory(network, size) <= limit);
}

/**
 * @param photo whose shape the size has, unless the option gives both sides
 * @returns the bytes that it takes at most
 * @throws FauveError `system` that names the largest size that fits
 */
export function requireApplyMemory(network: StyleNetwork, size: Size, photo: Size, limit: number | undefined): number {
  const need = applyMemory(network, size);
  if (limit === undefined || need <= limit) return need;
  const fitting = largestApplicable(network, shapeOf(size, photo), limit, longerSide(size));
  const largest = fitting && sizeText(fitting, photo);
  const remedy =
    largest === undefined
      ? 'No size fits: close other programs.'
      : `The size ${largest} fits, which gives ${fitting!.width}×${fitting!.height}.`;
  throw new FauveError(
    { kind: 'memory', need, free: limit, largest },
    `${size.width}×${size.height} needs about ${megabytes(need)}; ${megabytes(limit)} are free. ${remedy}`,
  );
}

const megabytes = (bytes: number) => `${Math.round(bytes / MEGABYTE)} MB`;
