import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, posix, resolve, win32 } from 'node:path';
import { aFunction, anObject, aSignal, aSwitch, aText, checkRequest, optional } from '../../checks/checks.js';
import { shortName } from '../../checks/received.js';
import { FauveError, messageOf } from '../../errors.js';
import type { ShippedNetwork } from '../../networks/manifest.js';
import type { NetworkWeights } from '../../networks/network.js';
import {
  defaultModelsUrl,
  lossNetworkNames,
  type NetworkSource,
  type NetworkSpec,
  networkSpec,
} from '../../networks/registry.js';
import { decodeWeights, encodeWeights, importWeights } from '../../networks/weights.js';
import { type DownloadOptions, download, sourceUrl } from './download.js';
import { errorCode, fileError, fileSize, makeFolder, readFileChecked, writeFileAtomically } from './files.js';
import { isShipped, loadShipped, shippedNetwork } from './shipped.js';

/** What is known about the weights in the cache; `NAME.json` beside `NAME.safetensors`. */
export interface NetworkManifest {
  readonly name: string;
  /** SHA-256 (hex) of the safetensors file. */
  readonly sha256: string;
  readonly bytes: number;
  /** The kind of file that they were imported from, in words: `Keras .h5`. */
  readonly source: string;
  /** The network is usable as deep as this convolution. */
  readonly deepestLayer: string;
  /** When, in UTC (ISO 8601). */
  readonly imported: string;
}

/** A loss network, and whether this machine has its weights. */
export interface NetworkStatus {
  readonly name: string;
  /** Of a network that comes with Fauve. */
  readonly shipped?: ShippedNetwork;
  /** What `pullNetwork` downloads, in bytes. A network that comes with Fauve has nothing to download. */
  readonly downloadBytes?: number;
  readonly installed?: NetworkManifest;
  /** What is wrong with the files that are there, with a remedy. The weights themselves are not read. */
  readonly problem?: string;
}

export interface StoreOptions {
  /** Folder of the store; {@link cacheFolder} by default. */
  readonly cache?: string;
  /** Folder of the networks that come with Fauve; that of the installation by default. */
  readonly models?: string;
  /** For tests: an architecture that takes the place of the registry's. */
  readonly spec?: NetworkSpec;
}

export interface ImportOptions extends StoreOptions {
  readonly signal?: AbortSignal;
}

export interface PullOptions extends StoreOptions, DownloadOptions {
  /** A mirror; the environment variable `FAUVE_MODELS_URL`, or {@link defaultModelsUrl}, by default. */
  readonly baseUrl?: string;
  /** For tests: path, size and checksum that take the place of the registry's. */
  readonly source?: NetworkSource;
}

/**
 * Where Fauve keeps what it can get again: `FAUVE_CACHE` when set, otherwise what the platform uses: `$XDG_CACHE_HOME/fauve` or
 * `~/.cache/fauve`, `~/Library/Caches/fauve` on macOS, `%LOCALAPPDATA%\fauve\Cache` on Windows. The folder may not exist yet.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
  home = homedir(),
): string {
  if (env.FAUVE_CACHE) return resolve(env.FAUVE_CACHE);
  if (platform === 'win32') {
    return win32.join(env.LOCALAPPDATA || win32.join(home, 'AppData', 'Local'), 'fauve', 'Cache');
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches', 'fauve');
  // The XDG specification says to ignore relative paths.
  const xdg = env.XDG_CACHE_HOME && posix.isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : undefined;
  return posix.join(xdg ?? posix.join(home, '.cache'), 'fauve');
}

/**
 * Puts weights that the user has into the store: checks them, brings them into the canonical form and writes them with their
 * manifest. Any file that {@link importWeights} reads will do. Weights that were there before are replaced.
 * @param name a network of the registry: `vgg19`
 * @throws FauveError `usage` for an unknown name, `input` for a file that does not fit, `system` when the store cannot be written to,
 * `aborted`
 */
export async function importNetwork(file: string, name: string, options: ImportOptions = {}): Promise<NetworkManifest> {
  checkStore(name, options);
  const store = place(name, options);
  const bytes = await readFileChecked(file, 'Weight file');
  if (options.signal?.aborted) {
    throw new FauveError('aborted', `The import of ${name} was stopped; the weights in the cache are as they were.`);
  }
  return install(bytes, file, store);
}

