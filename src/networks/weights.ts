import { bytesOf, isRecord } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { sha256Hex } from '../formats/sha256.js';
import type { WeightTensor } from '../formats/tensor.js';
import { hdf5Signature, readKerasVgg } from './import/keras.js';
import { fromTorchvision, readTorchPth } from './import/torch.js';
import type { NetworkWeights, Preprocessing } from './network.js';
import {
  caffePreprocessing,
  convLayers,
  deepestLayer,
  type NetworkSpec,
  networkNames,
  networkSpec,
  torchvisionPreprocessing,
} from './registry.js';

/** Weights of a network in canonical form (names `conv1_1.weight` OIHW, `conv1_1.bias`; RGB input), checked and complete. */
export interface ImportedWeights {
  readonly name: string;
  /** In the order of the network. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly preprocessing: Preprocessing;
  /** What kind of file they come from, in words. The same file gives the same words, wherever it lies. */
  readonly source: string;
  /** The network is usable as deep as this convolution. */
  readonly deepestLayer: string;
}

const canonicalFormat = 'fauve-network';

/** Johnson's conversions of the Caffe weights carry torchvision's names but expect Caffe's input, in BGR. */
const caffeCheckpoints = /d01eb7cb|00b39a1b/;

/**
 * Reads weights of a loss network from a file of any known kind, told by its content: Keras `.h5`, PyTorch `.pth` of torchvision,
 * safetensors (canonical, torchvision's names, or canonical names without metadata: then Caffe's preprocessing is assumed).
 * @param network a name in the registry, or an architecture
 * @param fileName names the file in errors; it also tells Johnson's Caffe checkpoints (`vgg19-d01eb7cb.pth`) from torchvision's
 * @throws FauveError `input` for unknown, truncated or corrupted files, wrong shapes, missing layers, NaN and Infinity
 */
export function importWeights(
  file: Uint8Array | ArrayBuffer,
  network: string | NetworkSpec,
  fileName = 'The weight file',
): ImportedWeights {
  const bytes = bytesOf(file, fileName);
  const spec = isSpec(network) ? network : networkSpec(network);
  const read = readAny(bytes, spec, fileName);
  const tensors = validate(read.tensors, spec, fileName);
  for (const [name, { data }] of tensors) {
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new FauveError('input', `${fileName} has ${data[bad]} in ${name}; weights are finite. Get the file again.`);
    }
  }
  const { preprocessing, source } = read;
  return { name: spec.name, tensors, preprocessing, source, deepestLayer: deepestLayer(spec, tensors)! };
}

const isSpec = (network: string | NetworkSpec): network is NetworkSpec => isRecord(network) && 'blocks' in network;

/** The canonical safetensors file of the weights: the same weights give the same bytes. */
export function encodeWeights({ name, tensors, preprocessing, source }: ImportedWeights): Uint8Array {
  const { scale, mean, std } = preprocessing;
  const metadata = {
    format: canonicalFormat,
    name,
    scale: JSON.stringify(scale),
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    source,
  };
  return writeSafetensors(tensors, metadata);
}

/**
 * Reads a canonical file (see {@link encodeWeights}). A plain safetensors file with the canonical names serves as well: without our
 * metadata its weights are taken for Caffe's (RGB · 255 − mean), and the network, unless given, is told by the layers.
 * The tensors are views of `bytes`: do not change these afterwards. Values are not searched for NaN; {@link importWeights} does that.
 * @param sha256 SHA-256 (hex) of the bytes when it is known; otherwise it is computed
 * @throws FauveError `input` for a truncated or corrupted file, or one of another network
 */
export async function decodeWeights(
  given: Uint8Array | ArrayBuffer,
  network?: string | NetworkSpec,
  sha256?: string,
  fileName = 'The weight file',
): Promise<NetworkWeights> {
  const bytes = bytesOf(given, fileName);
  const file = readSafetensors(bytes, fileName);
  const wanted = network ?? file.metadata.name;
  const spec = wanted === undefined ? specOf(file.tensors, fileName) : isSpec(wanted) ? wanted : networkSpec(wanted);
  return {
    name: spec.name,
    tensors: validate(file.tensors, spec, fileName),
    preprocessing: canonicalMetadata(file.metadata, spec, fileName)?.preprocessing ?? caffePreprocessing,
    sha256: sha256 ?? (await sha256Hex(bytes)),
  };
}

type Read = Pick<ImportedWeights, 'tensors' | 'preprocessing' | 'source'>;

