import { type UnzipFileInfo, unzipSync } from 'fflate';
import { FauveError, messageOf } from '../../errors.js';
import { type FloatType, toFloat32 } from '../../formats/floats.js';
import { type PickleGlobal, type PickleOptions, readPickle } from '../../formats/pickle.js';
import type { WeightTensor } from '../../formats/tensor.js';
import { convLayers, type NetworkSpec } from '../registry.js';

/** A run of numbers in the file that tensors are windows on. */
interface Storage {
  readonly key: string;
  /** `undefined` for whole numbers, which no weight of ours is made of. */
  readonly type: FloatType | undefined;
  readonly itemBytes: number;
  readonly count: number;
}

/** A window on a storage; offset and strides count values, not bytes. */
interface StoredTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** PyTorch before 1.6 starts its files with the pickle of the number 0x1950a86a20f9469cfc6c. */
const legacyStart = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const longestPickle = 64 * 2 ** 20;
/** Bytes of an entry in the directory of a zip archive, without its name. */
const shortestZipEntry = 46;

const storageTypes: Readonly<Record<string, { type?: FloatType; itemBytes: number }>> = {
  FloatStorage: { type: 'F32', itemBytes: 4 },
  DoubleStorage: { type: 'F64', itemBytes: 8 },
  HalfStorage: { type: 'F16', itemBytes: 2 },
  BFloat16Storage: { type: 'BF16', itemBytes: 2 },
  LongStorage: { itemBytes: 8 },
  IntStorage: { itemBytes: 4 },
  ShortStorage: { itemBytes: 2 },
  CharStorage: { itemBytes: 1 },
  ByteStorage: { itemBytes: 1 },
  BoolStorage: { itemBytes: 1 },
};

const globals: ReadonlyMap<string, PickleGlobal> = new Map(
  (
    [
      { name: 'collections.OrderedDict', call: (args) => new Map((args[0] ?? []) as Iterable<[unknown, unknown]>) },
      { name: 'torch._utils._rebuild_tensor_v2', call: rebuildTensor },
      { name: 'torch._utils._rebuild_parameter', call: ([tensor]) => tensor },
      ...Object.keys(storageTypes).map((type) => ({ name: `torch.${type}` })),
    ] satisfies PickleGlobal[]
  ).map((global) => [global.name, global]),
);

/**
 * Reads the floating-point tensors of a PyTorch state dict, by their names in it, as float32. Both formats are read: the zip archive of
 * PyTorch 1.6 and later, and the plain one before it (the files that torchvision offers are of that kind). No Python runs; a pickle
 * that asks for anything but tensors is refused.
 * @param wanted which tensors to read; all by default
 * @throws FauveError `input` for a truncated, corrupted or refused file
 */
export function readTorchPth(
  bytes: Uint8Array,
  fileName = 'The .pth file',
  wanted: (name: string) => boolean = () => true,
): Map<string, WeightTensor> {
  try {
    const { value, storageBytes } = legacyStart.every((byte, i) => bytes[i] === byte)
      ? openLegacy(bytes)
      : openZip(bytes);
    const stored = [...stateDict(value)].filter(
      (entry): entry is [string, StoredTensor] =>
        typeof entry[0] === 'string' && isStoredTensor(entry[1]) && !!entry[1].storage.type && wanted(entry[0]),
    );
    const storages = new Map(stored.map(([, { storage }]) => [storage.key, storage]));
    // Before anything is allocated: PyTorch does not compress, and tensors that share their data are few.
    const storedBytes = [...storages.values()].reduce((sum, { count, itemBytes }) => sum + count * itemBytes, 0);
    const values = stored.reduce((sum, [, { shape }]) => sum + countOf(shape), 0);
    if (storedBytes > bytes.byteLength || values > bytes.byteLength) {
      throw new Error(`its ${values} values need ${storedBytes} bytes, the file has ${bytes.byteLength}`);
    }
    const floats = new Map<string, Float32Array>();
    const data = storageBytes(storages);
    for (const [, { storage }] of stored) {
      const found = data.get(storage.key);
      const needed = storage.count * storage.itemBytes;
      if (found?.byteLength !== needed) {
        throw new Error(
          `its data ${JSON.stringify(storage.key)} has ${found?.byteLength ?? 'no'} bytes, expected ${needed}`,
        );
      }
      if (!floats.has(storage.key)) floats.set(storage.key, toFloat32(found, storage.type!));
    }
    return new Map(stored.map(([name, tensor]) => [name, gather(name, tensor, floats.get(tensor.storage.key)!)]));
  } catch (error) {
    if (error instanceof FauveError) throw error;
    throw new FauveError(
      'input',
      `${fileName} cannot be read as PyTorch weights: ${messageOf(error)}. Get the file again, from a source that you trust.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Gives tensors of a torchvision VGG state dict their canonical names: `features.0.weight` is conv1_1. In `features` each
 * convolution is followed by its ReLU, and each block by its pooling. Everything outside `features` is left out.
 * @throws FauveError `input` when the file is of another network, for instance one with batch normalisation
 */
export function fromTorchvision(
  tensors: ReadonlyMap<string, WeightTensor>,
  spec: NetworkSpec,
  fileName = 'The file',
): Map<string, WeightTensor> {
  const names = new Map<number, string>();
  let index = 0;
  for (const block of spec.blocks) {
    for (const { name } of block) {
      names.set(index, name);
      index += 2;
    }
    index += 1;
  }
  const result = new Map<string, WeightTensor>();
  for (const [key, tensor] of tensors) {
    const [, position, role] = /^(?:module\.)?features\.(\d+)\.(\w+)$/.exec(key) ?? [];
    if (!position) continue;
    const name = names.get(Number(position));
    if (!name) {
      throw new FauveError(
        'input',
        `${fileName} has '${key}', where ${spec.name} has no convolution, so it is of another network. Import it under its own name; variants with batch normalisation (_bn) are not supported.`,
      );
    }
    result.set(`${name}.${role}`, tensor);
  }
  if (result.size === 0) {
    throw new FauveError(
      'input',
      `${fileName} has no tensor named like features.0.weight, so it is not torchvision's ${spec.name} (${convLayers(spec).length} convolutions expected).`,
    );
  }
  return result;
}

