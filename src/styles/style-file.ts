import { z } from 'zod';
import { aText, bytesOf, isBytes, isRecord, listOf, objectWith, refuse } from '../checks/checks.js';
import { received } from '../checks/received.js';
import { FauveError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { WeightTensor } from '../formats/tensor.js';

/** What a style is, in words. */
export interface StyleAbout {
  /** `great-wave`: lower case, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  /** Empty when it is not known. */
  readonly artist: string;
  readonly year: number | null;
  /** Where the picture is from that it was captured from; may be empty. */
  readonly source: string;
  /** Colours as `#rrggbb` (sRGB), from the largest share of the picture to the smallest. */
  readonly palette: readonly string[];
}

/** The style of one layer at one size. All numbers are those of the file, so that they are written as they were read. */
export interface LayerStyle {
  /** Whole numbers −127 … 127, [k,r+1]: each column of the factor T in steps of its own; the last column is the root of what T·Tᵀ lacks on the diagonal. */
  readonly factor: WeightTensor;
  /** The step of each column, [r+1]. */
  readonly steps: WeightTensor;
  /** Mean of each of C channels, then the standard deviation of each, [2,C]. */
  readonly statistics: WeightTensor;
}

/** What a picture is at one size. */
export interface SizeStyle {
  /** The longer side of the picture in pixels. */
  readonly size: number;
  /** `relu1_1`, … */
  readonly layers: Readonly<Record<string, LayerStyle>>;
}

/** What a loss network saw of a picture. */
export interface NetworkStyle {
  readonly network: string;
  /** SHA-256 (hex) of the network: with other weights the numbers mean something else. */
  readonly sha256: string;
  /** From the smallest to the largest; the same layers in each. */
  readonly sizes: readonly SizeStyle[];
}

/** A style without its picture: what `fauve capture` keeps of a painting. */
export interface Style extends StyleAbout {
  readonly networks: readonly NetworkStyle[];
}

/** A style, or what `loadStyle` and `readStyle` give: a style and its file. */
export type StyleInput = Style | { readonly style: Style };

const aNetworkStyle = objectWith(
  { network: aText, sha256: aText, sizes: listOf(isA, 'sizes') },
  'a network and its sizes',
);

function isA(value: unknown, name: string): void {
  if (!isRecord(value) || !isRecord(value.layers)) refuse(name, 'an object with size, layers', value);
}

/** Makes sure that a value is a {@link StyleInput}. @throws FauveError `usage`, with how to get one */
export function checkStyle(value: unknown, name: string): void {
  const style = isRecord(value) && 'style' in value ? value.style : value;
  if (!isRecord(style) || !('networks' in style)) refuse(name, 'a captured style (a Style)', style, remedyFor(style));
  aText(style.name, `${name}.name`);
  listOf(aNetworkStyle, 'networks')(style.networks, `${name}.networks`);
}

function remedyFor(value: unknown): string {
  if (isBytes(value)) return 'Decode them: decodeStyle(bytes).';
  if (isRecord(value) && 'data' in value) return 'A painting is given as { image }.';
  return 'Load one: await loadStyle(name).';
}

/** The style itself. */
export const styleOf = (given: StyleInput): Style => ('style' in given ? given.style : given);

const FORMAT = 'fauve-style-1';

/** Far above any style: 64 KB a network. */
const MOST_BYTES = 16 * 2 ** 20;
const MOST_CHANNELS = 4096;
const MOST_SIDE = 16384;

const line = (most: number) =>
  z
    .string()
    .max(most)
    // It is printed, so that a hostile file must not bring control characters.
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);

/** What may be said of a style. */
const aboutSchema = z.strictObject({
  name: z
    .string()
    .max(60)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  title: line(200).min(1),
  artist: line(200),
  year: z.number().int().min(-40_000).max(3000).nullable(),
  source: line(1000),
  palette: z
    .array(z.string().regex(/^#[0-9a-f]{6}$/))
    .min(1)
    .max(16),
});

const networksSchema = z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/), z.string().regex(/^[0-9a-f]{64}$/));

const PARTS = ['factor', 'steps', 'statistics'] as const;

/**
 * A style as a file: safetensors with the words as JSON in the metadata. `NETWORK/SIZE/LAYER/factor` are 8-bit whole numbers, the
 * other tensors 16-bit floats. The same style gives the same bytes.
 * @throws FauveError `usage` for words that the file cannot hold, `input` for numbers that 16 bits cannot
 */
export function encodeStyle(style: Style): Uint8Array<ArrayBuffer> {
  checkStyle(style, 'encodeStyle');
  const { networks, ...about } = style;
  const { name, title, artist, year, source, palette } = checkAbout(about);
  const tensors = new Map<string, WeightTensor>();
  for (const { network, sizes } of networks) {
    for (const { size, layers } of sizes) {
      for (const [layer, style] of Object.entries(layers)) {
        for (const part of PARTS) tensors.set(`${network}/${size}/${layer}/${part}`, style[part]);
      }
    }
  }
  for (const [key, { data }] of tensors) {
    const bad = data.find((value) => !(Math.abs(value) < 65_520));
    if (bad !== undefined) {
      throw new FauveError('input', `${key} holds ${bad}, a style file has numbers up to 65504. Use another network.`);
    }
  }
  const metadata = {
    format: FORMAT,
    about: JSON.stringify({ name, title, artist, year, source, palette }),
    networks: JSON.stringify(Object.fromEntries(networks.map(({ network, sha256 }) => [network, sha256]))),
  };
  return writeSafetensors(tensors, metadata, (key) => (key.endsWith('/factor') ? 'I8' : 'F16'));
}