/**
 * Downloads the weights of a network and puts them into the store. What an interrupted download left behind is
 * resumed; the size and the MD5 of the whole must be the registry's.
 * @param name a network of the registry: `vgg19`
 * @throws FauveError `usage` for an unknown name or an unusable base URL, `system` when the network or the disk fails, `input` when
 * the server sends another file, `aborted` (what has arrived is kept for the next time)
 */
export async function pullNetwork(name: string, options: PullOptions = {}): Promise<NetworkManifest> {
  checkStore(name, options);
  const store = place(name, options);
  const source = options.source ?? store.spec.source;
  const url = sourceUrl(options.baseUrl ?? (process.env.FAUVE_MODELS_URL || defaultModelsUrl), source.path);
  const part = join(store.cache, 'downloads', `${basename(source.path)}.part`);
  await makeFolder(join(store.cache, 'downloads'));
  await makeFolder(store.folder);
  await download(name, url, part, source.bytes, options);

  const bytes = await readFileChecked(part, 'The download');
  const md5 = createHash('md5').update(bytes).digest('hex');
  if (md5 !== source.md5) {
    await rm(part, { force: true });
    throw new FauveError(
      { kind: 'weights', network: name },
      `The download of ${url} is not the right file or was damaged on the way: expected MD5 ${source.md5}, received ${md5}. It was removed.`,
    );
  }
  const manifest = await install(bytes, url, store);
  await rm(part, { force: true });
  return manifest;
}

/** Every loss network, and what is there of it according to the manifests: first those that come with Fauve, then the store's. */
export async function listNetworks(options: Omit<StoreOptions, 'spec'> = {}): Promise<NetworkStatus[]> {
  checkRequest(options, 'listNetworks', storeFields);
  return Promise.all(
    lossNetworkNames.map(async (name): Promise<NetworkStatus> => {
      if (isShipped(name)) {
        return shippedNetwork(name, options.models).then(
          (shipped) => ({ name, shipped }),
          (error: unknown) => ({ name, problem: messageOf(error) }),
        );
      }
      const status = { name, downloadBytes: networkSpec(name).source.bytes };
      const store = place(name, options);
      try {
        const size = await fileSize(store.file);
        if (size === undefined) return status;
        const installed = await readManifest(store);
        if (size !== installed.bytes) throw damaged(store, `it has ${size} bytes, expected ${installed.bytes}`);
        return { ...status, installed };
      } catch (error) {
        return { ...status, problem: messageOf(error) };
      }
    }),
  );
}

/**
 * Reads the weights again and checks everything: the SHA-256, all names and shapes, and that all values are finite.
 * @throws FauveError `usage` for an unknown name, `input` when the weights are missing or damaged, with the commands that help;
 * `system` when a network that comes with Fauve is
 */
export async function verifyNetwork(
  name: string,
  options: StoreOptions = {},
): Promise<NetworkManifest | ShippedNetwork> {
  checkStore(name, options);
  if (!options.spec && isShipped(name)) {
    await loadShipped(name, { folder: options.models });
    return shippedNetwork(name, options.models);
  }
  requireKnown(name, options);
  const store = place(name, options);
  const { bytes, manifest } = await readStored(store, true);
  try {
    importWeights(bytes, store.spec, store.file);
  } catch (error) {
    throw damaged(store, messageOf(error), error);
  }
  return manifest;
}

/**
 * The weights of a loss network, ready to build with: one that comes with Fauve (`distilled`, `distilled-small`), or one that was
 * pulled or imported (`vgg19`, `vgg16`).
 * @param options.verify whether the SHA-256 of the file is compared with the manifest's; true by default
 * @throws FauveError `usage` for an unknown name, `input` when the weights are missing or damaged, with the commands that help;
 * `system` when a network that comes with Fauve is
 */
export async function loadNetworkWeights(
  name: string,
  given: StoreOptions & { readonly verify?: boolean } = {},
): Promise<NetworkWeights> {
  checkStore(name, given);
  const { verify = true, ...options } = given;
  if (!options.spec && isShipped(name)) return loadShipped(name, { folder: options.models, verify });
  requireKnown(name, options);
  const store = place(name, options);
  const { bytes, manifest } = await readStored(store, verify);
  try {
    return await decodeWeights(bytes, store.spec, manifest.sha256, store.file);
  } catch (error) {
    throw damaged(store, messageOf(error), error);
  }
}

