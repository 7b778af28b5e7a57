import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FauveError, messageOf } from '../errors.js';
import { decodeDistilled } from '../networks/distilled.js';
import type { NetworkWeights } from '../networks/network.js';
import { shippedNetworkNames } from '../networks/registry.js';
import { errorCode, fileError, readFileChecked, writeFileAtomically } from './files.js';

/** A loss network that comes with Fauve, as `models/manifest.json` has it. */
export interface ShippedNetwork {
  readonly name: string;
  /** In the folder of the manifest. */
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 (hex) of the file. */
  readonly sha256: string;
  /** The network whose features it reproduces. */
  readonly teacher: string;
  readonly licence: string;
  /** Whose work it builds on, in words. */
  readonly attribution: string;
  /** How it was made: the command. */
  readonly made: string;
}

/** `models/` of this installation: beside `dist/` in a clone, and in the package that npm installs. */
export const modelsFolder = fileURLToPath(new URL('../../../models', import.meta.url));

const attribution =
  'Made by Fauve from the weights of VGG-19 by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, University of Oxford), ' +
  'CC BY 4.0: a smaller network that was trained to reproduce its features.';

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
  const network = (await readNetworks(path))[name];
  if (!isEntry(network)) throw incomplete(`${path} does not describe ${name}`);
  return { ...network, name };
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
  const bytes = await readFileChecked(path, 'The network').catch((error: unknown) => {
    throw incomplete(messageOf(error), error);
  });
  const received = verify ? sha256(bytes) : shipped.sha256;
  if (received !== shipped.sha256) {
    throw incomplete(`${path} is not the file that was shipped: SHA-256 ${received}, expected ${shipped.sha256}`);
  }
  const weights = await decodeDistilled(bytes, shipped.sha256, path);
  if (weights.name !== name) throw incomplete(`${path} holds the network '${weights.name}', expected ${name}`);
  return weights;
}

/**
 * Describes the networks of a folder in its `manifest.json`, from the files `NAME.safetensors`; what else the manifest holds stays.
 * @throws FauveError `input` for a file that is no distilled network
 */
export async function writeShippedManifest(folder: string): Promise<void> {
  const path = join(folder, 'manifest.json');
  const networks: Record<string, Omit<ShippedNetwork, 'name'>> = {};
  for (const name of shippedNetworkNames) {
    const file = `${name}.safetensors`;
    const bytes = await readFileChecked(join(folder, file), 'The network');
    const { origin, sha256 } = await decodeDistilled(bytes, undefined, file);
    const { teacher, made } = origin;
    networks[name] = { file, bytes: bytes.byteLength, sha256, teacher, licence: 'CC BY 4.0', attribution, made };
  }
  const before = await readJson(path).catch(() => ({}));
  const text = `${JSON.stringify({ ...before, networks }, null, 2)}\n`;
  await writeFileAtomically(path, new TextEncoder().encode(text));
}

async function readNetworks(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { networks } = await readJson(path);
  if (typeof networks !== 'object' || networks === null) throw incomplete(`${path} lists no networks`);
  return networks as Readonly<Record<string, unknown>>;
}

async function readJson(path: string): Promise<{ readonly networks?: unknown }> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) ?? {};
  } catch (error) {
    if (errorCode(error) === undefined) throw incomplete(`${path} is not JSON`, error);
    throw incomplete(fileError(error, 'read', path).message, error);
  }
}

function isEntry(value: unknown): value is ShippedNetwork {
  const { file, bytes, sha256, ...texts } = (value ?? {}) as Partial<Record<keyof ShippedNetwork, unknown>>;
  return (
    typeof file === 'string' &&
    /^[\w.-]+$/.test(file) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [texts.teacher, texts.licence, texts.attribution, texts.made].every((text) => typeof text === 'string')
  );
}

function incomplete(why: string, cause?: unknown): FauveError {
  // What to do about it is the same for all of these.
  const sentence = why.replace(/\.( (Check|Get|Install) .*)?$/, '');
  return new FauveError(
    'system',
    `The networks that come with Fauve are not complete: ${sentence}. Install Fauve again, or use --network vgg19.`,
    { cause },
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