type StorageBytes = (wanted: ReadonlyMap<string, Storage>) => ReadonlyMap<string, Uint8Array>;

/** `NAME/data.pkl` beside `NAME/data/0`, `NAME/data/1`, … */
function openZip(bytes: Uint8Array): { value: unknown; storageBytes: StorageBytes } {
  let root: string | undefined;
  const heads = unzip(bytes, ({ name, originalSize }) => {
    if (name.endsWith('/data.pkl') && originalSize <= longestPickle) root ??= name.slice(0, -'data.pkl'.length);
    return root !== undefined && (name === `${root}data.pkl` || name === `${root}byteorder`);
  });
  if (root === undefined) throw new Error('the archive has no data.pkl');
  const byteOrder = new TextDecoder().decode(heads[`${root}byteorder`] ?? new Uint8Array()).trim();
  if (byteOrder === 'big') throw new Error('its numbers are big-endian; save it again on a usual machine');
  const prefix = `${root}data/`;
  const { value } = readPickle(heads[`${root}data.pkl`]!, options(new Map()));
  return {
    value,
    storageBytes(wanted) {
      const fits = ({ name, originalSize }: UnzipFileInfo) => {
        const storage = name.startsWith(prefix) ? wanted.get(name.slice(prefix.length)) : undefined;
        return storage !== undefined && originalSize === storage.count * storage.itemBytes;
      };
      return new Map(Object.entries(unzip(bytes, fits)).map(([n, d]) => [n.slice(prefix.length), d]));
    },
  };
}

/** The wanted files of a zip archive. */
function unzip(bytes: Uint8Array, wanted: (file: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
  let files = 0;
  return unzipSync(bytes, {
    filter: (file) => {
      // fflate believes the count that the archive gives, of up to 2^32 files.
      if (++files * shortestZipEntry > bytes.byteLength)
        throw new Error('its archive lists more files than fit into it');
      return wanted(file);
    },
  });
}

/** Five pickles (magic number, version, system, state dict, storage keys), then for each key a count (int64) and the data. */
function openLegacy(bytes: Uint8Array): { value: unknown; storageBytes: StorageBytes } {
  const storages = new Map<string, Storage>();
  let at = 0;
  const [, , system, value, keys] = Array.from({ length: 5 }, () => {
    const pickle = readPickle(bytes, options(storages), at);
    at = pickle.end;
    return pickle.value;
  });
  if (system instanceof Map && system.get('little_endian') === false) throw new Error('its numbers are big-endian');
  const found = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = storages.get(String(key));
    if (!storage) throw new Error(`no tensor uses its data ${JSON.stringify(key)}`);
    if (at + 8 > bytes.byteLength) throw new Error(`the file ends before data ${JSON.stringify(key)}`);
    const end = at + 8 + Number(view.getBigInt64(at, true)) * storage.itemBytes;
    if (end > bytes.byteLength || end < at) throw new Error(`the file ends within data ${JSON.stringify(key)}`);
    found.set(storage.key, bytes.subarray(at + 8, end));
    at = end;
  }
  return { value, storageBytes: () => found };
}

function options(storages: Map<string, Storage>): PickleOptions {
  return {
    globals,
    persistentLoad(id) {
      const [tag, type, key, , count, window] = Array.isArray(id) ? id : [];
      const name = (type as PickleGlobal | undefined)?.name ?? '';
      const known = storageTypes[name.replace('torch.', '')];
      if (tag !== 'storage' || !known || typeof key !== 'string' || !isCount(count) || (window ?? null) !== null) {
        throw new Error('it refers to data in a way that is not known');
      }
      const storage = { key, type: known.type, itemBytes: known.itemBytes, count };
      storages.set(key, storage);
      return storage;
    },
  };
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): StoredTensor {
  const tensor = { storage, offset, shape, strides };
  if (!isStoredTensor(tensor)) throw new Error('it describes a tensor in a way that is not known');
  return tensor;
}

/** The state dict itself, or the one below `state_dict` in a checkpoint. */
function stateDict(value: unknown): Map<unknown, unknown> {
  const dict = value instanceof Map && value.get('state_dict') instanceof Map ? value.get('state_dict') : value;
  if (!(dict instanceof Map)) throw new Error('it holds no state dict; save `model.state_dict()`');
  return dict;
}

/** Copies a window, in row-major order, out of its storage. */
function gather(name: string, { storage, offset, shape, strides }: StoredTensor, from: Float32Array): WeightTensor {
  const count = countOf(shape);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
  if (count > storage.count || (count > 0 && last >= storage.count)) {
    throw new Error(`tensor ${JSON.stringify(name)} [${shape}] reaches beyond its data of ${storage.count} values`);
  }
  const data = new Float32Array(count);
  const position = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    data[i] = from[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return { shape, data };
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isStoredTensor(value: unknown): value is StoredTensor {
  const { storage, offset, shape, strides } = (value ?? {}) as Partial<Record<keyof StoredTensor, unknown>>;
  return (
    typeof storage === 'object' &&
    storage !== null &&
    'itemBytes' in storage &&
    isCount(offset) &&
    Array.isArray(shape) &&
    Array.isArray(strides) &&
    shape.length === strides.length &&
    [...shape, ...strides].every(isCount)
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
