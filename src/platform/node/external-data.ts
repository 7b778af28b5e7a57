import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { FauveError } from '../../errors.js';
import { type ExternalTensor, externalTensors, quoted, withTensors } from '../../onnx/external.js';
import { errorCode, fileError } from './files.js';

/** What protobuf, and so ONNX Runtime, takes in one piece. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * A model with the weights in it that it keeps in files beside it, as PyTorch's exporter writes them.
 * Nothing outside of the model's folder is read, whatever the model says.
 * @param path of the model: a link may lead to it, and then the files lie beside the link or beside the model
 * @throws FauveError `input` when such a file is missing, elsewhere, too short or too large; `system` when it cannot be read
 */
export async function withExternalData(model: Uint8Array, path: string): Promise<Uint8Array> {
  const tensors = externalTensors(model, path);
  if (tensors.length === 0) return model;
  const files = new Map<string, DataFile>();
  try {
    for (const { location } of tensors) {
      if (!files.has(location)) files.set(location, await openData(location, path));
    }
    const ranges = tensors.map((tensor) => rangeOf(tensor, files.get(tensor.location)!, path));
    const total = ranges.reduce((sum, { length }) => sum + length, model.byteLength);
    if (total > MOST_BYTES) {
      throw new FauveError(
        'input',
        `${path} has ${total} bytes of weights, and at most 2 GiB can be read. Use a smaller network.`,
      );
    }
    const values: Uint8Array[] = [];
    for (const range of ranges) values.push(await readRange(range, path));
    return withTensors(model, values, path);
  } finally {
    for (const { handle } of files.values()) await handle.close();
  }
}

interface DataFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly bytes: number;
}

async function openData(location: string, model: string): Promise<DataFile> {
  const name = quoted(location);
  const outside = () =>
    new FauveError(
      'input',
      `${model} takes its weights from ${name}, which is outside of its folder, and nothing there is read. Save the model again, with its weights beside it.`,
    );
  if (location === '' || location.includes('\0')) {
    throw new FauveError(
      'input',
      `${model} is damaged: it does not say in which file its weights are. Get the file again.`,
    );
  }
  if (/^[\\/]|^[a-z]:|(^|[\\/])\.\.([\\/]|$)/i.test(location)) throw outside();
  try {
    const folders = [dirname(model), dirname(await realpath(model))];
    const place = await realpath(join(folders[0]!, location)).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      return realpath(join(folders[1]!, location));
    });
    const roots = await Promise.all(folders.map((folder) => realpath(folder)));
    if (!roots.some((root) => place.startsWith(root.endsWith(sep) ? root : root + sep))) throw outside();
    return await openFile(place, name, model);
  } catch (error) {
    if (error instanceof FauveError) throw error;
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') {
      throw fileError(error, 'read', name, 'The weight file');
    }
    throw new FauveError(
      'input',
      `${model} takes its weights from ${name}, which is not in its folder. Put that file beside it, under that name: the two belong together.`,
      { cause: error },
    );
  }
}

async function openFile(place: string, name: string, model: string): Promise<DataFile> {
  // A pipe would wait for somebody to write into it.
  if (!(await stat(place)).isFile()) {
    throw new FauveError(
      'input',
      `${model} takes its weights from ${name}, which is no regular file. Put the file itself there.`,
    );
  }
  const handle = await open(place, 'r');
  return { name, handle, bytes: (await handle.stat()).size };
}

/** Bytes of a file. */
interface Range {
  readonly file: DataFile;
  readonly offset: number;
  readonly length: number;
}

function rangeOf({ offset, length }: ExternalTensor, file: DataFile, model: string): Range {
  const range = { file, offset, length: length ?? Math.max(0, file.bytes - offset) };
  if (offset + range.length > file.bytes) throw truncated(range, model);
  return range;
}

async function readRange(range: Range, model: string): Promise<Uint8Array> {
  const { file, offset, length } = range;
  const out = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.handle.read(out, at, length - at, offset + at).catch((error: unknown) => {
      throw fileError(error, 'read', file.name, 'The weight file');
    });
    if (bytesRead === 0) throw truncated(range, model);
    at += bytesRead;
  }
  return out;
}

const truncated = ({ file, offset, length }: Range, model: string) =>
  new FauveError(
    'input',
    `${file.name} has ${file.bytes} bytes, and ${model} takes its weights from it up to byte ${offset + length}. It is truncated, or belongs to another network: copy or download both again.`,
  );
