import { bytesOf as bytesOfFile } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { dataTypes } from './messages.js';

/** `FLOAT` has 4 bytes a value, `FLOAT16` 2, `INT8` 1; other types are left out of what {@link readModel} returns. */
const storedTypes = ['FLOAT', 'FLOAT16', 'INT8'] as const;

/** A tensor that is stored in a model, as it lies there. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly type: (typeof storedTypes)[number];
  readonly bytes: Uint8Array;
}

/** What an ONNX file says of itself. */
export interface ModelFile {
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly initialisers: ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads the parts of a ModelProto that are not the engine's business: who made it, its metadata and the weights that are stored in it.
 * The graph itself is left to ONNX Runtime.
 * @throws FauveError `input` for bytes that are no ONNX model
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function readModel(model: Uint8Array | ArrayBuffer, fileName = 'The model'): ModelFile {
  const file = bytesOfFile(model, fileName);
  return reading(fileName, () => {
    const model = fieldsOf(file);
    const graph = fieldsOf(bytesOf(model, 7)[0] ?? fail('it has no graph'));
    const metadata = bytesOf(model, 14).map((entry) => {
      const pair = fieldsOf(entry);
      return [textOf(pair, 1), textOf(pair, 2)] as const;
    });
    const initialisers = bytesOf(graph, 5).flatMap((entry) => {
      const tensor = fieldsOf(entry);
      const [number] = numbersOf(tensor, 2);
      const type = storedTypes.find((name) => dataTypes[name] === number);
      const [bytes] = bytesOf(tensor, 9);
      if (!type || !bytes) return [];
      return [[textOf(tensor, 8), { shape: numbersOf(tensor, 1), type, bytes }] as const];
    });
    return { producer: textOf(model, 2), metadata: Object.fromEntries(metadata), initialisers: new Map(initialisers) };
  });
}

/** Whether bytes are an ONNX model, as far as {@link readModel} looks. */
export function isModel(file: Uint8Array): boolean {
  try {
    readModel(file);
    return true;
  } catch (error) {
    if (error instanceof FauveError) return false;
    throw error;
  }
}

/** Reads with {@link fieldsOf}. @throws FauveError `input` for what is no message */
export function reading<T>(fileName: string, job: () => T): T {
  try {
    return job();
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    throw new FauveError('input', `${fileName} is no ONNX model: ${error.message}. Get the file again.`, {
      cause: error,
    });
  }
}

class Damaged extends Error {}

/** Ends what is {@link reading}. */
export const fail = (what: string): never => {
  throw new Damaged(what);
};

/** A field of a message. */
export interface Field {
  readonly number: number;
  /** Nothing for numbers of a fixed size, which nobody here reads. */
  readonly value: bigint | Uint8Array | undefined;
  /** The whole field as it is written. */
  readonly raw: Uint8Array;
}

/** The fields of a message in their order (https://protobuf.dev/programming-guides/encoding). */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    const [value, end] = varintAt(bytes, at);
    at = end;
    return value;
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) fail(`a field of ${length} bytes has ${bytes.length - at}`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const value = (wire: number, number: number): Field['value'] => {
    if (wire === 0) return varint();
    if (wire === 2) return take(Number(varint()));
    if (wire !== 1 && wire !== 5) fail(`field ${number} is of wire type ${wire}`);
    take(wire === 1 ? 8 : 4);
    return undefined;
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    // Some readers look at its lower half only, and would see another field than this one.
    if (key > 0xffffffffn) fail('the number of a field has no end');
    const number = Number(key >> 3n);
    fields.push({ number, value: value(Number(key & 7n), number), raw: bytes.subarray(start, at) });
  }
  return fields;
}

/** @returns the number that starts there, and where it ends */
function varintAt(bytes: Uint8Array, start: number): readonly [value: bigint, end: number] {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i] ?? fail('it ends in the middle of a number');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  return fail('a number in it has no end');
}

export function bytesOf(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []));
}

export function textOf(fields: readonly Field[], number: number): string {
  const [bytes] = bytesOf(fields, number);
  return bytes ? new TextDecoder().decode(bytes) : '';
}

/** A repeated integer field, packed or not. */
export function numbersOf(fields: readonly Field[], number: number): number[] {
  return fields.flatMap((field) => {
    if (field.number !== number || field.value === undefined) return [];
    if (typeof field.value === 'bigint') return [Number(field.value)];
    const values: number[] = [];
    for (let at = 0; at < field.value.length; ) {
      const [value, end] = varintAt(field.value, at);
      values.push(Number(value));
      at = end;
    }
    return values;
  });
}
