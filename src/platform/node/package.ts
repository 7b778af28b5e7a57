import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { aText } from '../../checks/checks.js';

const require = createRequire(import.meta.url);

export { version } from '../version.js';

/** A file or folder of this installation by its path from the root of the package, wherever the code that asks lies. */
export function inPackage(path: string): string {
  aText(path, 'inPackage, path');
  return join(dirname(require.resolve('fauve/package.json')), path);
}
