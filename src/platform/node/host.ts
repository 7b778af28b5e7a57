/// <reference lib="esnext.disposable" preserve="true" />
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { aFunction, anObject, aText, checkRequest, optional } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { sha256Hex } from '../../formats/sha256.js';
import type { JobHost, NetworkSettings, OpenedStyleNetwork, ReadPicture, ReadStyle } from '../../jobs/host.js';
import type { FileReference, StyleNetworkReference, StyleReference } from '../../jobs/reference.js';
import type { Runtime } from '../../runtime/runtime.js';
import { type CheckedStyleNetwork, checkStyleNetwork, type StyleNetworkFile } from '../../style-network/check.js';
import type { PixelRange } from '../../style-network/foreign.js';
import { openStyleNetwork } from '../../style-network/open.js';
import { decodeStyle, looksLikeStyle } from '../../styles/style-file.js';
import { decodeImage } from './codec.js';
import { type StartEngineOptions, startEngine } from './engine.js';
import { readFileChecked } from './files.js';
import { freeMemory } from './images.js';
import { loadNetworkWeights } from './model-store.js';
import { version } from './package.js';
import { pictureFolder } from './picture-folder.js';
import { loadShippedStyleNetwork } from './shipped.js';
import { loadStyleNetwork } from './style-networks.js';
import { loadStyle, requireShippedStyle } from './style-store.js';

