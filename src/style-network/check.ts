import { aText, bytes, isBytes, objectWith, oneOf, optional } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { externalTensors, quoted } from '../onnx/external.js';
import { isModel, readModel } from '../onnx/read.js';
import { decodeStyleNetwork, type ModelStyle, type StyleNetworkModel } from './file.js';
import type { PixelRange } from './foreign.js';
import { refuseLikely, refuseMistaken } from './mistaken.js';

/** A network in a file, as it was read. */
export interface StyleNetworkFile {
  /** How errors name it. */
  readonly fileName: string;
  readonly bytes: Uint8Array;
  /** It comes with Fauve: `fileName` is its name. */
  readonly shipped?: true;
}

/** @throws FauveError `usage` for what is no {@link StyleNetworkFile}, with how to get one */
export function checkStyleNetworkFile(value: unknown, name: string): void {
  const help = isBytes(value) ? 'Write { fileName, bytes }.' : 'Load it: await loadStyleNetwork(name or path).';
  objectWith({ fileName: aText, bytes }, 'the file of a trained network', help)(value, name);
}

/** A file whose kind is known. */
export interface CheckedStyleNetwork extends StyleNetworkFile {
  /** Of a network that `fauve train` made. */
  readonly model?: StyleNetworkModel;
  /** What it can be asked for by name: nothing of another program's network. */
  readonly styles: readonly ModelStyle[];
}

export const aRange = oneOf('0-1', '0-255');

/**
 * Looks at a network without running it.
 * @param range what white is said to be in its pictures
 * @throws FauveError `input` for what is no ONNX model, or one whose weights lie in another file, or a damaged file of `fauve train`;
 *   `usage` for a range where there is no choice
 */
export function checkStyleNetwork(file: StyleNetworkFile, range?: PixelRange): CheckedStyleNetwork {
  checkStyleNetworkFile(file, 'checkStyleNetwork, file');
  optional(aRange)(range, 'checkStyleNetwork, range');
  const { fileName, bytes } = file;
  refuseMistaken(bytes, fileName);
  if (!isModel(bytes)) refuseLikely(bytes, fileName);
  const { metadata } = readModel(bytes, fileName);
  const [external] = externalTensors(bytes, fileName);
  if (external) {
    throw new FauveError(
      'input',
      `${fileName} keeps its weights in another file, ${quoted(external.location)}, which did not come with it. Save both as one, in Python: onnx.save(onnx.load("model.onnx"), "one.onnx").`,
    );
  }
  if (!metadata.format?.startsWith('fauve-')) return { ...file, styles: [] };
  const model = decodeStyleNetwork(bytes, fileName);
  if (range !== undefined) {
    throw new FauveError(
      'request',
      `${fileName} was trained by Fauve, whose networks take 0-1; received the range ${range}. Leave it out.`,
    );
  }
  return { ...file, model, styles: model.styles };
}
