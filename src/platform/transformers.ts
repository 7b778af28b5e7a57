import type { TransformerFile } from '../pipelines/apply/network.js';
import { readFileChecked } from './files.js';

/**
 * Reads a trained network from its file: an image transformer network as ONNX.
 * @throws FauveError `input` when there is none, `system` when it cannot be read
 */
export async function loadTransformer(path: string): Promise<TransformerFile> {
  return { fileName: path, bytes: await readFileChecked(path, 'The network') };
}