export interface NodeHostOptions {
  /** The engine, started when it is needed first. */
  readonly engine?: StartEngineOptions | undefined;
  /** Finds the bytes of a file that a spec names by its checksum: nothing for one that is not there. */
  readonly fileOf?: ((sha256: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined) | undefined;
  /** Reads a style network that comes with Fauve, by its name; by default from this installation. */
  readonly loadShippedNetwork?: ((name: string) => Promise<StyleNetworkFile>) | undefined;
  /** Is told what is odd about a folder of pictures. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** A host that is closed when its work is done. */
export interface NodeHost extends JobHost, AsyncDisposable {
  /** Closes the open style network, which gives its memory back. */
  release(): Promise<void>;
  /** Ends the engine. What is asked of the host after that starts another. */
  close(): Promise<void>;
}

/** A style network that is open. */
interface Opened extends Pick<NetworkSettings, 'precision'> {
  readonly checked: CheckedStyleNetwork;
  readonly network: Promise<OpenedStyleNetwork>;
}

/** A file that was read, and what errors call it. */
interface FileBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * This computer as a host of jobs: files of the disk, what comes with Fauve, the native engine.
 * @throws FauveError from its methods, as {@link JobHost} says
 */
export function createNodeHost(options: NodeHostOptions = {}): NodeHost {
  checkRequest(options, 'createNodeHost', {
    engine: optional(anObject),
    fileOf: optional(aFunction),
    loadShippedNetwork: optional(aFunction),
    onNotice: optional(aFunction),
  });
  const { engine = {}, fileOf, loadShippedNetwork = loadShippedStyleNetwork, onNotice } = options;
  let runtime: Promise<Runtime> | undefined;
  let network: { readonly key: string; readonly checked: CheckedStyleNetwork } | undefined;
  let opened: Opened | undefined;

  const bytesOf = async (file: FileReference, what: string): Promise<FileBytes> => {
    if ('path' in file) return { path: file.path, bytes: await readFileChecked(file.path, what) };
    if ('bytes' in file) return { path: file.name, bytes: file.bytes };
    const bytes = await fileOf?.(file.sha256);
    if (bytes) return { path: file.name, bytes };
    throw missingFile(what, file.name);
  };
  const decoded = async ({ path, bytes }: FileBytes, what: string): Promise<ReadPicture> => {
    const { image, notices } = await decodeImage(bytes, { what, fileName: path });
    return { path, sha256: await sha256Hex(bytes), image, notices };
  };
  const checkedNetwork = async (
    reference: StyleNetworkReference,
    range: PixelRange | undefined,
  ): Promise<CheckedStyleNetwork> => {
    const key = JSON.stringify([await identityOf(reference), range]);
    // Many photos are restyled with the same network: it is read and looked at once.
    if (network?.key !== key) network = { key, checked: checkStyleNetwork(await networkFile(reference), range) };
    return network.checked;
  };
  const networkFile = async (reference: StyleNetworkReference): Promise<StyleNetworkFile> => {
    if ('shipped' in reference) return loadShippedNetwork(reference.shipped);
    if ('path' in reference) return loadStyleNetwork(reference.path);
    const { path, bytes } = await bytesOf(reference, 'The network');
    return { fileName: path, bytes };
  };
  const host: NodeHost = {
    version,
    freeMemory,
    runtime() {
      runtime ??= forgetting(startEngine(engine), () => {
        runtime = undefined;
      });
      return runtime;
    },
    picture: async (file, what) => decoded(await bytesOf(file, what), what),
    async style(input): Promise<ReadPicture | ReadStyle> {
      if ('shipped' in input) {
        const { style, sha256 } = await loadStyle(input.shipped);
        return { path: input.shipped, sha256, style, shipped: true };
      }
      const named = 'path' in input ? input.path : input.name;
      const what = extname(named).toLowerCase() === '.style' ? 'Style file' : 'Style image';
      const { path, bytes } = await bytesOf(input, what);
      if (what !== 'Style file' && !looksLikeStyle(bytes)) return decoded({ path, bytes }, what);
      return { path, sha256: await sha256Hex(bytes), style: decodeStyle(bytes, path) };
    },
    requireShippedStyle: async (name) => requireShippedStyle(name),
    lossNetwork: (name) => loadNetworkWeights(name),
    styleNetwork: checkedNetwork,
    async openStyleNetwork(reference, { range, precision }) {
      const checked = await checkedNetwork(reference, range);
      if (opened?.checked === checked && opened.precision === precision) return opened.network;
      await host.release();
      const opening = { checked, precision, network: open(checked, { range, precision }) };
      opened = opening;
      // What failed is tried again.
      opening.network.catch(() => {
        if (opened === opening) opened = undefined;
      });
      return opening.network;
    },
    async release() {
      const before = opened;
      opened = undefined;
      // One that could not be opened, or whose engine is gone, holds nothing.
      await before?.network.then((each) => each.network.close()).catch(() => undefined);
    },
    pictures: (folder, without) => pictureFolder(folder, [...(without ?? [])], onNotice),
    async close() {
      const started = runtime;
      runtime = undefined;
      opened = undefined;
      await started?.then((each) => each.close()).catch(() => undefined);
    },
    [Symbol.asyncDispose]: () => host.close(),
  };

  async function open(checked: CheckedStyleNetwork, how: NetworkSettings): Promise<OpenedStyleNetwork> {
    const { fileName, bytes, shipped } = checked;
    const file = { path: fileName, sha256: await sha256Hex(bytes), shipped };
    const runtime = await host.runtime();
    const memoryLimit = freeMemory();
    return { network: await openStyleNetwork(runtime, checked, how), memoryLimit, file };
  }
  return host;
}

/**
 * A style as a person names it: an existing file, or else the name of a style that comes with Fauve. What has a folder or an extension
 * was meant as a file.
 */
export function styleReferenceOf(text: string): StyleReference {
  aText(text, 'The name');
  return isName(text) ? { shipped: text } : { path: text };
}

/** A trained style network as a person names it, in the same way. */
export function styleNetworkReferenceOf(text: string): StyleNetworkReference {
  aText(text, 'The name');
  return isName(text) ? { shipped: text } : { path: text };
}

const isName = (text: string) => extname(text) === '' && !/[\\/]/.test(text) && !existsSync(text);

/** What tells two style networks apart: of a file also when it was written. */
async function identityOf(reference: StyleNetworkReference): Promise<unknown> {
  if ('path' in reference) {
    const found = await stat(reference.path).catch(() => undefined);
    return [reference.path, found?.mtimeMs, found?.size];
  }
  if ('bytes' in reference) return [reference.name, await sha256Hex(reference.bytes)];
  return reference;
}

/** A promise that is kept only if it is fulfilled: what failed is tried again next time. */
function forgetting<T>(promise: Promise<T>, forget: () => void): Promise<T> {
  promise.catch(forget);
  return promise;
}

function missingFile(what: string, name: string): FauveError {
  return new FauveError('input', `${what} ${name} is not here under its checksum. Send it again.`);
}
