import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { aText } from '../../checks/checks.js';
import { isModel } from '../../onnx/read.js';
import type { StyleNetworkFile } from '../../style-network/check.js';
import { withExternalData } from './external-data.js';
import { readFileChecked } from './files.js';
import { loadShippedStyleNetwork } from './shipped.js';

/**
 * Reads a trained network: a style network as ONNX from a file, or one that comes with Fauve by its name. A file of that
 * name comes first. Weights that the file keeps in others beside it are taken in.
 * @throws FauveError `input` when there is no such file, or weights of it are missing; `usage` for an unknown name;
 *   `system` when it cannot be read
 */
export async function loadStyleNetwork(path: string): Promise<StyleNetworkFile> {
  aText(path, 'The network');
  const isName = extname(path) === '' && !/[\\/]/.test(path) && !existsSync(path);
  if (isName) return loadShippedStyleNetwork(path);
  const bytes = await readFileChecked(path, 'The network');
  // What is no model is told later, by a check that knows other kinds of files.
  return { fileName: path, bytes: isModel(bytes) ? await withExternalData(bytes, path) : bytes };
}
