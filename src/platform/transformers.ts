import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type { TransformerFile } from '../pipelines/apply/network.js';
import { readFileChecked } from './files.js';
import { loadShippedTransformer } from './shipped.js';

/**
 * Reads a trained network: an image transformer network as ONNX from a file, or one that comes with Fauve by its name. A file of that
 * name comes first.
 * @throws FauveError `input` when there is no such file, `usage` for an unknown name, `system` when it cannot be read
 */
export async function loadTransformer(path: string): Promise<TransformerFile> {
  const isName = extname(path) === '' && !/[\\/]/.test(path) && !existsSync(path);
  if (isName) return loadShippedTransformer(path);
  return { fileName: path, bytes: await readFileChecked(path, 'The network') };
}