function readAny(bytes: Uint8Array, spec: NetworkSpec, fileName: string): Read {
  const starts = (signature: readonly number[], at = 0) => signature.every((byte, i) => bytes[at + i] === byte);
  if (starts(hdf5Signature)) {
    return { tensors: readKerasVgg(bytes, fileName), preprocessing: caffePreprocessing, source: 'Keras .h5' };
  }
  if (starts(ascii('PK\x03\x04')) || starts([0x80, 0x02, 0x8a])) {
    const tensors = fromTorchvision(
      readTorchPth(bytes, fileName, (name) => name.includes('features.')),
      spec,
      fileName,
    );
    if (!caffeCheckpoints.test(fileName)) {
      return { tensors, preprocessing: torchvisionPreprocessing, source: 'torchvision .pth' };
    }
    const first = tensors.get('conv1_1.weight');
    if (first) tensors.set('conv1_1.weight', reverseInputs(first));
    return { tensors, preprocessing: caffePreprocessing, source: 'Caffe .pth' };
  }
  if (starts(ascii('{'), 8)) {
    const { tensors, metadata } = readSafetensors(bytes, fileName);
    if ([...tensors.keys()].some((name) => name.startsWith('features.'))) {
      const named = fromTorchvision(tensors, spec, fileName);
      return { tensors: named, preprocessing: torchvisionPreprocessing, source: 'torchvision .safetensors' };
    }
    const canonical = canonicalMetadata(metadata, spec, fileName);
    return { tensors, ...(canonical ?? { preprocessing: caffePreprocessing, source: 'plain .safetensors' }) };
  }
  const received =
    starts(ascii('<')) || starts(ascii('\n<'))
      ? 'a web page'
      : starts(ascii('ustar'), 257) || starts([0x80])
        ? 'an old PyTorch or pickle file; load it in PyTorch and save its state dict again with torch.save'
        : bytes.length === 0
          ? 'an empty file'
          : `a file that starts with the bytes ${[...bytes.subarray(0, 8)].map((b) => b.toString(16).padStart(2, '0')).join(' ')}`;
  throw new FauveError(
    'input',
    `${fileName} holds no weights that Fauve knows: expected Keras .h5, PyTorch .pth or .safetensors, received ${received}.`,
  );
}

/** The tensors of the network's convolutions, in its order: every shape right, no gap from conv1_1 to the deepest. */
function validate(
  tensors: ReadonlyMap<string, WeightTensor>,
  spec: NetworkSpec,
  fileName: string,
): Map<string, WeightTensor> {
  const layers = convLayers(spec);
  const deepest = layers.findLastIndex(({ name }) => tensors.has(`${name}.weight`) || tensors.has(`${name}.bias`));
  const result = new Map<string, WeightTensor>();
  for (const { name, inChannels, outChannels } of layers.slice(0, Math.max(1, deepest + 1))) {
    const expected = { [`${name}.weight`]: [outChannels, inChannels, 3, 3], [`${name}.bias`]: [outChannels] };
    for (const [key, shape] of Object.entries(expected)) {
      const tensor = tensors.get(key);
      if (!tensor) {
        const present = deepest < 0 ? 'no layer of it' : `layers as deep as ${layers[deepest]!.name}`;
        throw new FauveError(
          'input',
          `${fileName} has no ${key}, which ${spec.name} needs; it has ${present}. Use a complete file.`,
        );
      }
      if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
        throw new FauveError(
          'input',
          `${fileName} has ${key} [${tensor.shape}], ${spec.name} needs [${shape}]. Is it the file of another network?`,
        );
      }
      result.set(key, tensor);
    }
  }
  const stranger = [...tensors.keys()].find((key) => /^conv\d+_\d+\./.test(key) && !result.has(key));
  if (stranger) {
    throw new FauveError(
      'input',
      `${fileName} has ${JSON.stringify(stranger)}, which ${spec.name} does not have. Is it the file of another network?`,
    );
  }
  return result;
}

/** The one network of the registry that has all these layers. */
function specOf(tensors: ReadonlyMap<string, WeightTensor>, fileName: string): NetworkSpec {
  const layers = new Set([...tensors.keys()].map((key) => key.replace(/\.(weight|bias)$/, '')));
  const candidates = networkNames.map(networkSpec).filter((spec) => {
    const known = convLayers(spec).map(({ name }) => name);
    const depth = known.findLastIndex((name) => layers.has(name)) + 1;
    return depth === layers.size && known.slice(0, depth).every((name) => layers.has(name));
  });
  if (candidates.length === 1) return candidates[0]!;
  throw new FauveError(
    'input',
    `${fileName} does not say which network it is, and its ${layers.size} layers do not tell: it fits ${candidates.map(({ name }) => name).join(' and ') || 'none'}. Say the name, one of ${networkNames.join(', ')}.`,
  );
}

/** What our metadata says; `undefined` when there is none of ours. */
function canonicalMetadata(
  metadata: Readonly<Record<string, string>>,
  spec: NetworkSpec,
  fileName: string,
): Omit<Read, 'tensors'> | undefined {
  if (metadata.format !== canonicalFormat) return undefined;
  if (metadata.name !== spec.name) {
    throw new FauveError(
      'input',
      `${fileName} holds the network ${JSON.stringify(metadata.name)}, expected ${spec.name}.`,
    );
  }
  const numbers = (key: string, count: number): number[] => {
    let value: unknown;
    try {
      value = [JSON.parse(metadata[key] ?? '')].flat();
    } catch {
      value = undefined;
    }
    if (Array.isArray(value) && value.length === count && value.every(Number.isFinite)) return value;
    throw new FauveError(
      'input',
      `${fileName} is corrupted: its ${key} is ${JSON.stringify(metadata[key])}, expected ${count} numbers.`,
    );
  };
  const [scale] = numbers('scale', 1) as [number];
  const mean = numbers('mean', 3) as [number, number, number];
  const std = numbers('std', 3) as [number, number, number];
  // It is printed and stored, so a hostile file must not bring control characters.
  const source = /^[ -~]{1,100}$/.test(metadata.source ?? '') ? metadata.source! : 'unknown';
  return { preprocessing: { scale, mean, std }, source };
}

/** [O,I,H,W] with its input channels in the opposite order. */
function reverseInputs({ shape, data }: WeightTensor): WeightTensor {
  const [outputs = 0, inputs = 0, height = 0, width = 0] = shape;
  const area = height * width;
  const result = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const from = (o * inputs + i) * area;
      result.set(data.subarray(from, from + area), (o * inputs + inputs - 1 - i) * area);
    }
  }
  return { shape, data: result };
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
