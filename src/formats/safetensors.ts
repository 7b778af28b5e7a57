import { bytesOf } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { floatBytes, isFloatType, toFloat32, toHalf } from './floats.js';
import type { WeightTensor } from './tensor.js';

/** What a safetensors file holds. The tensors may be views of the bytes that were read. */
export interface Safetensors {
  /** In the order of the file's data. */
  readonly tensors: Map<string, WeightTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The types that are written. */
export type StoredType = 'F32' | 'F16' | 'I8';

const storedBytes: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, I8: 1 };

const lengthBytes = 8;
const longestHeader = 100_000_000;
const highestRank = 32;

/**
 * Reads a safetensors file: 8 bytes of header length, a JSON header, the data. F32, F16, BF16 and F64 become float32; aligned F32
 * is not copied. Like the reference implementation it accepts neither gaps nor overlaps nor bytes that belong to no tensor.
 * @param options.integers takes I8 as well: whole numbers from −128 to 127, which are no weights
 * @param options.remedy what helps when the file is damaged, as a sentence
 * @throws FauveError `input` for a truncated or corrupted file and for types that are no floats
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(
  file: Uint8Array | ArrayBuffer,
  fileName = 'The safetensors file',
  { integers = false, remedy = 'Get the file again.' }: { readonly integers?: boolean; readonly remedy?: string } = {},
): Safetensors {
  const bytes = bytesOf(file, fileName);
  const fail = (what: string): never => {
    throw new FauveError('input', `${fileName} is truncated or corrupted: ${what}. ${remedy}`);
  };
  if (bytes.byteLength < lengthBytes) fail(`it has ${bytes.byteLength} bytes, a header needs at least ${lengthBytes}`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerLength > longestHeader || lengthBytes + headerLength > bytes.byteLength) {
    fail(`its header says that it is ${headerLength} bytes long, the file has ${bytes.byteLength}`);
  }
  const data = bytes.subarray(lengthBytes + headerLength);
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      bytes.subarray(lengthBytes, lengthBytes + headerLength),
    );
    header = JSON.parse(text);
  } catch {
    fail('its header is not JSON');
  }
  if (!isRecord(header)) return fail('its header is not a JSON object');

  let metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__')
      entries.push(parseEntry(name, value) ?? fail(`the entry of tensor ${shown(name)} is invalid`));
    else if (isStringRecord(value)) metadata = value;
    else fail('its __metadata__ is not an object of strings');
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, WeightTensor>();
  let position = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const float = isFloatType(dtype) ? dtype : undefined;
    if (!float && !(integers && dtype === 'I8')) {
      const known = Object.keys(floatBytes).join(', ');
      throw new FauveError(
        'input',
        `${fileName} has tensor ${shown(name)} of type ${shown(dtype)}; weights are one of ${known}.`,
      );
    }
    if (begin !== position) fail(`tensor ${shown(name)} starts at byte ${begin} of the data, expected ${position}`);
    if (end > data.byteLength) {
      fail(`tensor ${shown(name)} ends at byte ${end} of the data, which has ${data.byteLength} bytes`);
    }
    const needed = shape.reduce((product, size) => product * size, float ? floatBytes[float] : 1);
    if (end - begin !== needed) {
      fail(`tensor ${shown(name)} [${shape}] of ${dtype} needs ${needed} bytes, its entry has ${end - begin}`);
    }
    const values = data.subarray(begin, end);
    tensors.set(name, { shape, data: float ? toFloat32(values, float) : Float32Array.from(Int8Array.from(values)) });
    position = end;
  }
  if (position !== data.byteLength) fail(`${data.byteLength - position} bytes at the end belong to no tensor`);
  return { tensors, metadata };
}

/**
 * Writes float32 tensors as safetensors, in the order of the map; metadata keys are sorted. The same input gives the same bytes.
 * The data section starts at a multiple of 8 bytes, so that readers need not copy.
 * @param type of all tensors, or of each by its name: `F16` rounds the values and halves the file; `I8` is for whole numbers from
 * −128 to 127
 * @throws FauveError `input` when a tensor's shape does not match its data
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WeightTensor>,
  metadata: Readonly<Record<string, string>> = {},
  type: StoredType | ((name: string) => StoredType) = 'F32',
): Uint8Array<ArrayBuffer> {
  const typeOf = typeof type === 'function' ? type : () => type;
  const header: Record<string, unknown> = {};
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) header.__metadata__ = Object.fromEntries(keys.map((key) => [key, metadata[key]]));
  let position = 0;
  for (const [name, { shape, data }] of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length) {
      throw new FauveError('input', `Tensor '${name}' [${shape}] needs ${count} values, received ${data.length}.`);
    }
    const length = data.length * storedBytes[typeOf(name)];
    header[name] = { dtype: typeOf(name), shape, data_offsets: [position, position + length] };
    position += length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(lengthBytes + headerLength + position);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, lengthBytes, lengthBytes + headerLength);
  bytes.set(json, lengthBytes);
  let offset = lengthBytes + headerLength;
  for (const [name, { data }] of tensors) {
    const dtype = typeOf(name);
    const values = dtype === 'F16' ? toHalf(data) : dtype === 'I8' ? Int8Array.from(data) : data;
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return bytes;
}

function parseEntry(name: string, value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) return undefined;
  if (shape.length > highestRank) return undefined;
  const [begin, end] = offsets as [number, number];
  return begin <= end ? { name, dtype, shape, begin, end } : undefined;
}

/** Text of a damaged or hostile file, fit for one line of an error. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
