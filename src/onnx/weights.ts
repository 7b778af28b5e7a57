import type { Shape } from '../graph/tensor.js';
import { dataTypes, int } from './messages.js';
import type { ModelWriter } from './writer.js';

/** A kernel [O,I,kh,kw] as whole numbers, with a scale for each channel that comes out: half the bytes of 16-bit floats. */
export interface RoundedKernel {
  readonly values: Int8Array;
  /** [O], 16-bit floats. */
  readonly scales: Uint16Array;
}

/** Weights as a file holds them: 16-bit floats, or a rounded kernel. */
export type StoredWeights = Uint16Array | RoundedKernel;

/** The name under which the scales of a rounded kernel are stored. */
export const scaleName = (kernel: string): string => `${kernel} scale`;

/** Writes weights under their name, and what makes 32-bit floats of them. @returns the name of those */
export function emitWeights(name: string, shape: Shape, weights: StoredWeights, writer: ModelWriter): string {
  const widened = (stored: string) => writer.step('Cast', [stored], `${stored} float32`, [int('to', dataTypes.FLOAT)]);
  if (weights instanceof Uint16Array) {
    writer.stored(name, 'FLOAT16', shape, weights);
    return widened(name);
  }
  // Not DequantizeLinear: the engine would compute that anew for each picture, and the convolution slowly from what it gives.
  writer.stored(name, 'INT8', shape, weights.values);
  const values = widened(name);
  writer.stored(scaleName(name), 'FLOAT16', [shape[0]!, 1, 1, 1], weights.scales);
  return writer.step('Mul', [values, widened(scaleName(name))], `${name} scaled`);
}
