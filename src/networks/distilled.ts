import { FauveError } from '../errors.js';
import { toHalfPrecision } from './floats.js';
import type { NetworkWeights, WeightTensor } from './network.js';
import { caffePreprocessing } from './registry.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import { sha256Hex } from './weights.js';

const FORMAT = 'fauve-distilled-2';

/** Layers that losses look at by default; a distilled network has a head for each. */
export const distilledTaps: readonly string[] = Object.freeze([
  'relu1_1',
  'relu2_1',
  'relu3_1',
  'relu4_1',
  'relu4_2',
  'relu5_1',
]);

/** What a distilled network was made from, in its file. */
export interface DistilledOrigin {
  readonly name: string;
  /** The network whose features it reproduces. */
  readonly teacher: string;
  readonly teacherSha256: string;
  /** How it was made, in words. */
  readonly made: string;
}

/**
 * The file of a distilled network: safetensors in the order of the network, kernels as 8-bit integers with a scale for each output
 * channel, the rest as 16-bit floats. It takes what its teacher takes: RGB in 0..255 minus the mean of ImageNet.
 */
export function encodeDistilled(
  tensors: ReadonlyMap<string, WeightTensor>,
  { name, teacher, teacherSha256, made }: DistilledOrigin,
): Uint8Array<ArrayBuffer> {
  const stored = new Map(
    [...tensors].flatMap(([key, tensor]) => (isKernel(key) ? quantised(key, tensor) : [[key, tensor]])),
  );
  return writeSafetensors(stored, { format: FORMAT, name, teacher, teacherSha256, made }, (key) =>
    isKernel(key) ? 'I8' : 'F16',
  );
}

const isKernel = (key: string) => key.endsWith('.weight');
const scaleOf = (key: string) => key.replace('.weight', '.scale');
const LARGEST = 127;

/** `conv1_1.weight` [O,I,3,3] as whole numbers from −127 to 127, and `conv1_1.scale` [O], what one of them is worth. */
function quantised(key: string, { shape, data }: WeightTensor): [string, WeightTensor][] {
  const [channels = 0] = shape;
  const size = data.length / channels;
  const largest = Float32Array.from({ length: channels }, (_, o) =>
    data.subarray(o * size, (o + 1) * size).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
  // Of the scale as 16 bits keep it; rounded up by their precision, so that no number exceeds 127.
  const scale = toHalfPrecision(largest.map((most) => Math.max((most / LARGEST) * (1 + 2 ** -10), 2 ** -24)));
  return [
    [key, { shape, data: data.map((value, i) => Math.round(value / scale[Math.floor(i / size)]!)) }],
    [scaleOf(key), { shape: [channels], data: scale }],
  ];
}

/**
 * Reads a distilled network. Its architecture is what the shapes in the file say: convolutions `conv1_1.weight` [O,I,3,3] with
 * `.scale` [O] and `.bias` [O], each fed by the one before, and heads `relu1_1.head` [O,C].
 * @param sha256 SHA-256 (hex) of the bytes when it is known; otherwise it is computed
 * @throws FauveError `input` for a damaged file, or one that holds something else
 */
export async function decodeDistilled(
  bytes: Uint8Array,
  sha256?: string,
  fileName = 'The network',
): Promise<NetworkWeights & { readonly origin: DistilledOrigin }> {
  const { tensors, metadata } = readSafetensors(bytes, fileName, { integers: true });
  const fail = (what: string): never => {
    throw new FauveError(
      'input',
      `${fileName} is no distilled network: ${what}. Install Fauve again, or make it with fauve distil.`,
    );
  };
  const { format, name = '', teacher = '', teacherSha256 = '', made = '' } = metadata;
  if (format !== FORMAT) fail(`its format is ${JSON.stringify(format?.slice(0, 40))}, expected ${FORMAT}`);
  const ordered = new Map<string, WeightTensor>();
  const take = (key: string, expected: readonly (number | undefined)[]): WeightTensor => {
    const tensor = tensors.get(key) ?? fail(`it has no ${key}`);
    const fits =
      tensor.shape.length === expected.length &&
      tensor.shape.every((n, i) => n > 0 && (expected[i] === undefined || n === expected[i]));
    if (!fits) fail(`${key} is [${tensor.shape}], expected [${expected.map((n) => n ?? 'any')}]`);
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) fail(`${key} holds ${tensor.data[bad]}, weights are finite`);
    return tensor;
  };
  const layers = [...tensors.keys()].flatMap((key) => /^(conv\d_\d)\.weight$/.exec(key)?.[1] ?? []).sort();
  if (layers.length === 0) fail('it has no convolution');
  const blocks = new Set(layers.map((layer) => Number(layer.charAt(4))));
  for (let block = 1; block <= Math.max(...blocks); block++) {
    if (!blocks.has(block)) fail(`block ${block} has no convolution`);
  }
  if (blocks.has(0)) fail('there is no block 0');
  let channels = 3;
  for (const layer of layers) {
    const { shape, data } = take(`${layer}.weight`, [undefined, channels, 3, 3]);
    channels = shape[0]!;
    const size = data.length / channels;
    const scale = take(`${layer}.scale`, [channels]).data;
    ordered.set(`${layer}.weight`, { shape, data: data.map((value, i) => value * scale[Math.floor(i / size)]!) });
    ordered.set(`${layer}.bias`, take(`${layer}.bias`, [channels]));
    const head = `${layer.replace('conv', 'relu')}.head`;
    if (tensors.has(head)) ordered.set(head, take(head, [channels, undefined]));
  }
  const stranger = [...tensors.keys()].find((key) => !ordered.has(key.replace('.scale', '.weight')));
  if (stranger !== undefined) fail(`${JSON.stringify(stranger.slice(0, 40))} belongs to no layer`);
  return {
    name,
    tensors: ordered,
    preprocessing: caffePreprocessing,
    sha256: sha256 ?? (await sha256Hex(bytes)),
    origin: { name, teacher, teacherSha256, made },
  };
}
