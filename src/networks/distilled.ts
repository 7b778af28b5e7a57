import { deflateSync, inflateSync } from 'fflate';
import { aMap, aText, bytesOf, checkRequest } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import {
  type ChannelOf,
  channelOfKernel,
  channelScales,
  fromWholeNumbers,
  inWholeNumbers,
  kernelScales,
  MOST_LEVELS,
} from '../formats/rounding.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { sha256Hex } from '../formats/sha256.js';
import type { WeightTensor } from '../formats/tensor.js';
import type { NetworkWeights } from './network.js';
import { caffePreprocessing } from './registry.js';

const FORMAT = 'fauve-distilled-3';
/** Its kernels are not packed. */
const EARLIER_FORMAT = 'fauve-distilled-2';

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
 * The file of a distilled network: safetensors in the order of the network. Kernels and heads are whole numbers with a scale for each
 * output channel, packed by DEFLATE (RFC 1951), which spends on each number what it says: with 24 levels about four bits. The rest is
 * 16-bit floats. It takes what its teacher takes: RGB in 0..255 minus the mean of ImageNet.
 * @param levels the largest whole number of a kernel, 1..127; kernels that lie on such a grid already stay as they are
 */
export function encodeDistilled(
  tensors: ReadonlyMap<string, WeightTensor>,
  origin: DistilledOrigin,
  levels = MOST_LEVELS,
): Uint8Array<ArrayBuffer> {
  aMap(tensors, 'encodeDistilled, tensors');
  checkRequest(origin, 'encodeDistilled, origin', { name: aText, teacher: aText, teacherSha256: aText, made: aText });
  const { name, teacher, teacherSha256, made } = origin;
  const stored = new Map(
    [...tensors].flatMap(([key, tensor]) => {
      if (isKernel(key)) return packed(key, tensor, kernelScales(tensor, levels), channelOfKernel(tensor.shape));
      if (isHead(key)) return packed(key, tensor, headScales(tensor), channelOfHead(tensor.shape));
      return [[key, tensor] as const];
    }),
  );
  return writeSafetensors(stored, { format: FORMAT, name, teacher, teacherSha256, made }, (key) =>
    isKernel(key) || isHead(key) ? 'I8' : 'F16',
  );
}

const isKernel = (key: string) => key.endsWith('.weight');
const isHead = (key: string) => key.endsWith('.head');
const scaleOf = (key: string) => key.replace(/\.(weight|head)$/, '.scale');

/** What a 1 is worth in each of the teacher's channels of a head [k,C]. */
const headScales = ({ shape, data }: WeightTensor) => channelScales(shape[1]!, data, channelOfHead(shape));

const channelOfHead =
  ([, channels = 1]: readonly number[]): ChannelOf =>
  (i) =>
    i % channels;

/** Whole numbers as bytes, packed, and what one of them is worth. */
function packed(
  key: string,
  { data }: WeightTensor,
  scale: Float32Array,
  channelOf: ChannelOf,
): [string, WeightTensor][] {
  const numbers = inWholeNumbers(data, scale, channelOf);
  const bytes = deflateSync(new Uint8Array(numbers.buffer), { level: 9 });
  return [
    [
      key,
      { shape: [bytes.length], data: Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)) },
    ],
    [scaleOf(key), { shape: [scale.length], data: scale }],
  ];
}

/** The whole numbers of a tensor of this size, or what is wrong with them. */
function unpacked({ data }: WeightTensor, size: number): Float32Array | string {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(new Uint8Array(Int8Array.from(data).buffer), { out: new Uint8Array(size) });
  } catch (error) {
    return `cannot be unpacked (${(error as Error).message})`;
  }
  if (bytes.length !== size) return `holds ${bytes.length} numbers, expected ${size}`;
  return Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, size));
}

/**
 * Reads a distilled network. Its architecture is what the shapes in the file say: convolutions `conv1_1.weight` [O,I,3,3] with
 * `.scale` [O] and `.bias` [O], each fed by the one before, and heads `relu1_1.head` [O,C] with `.scale` [C]. A separable convolution
 * has `.vertical.weight` [R,I,3,1] with `.vertical.scale` [R] besides, and its `.weight` is [O,R,1,3]. In files of the earlier
 * format kernels are not packed and heads are floats without a scale.
 * @param sha256 SHA-256 (hex) of the bytes when it is known; otherwise it is computed
 * @throws FauveError `input` for a damaged file, or one that holds something else
 */
export async function decodeDistilled(
  file: Uint8Array | ArrayBuffer,
  sha256?: string,
  fileName = 'The network',
): Promise<NetworkWeights & { readonly origin: DistilledOrigin }> {
  const bytes = bytesOf(file, fileName);
  const { tensors, metadata } = readSafetensors(bytes, fileName, { integers: true });
  const fail = (what: string): never => {
    throw new FauveError(
      'input',
      `${fileName} is no distilled network: ${what}. Install Fauve again, or make it again.`,
    );
  };
  const { format, name = '', teacher = '', teacherSha256 = '', made = '' } = metadata;
  if (format !== FORMAT && format !== EARLIER_FORMAT)
    fail(`its format is ${JSON.stringify(format?.slice(0, 40))}, expected ${FORMAT}`);
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
  // Whole numbers times their scales; of the files that are not packed the numbers as they are.
  const takeScaled = (key: string, shape: readonly number[], channelOf: ChannelOf, channels: number): WeightTensor => {
    const scale = take(scaleOf(key), [channels]).data;
    const size = shape.reduce((product, n) => product * n, 1);
    const stored = tensors.get(key)?.shape.length === 1 ? unpacked(tensors.get(key)!, size) : take(key, shape).data;
    const numbers = typeof stored === 'string' ? fail(`${key} ${stored}`) : stored;
    return { shape, data: fromWholeNumbers(numbers, scale, channelOf) };
  };
  let channels = 3;
  for (const layer of layers) {
    const bias = take(`${layer}.bias`, [undefined]);
    let kernel = [bias.shape[0]!, channels, 3, 3];
    const vertical = `${layer}.vertical.weight`;
    if (tensors.has(vertical)) {
      const [rank = 0] = take(scaleOf(vertical), [undefined]).shape;
      const filters = [rank, channels, 3, 1];
      ordered.set(vertical, takeScaled(vertical, filters, channelOfKernel(filters), rank));
      kernel = [bias.shape[0]!, rank, 1, 3];
    }
    ordered.set(`${layer}.weight`, takeScaled(`${layer}.weight`, kernel, channelOfKernel(kernel), bias.shape[0]!));
    ordered.set(`${layer}.bias`, bias);
    channels = bias.shape[0]!;
    const head = `${layer.replace('conv', 'relu')}.head`;
    if (!tensors.has(head)) continue;
    if (tensors.get(head)!.shape.length !== 1) {
      ordered.set(head, take(head, [channels, undefined]));
      continue;
    }
    const [wide = 0] = take(scaleOf(head), [undefined]).shape;
    ordered.set(head, takeScaled(head, [channels, wide], channelOfHead([channels, wide]), wide));
  }
  const stranger = [...tensors.keys()].find(
    (key) => !ordered.has(key.replace('.scale', '.weight')) && !ordered.has(key.replace('.scale', '.head')),
  );
  if (stranger !== undefined) fail(`${JSON.stringify(stranger.slice(0, 40))} belongs to no layer`);
  return {
    name,
    tensors: ordered,
    preprocessing: caffePreprocessing,
    sha256: sha256 ?? (await sha256Hex(bytes)),
    origin: { name, teacher, teacherSha256, made },
  };
}