const storeFields = {
  cache: optional(aText),
  models: optional(aText),
  spec: optional(anObject),
  source: optional(anObject),
  baseUrl: optional(aText),
  verify: optional(aSwitch),
  signal: optional(aSignal),
  onProgress: optional(aFunction),
} as const;

function checkStore(name: unknown, options: unknown): void {
  aText(name, 'The name of a network');
  checkRequest(options, 'The options of the store', storeFields);
}

/** Where the store keeps one network. */
interface Place {
  readonly spec: NetworkSpec;
  readonly cache: string;
  readonly folder: string;
  readonly file: string;
  readonly manifest: string;
}

/** @throws FauveError `usage` that lists the networks that can be used, not only those that can be pulled */
function requireKnown(name: string, { spec }: StoreOptions): void {
  if (spec || lossNetworkNames.includes(name)) return;
  throw new FauveError(
    'request',
    `There is no network '${shortName(name)}'. Use one of ${lossNetworkNames.join(', ')}.`,
  );
}

/** @throws FauveError `usage` for a name that the store does not keep */
function place(name: string, { cache = cacheFolder(), spec = storedSpec(name) }: StoreOptions): Place {
  const folder = join(cache, 'networks');
  const stem = join(folder, spec.name);
  return { spec, cache, folder, file: `${stem}.safetensors`, manifest: `${stem}.json` };
}

function storedSpec(name: string): NetworkSpec {
  if (!isShipped(name)) return networkSpec(name);
  throw new FauveError(
    'request',
    `${name} comes with Fauve: there is nothing to pull or to import. Use it by its name, as the network.`,
  );
}

async function install(bytes: Uint8Array, fileName: string, store: Place): Promise<NetworkManifest> {
  const imported = importWeights(bytes, store.spec, fileName);
  const canonical = encodeWeights(imported);
  const manifest: NetworkManifest = {
    name: imported.name,
    sha256: sha256(canonical),
    bytes: canonical.byteLength,
    source: imported.source,
    deepestLayer: imported.deepestLayer,
    imported: new Date().toISOString(),
  };
  await makeFolder(store.folder);
  await writeFileAtomically(store.file, canonical);
  await writeFileAtomically(store.manifest, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  return manifest;
}

async function readStored(store: Place, verify: boolean): Promise<{ bytes: Uint8Array; manifest: NetworkManifest }> {
  const { name } = store.spec;
  if ((await fileSize(store.file)) === undefined) {
    throw new FauveError(
      { kind: 'not-pulled', network: name },
      `The weights of ${name} are not on this machine (${store.file}).`,
    );
  }
  const manifest = await readManifest(store);
  const bytes = await readFileChecked(store.file, 'Weight file');
  if (bytes.byteLength !== manifest.bytes) {
    throw damaged(store, `it has ${bytes.byteLength} bytes, expected ${manifest.bytes}`);
  }
  if (verify) {
    const received = sha256(bytes);
    if (received !== manifest.sha256) {
      throw damaged(store, `expected SHA-256 ${manifest.sha256}, received ${received}`);
    }
  }
  return { bytes, manifest };
}

async function readManifest(store: Place): Promise<NetworkManifest> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(store.manifest, 'utf8'));
  } catch (error) {
    const code = errorCode(error);
    if (code !== undefined && code !== 'ENOENT') throw fileError(error, 'read', store.manifest, 'Manifest');
    throw damaged(store, `its manifest ${basename(store.manifest)} is ${code ? 'missing' : 'not JSON'}`, error);
  }
  if (!isManifest(manifest) || manifest.name !== store.spec.name) {
    throw damaged(store, `its manifest ${basename(store.manifest)} is not one of ${store.spec.name}`);
  }
  return manifest;
}

function isManifest(value: unknown): value is NetworkManifest {
  const { bytes, sha256, ...texts } = (value ?? {}) as Partial<Record<keyof NetworkManifest, unknown>>;
  return (
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [texts.name, texts.source, texts.deepestLayer, texts.imported].every((text) => typeof text === 'string')
  );
}

function damaged({ spec, file }: Place, why: string, cause?: unknown): FauveError {
  const message = `The weights ${file} are damaged: ${why.endsWith('.') ? why : `${why}.`}`;
  return new FauveError({ kind: 'weights', network: spec.name }, message, { cause });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
