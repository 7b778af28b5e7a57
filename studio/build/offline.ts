import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import type { Files } from './shipped-files.js';

/** What the service worker keeps from the start: the page itself and the texts of the method. The engine, networks, swatches and what reads HEIC are kept when they are used. */
const SHELL = /^(index\.html|method\/.*|assets\/(?!libheif-).*\.(js|css|svg))$/;

/**
 * Tells the service worker which files make up the page, and gives what it keeps a name that changes with it.
 * @param beside what lies beside the page
 */
export function offline(beside: Files): Plugin {
  let publicFolder = '';
  return {
    name: 'fauve-offline',
    apply: 'build',
    configResolved(config) {
      publicFolder = config.publicDir;
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const worker = bundle['sw.js'];
        if (worker?.type !== 'chunk') throw new Error('The build has no sw.js.');
        const shell = Object.keys(bundle)
          .filter((name) => SHELL.test(name))
          .sort();
        const contents = shell.map((name) => {
          const item = bundle[name]!;
          return item.type === 'chunk' ? item.code : item.source;
        });
        const values = {
          __SHELL__: [...shell, ...readdirSync(publicFolder)],
          __BUILD__: hashOf(contents),
          __FILES__: hashOf([...beside.values()].map((path) => readFileSync(path))),
        };
        for (const [name, value] of Object.entries(values)) {
          worker.code = worker.code.replace(name, () => JSON.stringify(value));
        }
      },
    },
  };
}

function hashOf(contents: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const each of contents) hash.update(each);
  return hash.digest('hex').slice(0, 12);
}
