import { aFunction, anAddress, aSignal, aText, checkRequest, optional } from '../../checks/checks.js';
import { shortName } from '../../checks/received.js';
import { FauveError } from '../../errors.js';
import { decodeDistilled } from '../../networks/distilled.js';
import {
  type ManifestSection,
  manifestSection,
  networkEntry,
  type ShippedNetwork,
  type ShippedStyleNetwork,
  styleNetworkEntry,
} from '../../networks/manifest.js';
import type { NetworkWeights } from '../../networks/network.js';
import type { StyleNetworkFile } from '../../style-network/check.js';
import { parseStyleIndex, type ShippedStyle } from '../../styles/shipped.js';
import { decodeStyle, type Style } from '../../styles/style-file.js';
import { downloadChecked, downloadJson, type LoadOptions } from './download.js';

/** Where the files that come with Fauve are served, and how their download is followed. */
export interface ModelOptions extends LoadOptions {
  /** The folder `models/` of the package, absolute or relative to the worker's script. */
  readonly base: string | URL;
}

/** A style and the file that it was read from. */
export interface StyleFile {
  readonly path: string;
  readonly sha256: string;
  readonly style: Style;
}

/** The loss networks that are served. @throws FauveError `system` when the manifest cannot be loaded, `aborted` */
export async function listNetworks(options: ModelOptions): Promise<readonly ShippedNetwork[]> {
  return listSection(options, 'networks', networkEntry);
}

/** The trained style networks that are served. @throws FauveError as {@link listNetworks} */
export async function shippedStyleNetworks(options: ModelOptions): Promise<readonly ShippedStyleNetwork[]> {
  return listSection(options, 'transformers', styleNetworkEntry);
}

/** The styles that are served, by artist and year; `path` and `swatch` are URLs. @throws FauveError as {@link listNetworks} */
export async function listStyles(options: ModelOptions): Promise<readonly ShippedStyle[]> {
  const url = fileUrl(options, 'styles/index.json');
  return parseStyleIndex(
    await downloadJson(url, 'The list of styles', options),
    (file) => new URL(file, url).href,
    url.href,
  );
}

/**
 * Loads a loss network: `distilled`, `distilled-small`.
 * @throws FauveError `usage` for an unknown name, `system` when it cannot be loaded or is not the file that was shipped, `aborted`
 */
export async function loadNetworkWeights(name: string, options: ModelOptions): Promise<NetworkWeights> {
  aText(name, 'The name of a network');
  const entry = find(await listNetworks(options), name, 'loss network');
  const url = fileUrl(options, entry.file);
  return decodeDistilled(await downloadChecked(url, `The network ${name}`, entry, options), entry.sha256, entry.file);
}

/**
 * Loads a trained style network, for `openStyleNetwork`: `fast`.
 * @throws FauveError as {@link loadNetworkWeights}
 */
export async function loadStyleNetwork(name: string, options: ModelOptions): Promise<StyleNetworkFile> {
  aText(name, 'The name of a trained network');
  const entry = find(await shippedStyleNetworks(options), name, 'trained network');
  const bytes = await downloadChecked(fileUrl(options, entry.file), `The network ${name}`, entry, options);
  return { fileName: name, bytes, shipped: true };
}

/** Loads a style by its name: `starry-night`. @throws FauveError as {@link loadNetworkWeights} */
export async function loadStyle(name: string, options: ModelOptions): Promise<StyleFile> {
  aText(name, 'The name of a style');
  const entry = find(await listStyles(options), name, 'style');
  const bytes = await downloadChecked(new URL(entry.path), `The style ${name}`, entry, options);
  return { path: entry.path, sha256: entry.sha256, style: decodeStyle(bytes, `The style ${name}`) };
}

async function listSection<T>(
  options: ModelOptions,
  section: ManifestSection,
  entryOf: (name: string, entry: unknown) => T | undefined,
): Promise<T[]> {
  const url = fileUrl(options, 'manifest.json');
  const entries = manifestSection(await downloadJson(url, 'The list of networks', options), section) ?? {};
  return Object.entries(entries).map(([name, entry]) => {
    const complete = entryOf(name, entry);
    if (complete !== undefined) return complete;
    throw new FauveError(
      'installation',
      `The networks of this page are not complete: ${url.href} does not describe ${name}. Reload the page without the cache.`,
    );
  });
}

function find<T extends { readonly name: string }>(entries: readonly T[], name: string, what: string): T {
  const found = entries.find((entry) => entry.name === name);
  if (found) return found;
  const names = entries.map((entry) => entry.name).join(', ');
  throw new FauveError(
    'request',
    `There is no ${what} '${shortName(name)}' here. Use one of ${names || 'none: the list is empty'}.`,
  );
}

function fileUrl(options: ModelOptions, file: string): URL {
  const fields = { base: anAddress, signal: optional(aSignal), onProgress: optional(aFunction) };
  checkRequest(options, 'The options of loading', fields);
  const { base } = options;
  return new URL(file, new URL(String(base).replace(/\/?$/, '/'), location.href));
}
