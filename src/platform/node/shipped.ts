import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { aText } from '../../checks/checks.js';
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
import { shippedNetworkNames } from '../../networks/registry.js';
import type { StyleNetworkFile } from '../../style-network/check.js';
import { errorCode, fileError, readFileChecked, writeFileAtomically } from './files.js';
import { inPackage } from './package.js';

/** `models/` of this installation: beside `dist/` in a clone, and in the package that npm installs. */
export const modelsFolder = inPackage('models');

const attribution =
  'Made by Fauve from the weights of VGG-19 by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, University of Oxford), ' +
  'CC BY 4.0: a smaller network that was trained to reproduce its features.';

const trainedAttribution =
  'Trained by Fauve with the features of VGG-19 by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, University of Oxford), ' +
  'CC BY 4.0, or of a loss network that reproduces them.';

/** Whether a network comes with Fauve, and so is neither pulled nor imported. */
export function isShipped(name: string): boolean {
  return shippedNetworkNames.includes(name);
}

/**
 * What the manifest says of a network; the network itself is not read.
 * @throws FauveError `system` when the installation is not complete
 */
export async function shippedNetwork(name: string, folder = modelsFolder): Promise<ShippedNetwork> {
  const path = join(folder, 'manifest.json');
  const network = networkEntry(name, (await readSection(path, 'networks'))[name]);
  if (!network) throw incomplete(`${path} does not describe ${name}`);
  return network;
}

/**
 * What the manifest says of the trained networks, by name; they themselves are not read.
 * @throws FauveError `system` when the installation is not complete
 */
export async function shippedStyleNetworks(folder = modelsFolder): Promise<ShippedStyleNetwork[]> {
  aText(folder, 'shippedStyleNetworks, folder');
  const path = join(folder, 'manifest.json');
  return Object.entries(await readSection(path, 'transformers')).map(([name, entry]) => {
    const network = styleNetworkEntry(name, entry);
    if (!network) throw incomplete(`${path} does not describe ${name}`);
    return network;
  });
}

/**
 * Reads a trained network that comes with Fauve, and checks it.
 * @throws FauveError `usage` for an unknown name; `system` when the installation is not complete, or its file is not the one that was
 *   shipped
 */
export async function loadShippedStyleNetwork(name: string, folder = modelsFolder): Promise<StyleNetworkFile> {
  const all = await shippedStyleNetworks(folder);
  const shipped = all.find((network) => network.name === name);
  if (!shipped) {
    const names = all.map((network) => network.name).join(', ');
    throw new FauveError(
      { kind: 'unknown-name', what: 'style network', name, known: all.map((each) => each.name) },
      `There is no trained network '${shortName(name)}'. Name a file, or one that comes with Fauve: ${names}.`,
    );
  }
  return { fileName: name, bytes: await readShipped(shipped, folder, true, reinstall), shipped: true };
}

/**
 * Reads a network that comes with Fauve, and checks it.
 * @param options.verify whether the SHA-256 of the file is compared with the manifest's; true by default
 * @throws FauveError `system` when the installation is not complete, or its file is not the one that was shipped
 */
export async function loadShipped(
  name: string,
  { folder = modelsFolder, verify = true }: { readonly folder?: string | undefined; readonly verify?: boolean } = {},
): Promise<NetworkWeights> {
  const shipped = await shippedNetwork(name, folder);
  const path = join(folder, shipped.file);
  const bytes = await readShipped(shipped, folder, verify);
  const weights = await decodeDistilled(bytes, shipped.sha256, path);
  if (weights.name !== name) throw incomplete(`${path} holds the network '${weights.name}', expected ${name}`);
  return weights;
}

async function readShipped(
  { file, sha256: expected }: Pick<ShippedNetwork, 'file' | 'sha256'>,
  folder: string,
  verify = true,
  remedy = otherNetwork,
): Promise<Uint8Array> {
  const path = join(folder, file);
  const bytes = await readFileChecked(path, 'The network').catch((error: unknown) => {
    throw incomplete(`${file} cannot be read`, error, remedy);
  });
  const received = verify ? sha256(bytes) : expected;
  if (received !== expected) {
    throw incomplete(
      `${path} is not the file that was shipped: SHA-256 ${received}, expected ${expected}`,
      undefined,
      remedy,
    );
  }
  return bytes;
}

/**
 * Describes the networks of a folder in its `manifest.json`: the loss networks from the files `NAME.safetensors`, the trained ones from
 * all `*.onnx`. What else the manifest holds stays.
 * @param describe what a trained network says of itself; throws for another file
 * @throws FauveError `input` for a file that is no distilled network
 */
export async function writeShippedManifest(
  folder: string,
  describe: (bytes: Uint8Array, file: string) => Pick<ShippedStyleNetwork, 'styles' | 'licence' | 'made'>,
): Promise<void> {
  const path = join(folder, 'manifest.json');
  const networks: Record<string, Omit<ShippedNetwork, 'name'>> = {};
  for (const name of shippedNetworkNames) {
    const file = `${name}.safetensors`;
    const bytes = await readFileChecked(join(folder, file), 'The network');
    const { origin, sha256 } = await decodeDistilled(bytes, undefined, file);
    const { teacher, made } = origin;
    networks[name] = { file, bytes: bytes.byteLength, sha256, teacher, licence: 'CC BY 4.0', attribution, made };
  }
  const transformers: Record<string, Omit<ShippedStyleNetwork, 'name'>> = {};
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.onnx')).sort()) {
    const bytes = await readFileChecked(join(folder, file), 'The network');
    transformers[file.slice(0, -'.onnx'.length)] = {
      file,
      bytes: bytes.byteLength,
      sha256: sha256(bytes),
      attribution: trainedAttribution,
      ...describe(bytes, file),
    };
  }
  const before = await readJson(path).catch(() => ({}));
  const text = `${JSON.stringify({ ...before, networks, transformers }, null, 2)}\n`;
  await writeFileAtomically(path, new TextEncoder().encode(text));
}

async function readSection(path: string, section: ManifestSection): Promise<Readonly<Record<string, unknown>>> {
  const entries = manifestSection(await readJson(path), section);
  if (!entries) throw incomplete(`${path} lists no ${section}`);
  return entries;
}

async function readJson(path: string): Promise<object> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) ?? {};
  } catch (error) {
    if (errorCode(error) === undefined) throw incomplete(`${path} is not JSON`, error);
    throw incomplete(`${basename(path)} cannot be read`, fileError(error, 'read', path));
  }
}

const reinstall = 'Install Fauve again.';
/** Of a loss network, which another can stand in for. */
const otherNetwork = 'Install Fauve again, or use the network vgg19.';

function incomplete(why: string, cause?: unknown, remedy = otherNetwork): FauveError {
  const message = `The networks that come with Fauve are not complete: ${why}. ${remedy}`;
  return new FauveError('installation', message, { cause });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
