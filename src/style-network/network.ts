import { aFunction, anObject, aText, objectWith } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import type { Image } from '../image/image.js';
import type { Size } from '../image/size.js';
import type { FileSession } from '../runtime/runtime.js';
import type { CheckedStyleNetwork } from './check.js';
import type { StyleCode, StyleEncoder } from './code.js';
import type { ModelStyle } from './file.js';
import type { PixelRange } from './foreign.js';
import type { StyleNetworkShape } from './shape.js';

/** A trained network that is ready to restyle pictures. Close it when you are done. */
export interface StyleNetwork {
  readonly fileName: string;
  readonly styles: readonly ModelStyle[];
  /** What white is in the network's pictures; of a network that `fauve train` made always `0-1`. */
  readonly range: PixelRange;
  /** What a user should know of it: that the range is a guess, or that it works at one size only. */
  readonly notices: readonly string[];
  /** What is computed with, in words. */
  readonly engine: string;
  /** The architecture, of which the memory is a matter; of another program's network the one that most of them have. */
  readonly shape: StyleNetworkShape;
  /** Styles in, the code that {@link run} takes out. */
  readonly encoder: StyleEncoder;
  /** The size that the network sees, for a picture of this size. */
  inner(size: Size): Size;
  /**
   * One forward pass.
   * @param code what {@link encoder} gives
   * @returns [3,H,W] of the picture's size, RGB in [0,1]
   * @throws FauveError `input` when the network gives what is no picture
   */
  run(image: Image, code: StyleCode): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws FauveError `usage` for what is no {@link StyleNetwork}, with how to get one */
export const checkOpenStyleNetwork = objectWith(
  { run: aFunction, inner: aFunction, encoder: anObject, fileName: aText },
  'a trained network that is open (a StyleNetwork)',
  'Open it: await openStyleNetwork(runtime, await loadStyleNetwork(name)).',
);

/** A file with its session: what a network is made of. */
export interface OpenedFile extends CheckedStyleNetwork {
  readonly session: FileSession;
  readonly engine: string;
}

/** @throws FauveError `input` for values that are no numbers: a network that diverged in training */
export function finite(values: Float32Array, fileName: string): Float32Array {
  // Neither every() nor for…of, which take a tenth of the network's time and more.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  if (Number.isFinite(sum)) return values;
  throw new FauveError(
    'input',
    `${fileName} gives values that are no numbers (NaN) for this picture. Its weights are damaged: use another network.`,
  );
}

/** The engine does not know the file's name; what says `input` is about the file, and names it. */
export function rethrow(error: unknown, fileName: string): never {
  if (!(error instanceof FauveError) || error.reason.kind === 'input') throw error;
  throw new FauveError(error.reason, `${fileName}: ${error.message}`, { cause: error });
}
