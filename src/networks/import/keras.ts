import { Dataset, File, Group } from 'jsfive';
import { FauveError, messageOf } from '../../errors.js';
import type { WeightTensor } from '../../formats/tensor.js';

/** What an HDF5 file starts with. */
export const hdf5Signature: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

const deepestNesting = 16;
/** Links can lead in circles; a file of Keras has a few hundred members. */
const mostMembers = 10_000;

/**
 * Reads the floating-point datasets of a Keras weight file as they are (kernels HWIO), by their path in the file:
 * `block1_conv1/block1_conv1_W_1:0`, `block1_conv1/block1_conv1/kernel:0`. The optimiser's state is left out.
 * @param wanted which paths to read; all by default
 * @throws FauveError `input` for a truncated or corrupted file
 */
export function readKerasH5(
  bytes: Uint8Array,
  fileName = 'The .h5 file',
  wanted: (path: string) => boolean = () => true,
): Map<string, WeightTensor> {
  const tensors = new Map<string, WeightTensor>();
  let members = 0;
  let total = 0;
  const visit = (group: Group, path: string, depth: number): void => {
    if (depth > deepestNesting) throw new Error(`groups are nested more than ${deepestNesting} deep at ${path}`);
    for (const key of group.keys) {
      const memberPath = path ? `${path}/${key}` : key;
      if (memberPath === 'optimizer_weights') continue;
      if (++members > mostMembers) throw new Error(`it has more than ${mostMembers} members`);
      const member = group.get(key);
      if (member instanceof Group) visit(member, memberPath, depth + 1);
      else if (member instanceof Dataset && wanted(memberPath)) {
        if (typeof member.dtype !== 'string' || !/^[<>|=]?f\d$/.test(member.dtype)) continue;
        total += countOf(member);
        // Checked before anything is allocated: even compressed, weights take more than a byte each.
        if (!(total <= bytes.byteLength)) {
          throw new Error(`its shapes ask for ${total} values, the file has ${bytes.byteLength} bytes`);
        }
        tensors.set(memberPath, { shape: [...member.shape], data: values(member, memberPath) });
      }
    }
  };
  try {
    checkLength(bytes);
    // jsfive reads from offset 0 of an ArrayBuffer.
    const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
    visit(new File((whole ? bytes : new Uint8Array(bytes)).buffer as ArrayBuffer, fileName), '', 0);
  } catch (error) {
    // What went wrong inside the reader at a wrong offset would tell a user nothing.
    const reason = error instanceof TypeError || error instanceof RangeError ? '' : ` (${messageOf(error)})`;
    throw new FauveError(
      'input',
      `${fileName} is not a readable HDF5 file${reason}: truncated, corrupted, or of a kind that Fauve cannot read. Get the file again.`,
      { cause: error },
    );
  }
  return tensors;
}

/**
 * The convolutions of a Keras VGG file under their canonical names: `block1_conv1` becomes `conv1_1.weight` and `conv1_1.bias`.
 * Kernels are transposed from HWIO to OIHW, and the input channels of conv1_1 are reversed, from BGR to RGB.
 * Kernels and biases are told apart by their rank, so every naming of Keras 1 and 2 is understood.
 * @throws FauveError `input` when the file is unreadable, has no such layers, or has a layer twice
 */
export function readKerasVgg(bytes: Uint8Array, fileName = 'The .h5 file'): Map<string, WeightTensor> {
  const layerOf = (path: string) => /(?:^|\/)block(\d+)_conv(\d+)(?:\/|$)/.exec(path);
  const tensors = new Map<string, WeightTensor>();
  for (const [path, tensor] of readKerasH5(bytes, fileName, (candidate) => layerOf(candidate) !== null)) {
    const [, block, position] = layerOf(path)!;
    const layer = `conv${block}_${position}`;
    const rank = tensor.shape.length;
    if (rank !== 4 && rank !== 1) {
      throw new FauveError(
        'input',
        `${fileName} has ${JSON.stringify(path)} [${tensor.shape}]; a kernel has 4 dimensions, a bias 1. Use the file that Keras publishes.`,
      );
    }
    const name = rank === 4 ? `${layer}.weight` : `${layer}.bias`;
    if (tensors.has(name))
      throw new FauveError('input', `${fileName} has ${name} twice, the second time as ${JSON.stringify(path)}.`);
    tensors.set(name, rank === 4 ? hwioToOihw(tensor, layer === 'conv1_1') : tensor);
  }
  if (tensors.size === 0) {
    throw new FauveError(
      'input',
      `${fileName} has no layer named like block1_conv1, so it is not a Keras VGG file. Use the "notop" file that Keras publishes.`,
    );
  }
  return tensors;
}

/** [H,W,I,O] to [O,I,H,W], with the input channels reversed on request. */
function hwioToOihw({ shape, data }: WeightTensor, reverseInputs: boolean): WeightTensor {
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  const result = new Float32Array(data.length);
  const area = height * width;
  let from = 0;
  for (let at = 0; at < area; at++) {
    for (let i = 0; i < inputs; i++) {
      const input = reverseInputs ? inputs - 1 - i : i;
      for (let o = 0; o < outputs; o++) result[(o * inputs + input) * area + at] = data[from++]!;
    }
  }
  return { shape: [outputs, inputs, height, width], data: result };
}

function values(dataset: Dataset, path: string): Float32Array {
  const data = new Float32Array(dataset.value);
  const count = countOf(dataset);
  if (data.length !== count) {
    throw new Error(`dataset ${path} [${dataset.shape}] needs ${count} values, received ${data.length}`);
  }
  return data;
}

/** A cut file would otherwise show only where data is missing. @throws Error */
function checkLength(bytes: Uint8Array): void {
  // Where the superblock says how long the file is, by its version (HDF5 file format specification, II.A).
  const position = ({ 0: 40, 2: 28, 3: 28 } as Readonly<Record<number, number>>)[bytes[8] ?? 0];
  if (position === undefined) return; // jsfive names the version that it does not know.
  if (bytes.byteLength < position + 8) throw new Error(`it has only ${bytes.byteLength} bytes`);
  const expected = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(position, true);
  if (expected > bytes.byteLength) throw new Error(`it has ${bytes.byteLength} of ${expected} bytes`);
}

function countOf({ shape }: Dataset): number {
  return shape.reduce((product, size) => product * size, 1);
}
