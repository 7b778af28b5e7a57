import { FauveError } from '../../errors.js';
import { sha256Hex } from '../../formats/sha256.js';
import type { JobHost, OpenedStyleNetwork, ReadPicture, ReadStyle } from '../../jobs/host.js';
import type { FileReference, StyleNetworkReference, StyleReference } from '../../jobs/reference.js';
import type { Runtime } from '../../runtime/runtime.js';
import { type CheckedStyleNetwork, checkStyleNetwork } from '../../style-network/check.js';
import type { PixelRange } from '../../style-network/foreign.js';
import { decodeStyle, looksLikeStyle } from '../../styles/style-file.js';
import { version } from '../version.js';
import { decodeImage } from './decode.js';
import type { LoadProgress } from './download.js';
import { freeMemory } from './memory.js';
import { createModelCache, type ModelCache } from './model-cache.js';

/** What a browser's host works with. */
export interface BrowserHostOptions {
  /** The folder `models/` of the package as it is served, or what was loaded from it already. */
  readonly models: string | URL | ModelCache;
  /** The engine, started when it is needed first and then the same. */
  readonly runtime: () => Promise<Runtime>;
  /** Finds a file that a spec names by its checksum: nothing for one that is not there. */
  readonly fileOf?: ((sha256: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined) | undefined;
  /** Finds a picture in the same way, where it is decoded already. */
  readonly pictureOf?: ((sha256: string) => ReadPicture | undefined) | undefined;
  /** Follows what is downloaded. */
  readonly onLoading?: ((what: LoadedThing, progress: LoadProgress) => void) | undefined;
  /** Ends a download. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes that a job may take, where it is not what this tab should take at most. */
  readonly freeMemory?: (() => number) | undefined;
}

/** What is downloaded. */
export type LoadedThing = 'network' | 'style' | 'style network';

/** A tab as a host of jobs: files by their bytes, what comes with Fauve by download. There are no paths. */
export function createBrowserHost(options: BrowserHostOptions): JobHost {
  const { fileOf, pictureOf, signal, onLoading } = options;
  const models = isCache(options.models) ? options.models : createModelCache(options.models);
  const following = (what: LoadedThing) => ({ signal, onProgress: onLoading?.bind(undefined, what) });
  const bytesOf = async (file: FileReference, what: string): Promise<{ path: string; bytes: Uint8Array }> => {
    if ('path' in file) {
      throw new FauveError('request', `${what} ${file.path} is a path, and a browser has none. Give its bytes.`);
    }
    if ('bytes' in file) return { path: file.name, bytes: file.bytes };
    const bytes = await fileOf?.(file.sha256);
    if (bytes) return { path: file.name, bytes };
    throw new FauveError('input', `${what} ${file.name} is not here under its checksum. Give it again.`);
  };
  const picture = async (file: FileReference, what: string): Promise<ReadPicture> => {
    const known = 'sha256' in file ? pictureOf?.(file.sha256) : undefined;
    if (known) return known;
    const { path, bytes } = await bytesOf(file, what);
    const { image, notices } = await decodeImage(bytes, { what, fileName: path });
    return { path, sha256: await sha256Hex(bytes), image, notices };
  };
  const styleNetwork = async (reference: StyleNetworkReference, range?: PixelRange): Promise<CheckedStyleNetwork> => {
    if ('shipped' in reference) return models.styleNetwork(reference.shipped, following('style network'));
    const { path, bytes } = await bytesOf(reference, 'The network');
    return checkStyleNetwork({ fileName: path, bytes }, range);
  };
  return {
    version,
    freeMemory: options.freeMemory ?? freeMemory,
    runtime: options.runtime,
    picture,
    async style(reference: StyleReference): Promise<ReadPicture | ReadStyle> {
      if ('shipped' in reference) {
        const { style, sha256 } = await models.style(reference.shipped, following('style'));
        return { path: reference.shipped, sha256, style, shipped: true };
      }
      if ('sha256' in reference && pictureOf?.(reference.sha256)) return picture(reference, 'Style image');
      const { path, bytes } = await bytesOf(reference, 'Style image');
      if (!looksLikeStyle(bytes)) return picture({ name: path, bytes }, 'Style image');
      return { path, sha256: await sha256Hex(bytes), style: decodeStyle(bytes, path) };
    },
    requireShippedStyle: async (name) => void (await models.style(name, following('style'))),
    lossNetwork: (name) => models.lossNetwork(name, following('network')),
    styleNetwork,
    async openStyleNetwork(reference, how): Promise<OpenedStyleNetwork> {
      const checked = await styleNetwork(reference, how.range);
      const { fileName, bytes, shipped } = checked;
      const network = await models.openStyleNetwork(await options.runtime(), checked, how);
      const file = { path: fileName, sha256: await sha256Hex(bytes), shipped };
      return { network, memoryLimit: (options.freeMemory ?? freeMemory)(), file };
    },
    async pictures(folder) {
      throw new FauveError('request', `${folder} is a folder, and a browser has none. Train on a computer.`);
    },
  };
}

const isCache = (models: BrowserHostOptions['models']): models is ModelCache =>
  typeof models === 'object' && 'lossNetwork' in models;
