import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Library from 'fauve/jobs';
import sharp from 'sharp';
import type { Plugin } from 'vite';
import type { ShippedCard, ShippedList } from '../src/shipped.js';

const ID = 'virtual:shipped';

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  webp: 'image/webp',
  jpg: 'image/jpeg',
  wasm: 'application/wasm',
  mjs: 'text/javascript',
};

/** Path below the page → file. */
export type Files = ReadonlyMap<string, string>;

/**
 * What the page finds beside itself and loads when it is needed: loss networks, styles and their swatches, the trained network, the
 * engine. `fauve studio` serves them from where they are.
 * @param root of the project
 */
export function filesBeside(root: string): Files {
  return new Map([
    ...filesOf(root, 'models', 'models', /^(manifest\.json|.*\.(safetensors|onnx))$/),
    ...filesOf(root, 'models/styles', 'models/styles', /\.(style|webp|json)$/),
    ...filesOf(
      root,
      'node_modules/onnxruntime-web/dist',
      'ort',
      /^ort-wasm-simd-threaded(\.asyncify|\.jspi)?\.(mjs|wasm)$/,
    ),
  ]);
}

/** `virtual:shipped` is the list of these files, with sizes. @param root of the project */
export function shippedListModule(root: string, files: Files): Plugin {
  return {
    name: 'fauve-shipped-list',
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    async load(id) {
      if (id !== `\0${ID}`) return undefined;
      return `export default ${JSON.stringify(await shippedList(root, files))};`;
    },
  };
}

/**
 * Serves these files and the example photos in development, and copies them when the page is built for another host. Small pictures
 * of the photos and of the styles' swatches are what is seen first.
 * @param copied whether they are copied; the photos and the small pictures always are
 */
export function shippedFiles(root: string, files: Files, copied: boolean): Plugin {
  const photos = filesOf(root, 'examples/photos', 'examples', /\.jpg$/);
  const served = new Map([...files, ...photos]);
  const small = new Map<string, string>(
    [...files, ...photos].flatMap(([name, path]) => {
      const [, folder, stem] = /^(models\/styles|examples)\/(.*)\.(webp|jpg)$/.exec(name) ?? [];
      return folder ? [[`small/${stem}.webp`, path] as [string, string]] : [];
    }),
  );
  return {
    name: 'fauve-shipped-files',
    async generateBundle() {
      for (const [fileName, path] of copied ? served : photos) {
        this.emitFile({ type: 'asset', fileName, source: readFileSync(path) });
      }
      for (const [fileName, path] of small) {
        this.emitFile({ type: 'asset', fileName, source: await smallPicture(path) });
      }
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname).slice(1);
        const path = served.get(name);
        const large = small.get(name);
        if (!path && !large) return next();
        response.setHeader('Content-Type', TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream');
        if (path) createReadStream(path).pipe(response);
        else void smallPicture(large!).then((bytes) => response.end(bytes), next);
      });
    },
  };
}

/** Large enough for a tile of the gallery, and a few kilobytes. */
const smallPicture = (path: string): Promise<Buffer> =>
  sharp(path).resize(144, 144, { fit: 'cover', position: 'attention' }).webp({ quality: 60 }).toBuffer();

function filesOf(root: string, from: string, to: string, wanted: RegExp): [string, string][] {
  return readdirSync(join(root, from))
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => [`${to}/${name}`, join(root, from, name)]);
}

/** The part of `models/manifest.json` that is read. */
interface Manifest {
  readonly transformers?: Readonly<Record<string, { readonly styles: readonly string[] }>>;
}

/** What the page would otherwise have to load the library for. */
async function shippedList(root: string, files: Files): Promise<ShippedList> {
  const sizes = Object.fromEntries(
    [...files]
      .filter(([name]) => /\.(safetensors|onnx|style|wasm)$/.test(name))
      .map(([name, path]) => [name, statSync(path).size]),
  );
  const index = JSON.parse(readFileSync(join(root, 'models/styles/index.json'), 'utf8')) as readonly ShippedCard[];
  const styles = index.map(({ name, title, artist, year, palette }) => ({ name, title, artist, year, palette }));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { transformers = {} } = JSON.parse(readFileSync(join(root, 'models/manifest.json'), 'utf8')) as Manifest;
  const library: typeof Library = await import(pathToFileURL(join(root, 'dist/src/jobs.js')).href);
  const { stylizeOptionSpecs: options } = library;
  return { version, sizes, styles, options, instantStyles: transformers[library.fastStyleNetworkName]?.styles ?? [] };
}