/** @throws FauveError `usage` that names what is wrong with the words about a style */
export function checkAbout(about: StyleAbout): StyleAbout {
  const parsed = aboutSchema.safeParse(about);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = String(issue!.path[0] ?? '');
  const value = (about as unknown as Record<string, unknown>)[key];
  throw new FauveError(
    'request',
    `The ${key || 'words'} of a style: expected ${expectation(key)}; received ${received(value)}.`,
  );
}

function expectation(key: string): string {
  switch (key) {
    case 'name':
      return 'a name as great-wave: lower case, digits and hyphens, at most 60';
    case 'year':
      return 'a whole number up to 3000';
    case 'palette':
      return '1 to 16 colours as #1f3a5c';
    default:
      return 'one line of text, at most 200 characters (1000 for the source)';
  }
}

/** Whether bytes look like a style file, or at least like no picture: safetensors begin with a length and JSON. */
export function looksLikeStyle(file: Uint8Array | ArrayBuffer): boolean {
  const bytes = bytesOf(file, 'looksLikeStyle, bytes');
  return bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

/**
 * Reads a style file. Everything in it is checked: the words, names and shapes, and that all numbers are what they can be.
 * @throws FauveError `input` for a damaged file, or one that holds something else
 */
export function decodeStyle(file: Uint8Array | ArrayBuffer, fileName = 'The style file'): Style {
  const bytes = bytesOf(file, fileName);
  const remedy = 'Get the file again, or capture the painting again.';
  const fail = (what: string): never => {
    throw new FauveError('input', `${fileName} is no style file: ${what}. ${remedy}`);
  };
  if (bytes.byteLength > MOST_BYTES) fail(`it has ${bytes.byteLength} bytes, a style at most ${MOST_BYTES}`);
  if (!looksLikeStyle(bytes)) fail('it does not begin as one');
  const { tensors, metadata } = readSafetensors(bytes, fileName, { integers: true, remedy });
  const { format } = metadata;
  if (format !== FORMAT) fail(`its format is ${JSON.stringify(format?.slice(0, 40))}, expected ${FORMAT}`);
  const about = parsed(metadata.about, aboutSchema) ?? fail('what it says about itself is damaged');
  const hashes = parsed(metadata.networks, networksSchema) ?? fail('its list of networks is damaged');

  const networks = Object.entries(hashes).map(([network, sha256]): NetworkStyle => {
    const found = new Map<number, Record<string, LayerStyle>>();
    for (const key of tensors.keys()) {
      const [, owner, size, layer] = /^([a-z0-9-]+)\/([1-9]\d{0,4})\/(relu\d_\d)\/factor$/.exec(key) ?? [];
      if (owner !== network || !size || !layer) continue;
      const layers = found.get(Number(size)) ?? {};
      layers[layer] = takeLayer(tensors, key.slice(0, -'factor'.length), fail);
      found.set(Number(size), layers);
    }
    const sizes = [...found].map(([size, layers]) => ({ size, layers })).sort((a, b) => a.size - b.size);
    if (sizes.length === 0) fail(`it holds nothing for ${network}`);
    if (sizes.at(-1)!.size > MOST_SIDE) fail(`a size of ${sizes.at(-1)!.size} pixels is too large`);
    for (const { size, layers } of sizes) {
      if (shapesOf(layers) !== shapesOf(sizes[0]!.layers)) fail(`${network} has other layers at ${size} pixels`);
    }
    return { network, sha256, sizes };
  });
  if (networks.length === 0) fail('it holds no network');
  const [stranger] = tensors.keys();
  if (stranger !== undefined) fail(`${JSON.stringify(stranger.slice(0, 60))} belongs to no layer`);
  return { ...about, networks };
}

/** Takes the tensors of a layer out of the map, checked. */
function takeLayer(tensors: Map<string, WeightTensor>, prefix: string, fail: (what: string) => never): LayerStyle {
  const take = (part: (typeof PARTS)[number], rank: number): WeightTensor => {
    const key = prefix + part;
    const tensor = tensors.get(key) ?? fail(`it has no ${key}`);
    tensors.delete(key);
    if (tensor.shape.length !== rank || tensor.shape.some((n) => n < 1 || n > MOST_CHANNELS)) {
      fail(`${key} is [${tensor.shape}], expected ${rank} sizes of 1 to ${MOST_CHANNELS}`);
    }
    const bad = tensor.data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) fail(`${key} holds ${bad}, a style is made of finite numbers`);
    return tensor;
  };
  const layer = { factor: take('factor', 2), steps: take('steps', 1), statistics: take('statistics', 2) };
  const { factor, steps, statistics } = layer;
  const [k, columns] = factor.shape as [number, number];
  const [rows, channels] = statistics.shape as [number, number];
  if (columns > k + 1) fail(`${prefix}factor has ${columns} columns for ${k} channels`);
  if (factor.data.some((value) => !Number.isInteger(value))) fail(`${prefix}factor holds fractions`);
  if (steps.shape[0] !== columns) fail(`${prefix}steps are ${steps.shape[0]}, expected ${columns}`);
  if (steps.data.some((value) => value < 0)) fail(`${prefix}steps are negative`);
  if (rows !== 2) fail(`${prefix}statistics is [${statistics.shape}], expected [2,${channels}]`);
  if (statistics.data.subarray(channels).some((value) => value < 0))
    fail(`${prefix}statistics has a negative deviation`);
  return layer;
}

function shapesOf(layers: Readonly<Record<string, LayerStyle>>): string {
  const shapes = Object.entries(layers).map(
    ([name, { factor, statistics }]) => `${name} ${factor.shape[0]} ${statistics.shape[1]}`,
  );
  return shapes.sort().join();
}

function parsed<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}
