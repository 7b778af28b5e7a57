/**
 * The protobuf wire format, as much of it as ONNX needs: varints and length-delimited fields
 * (https://protobuf.dev/programming-guides/encoding). A message is the list of its pieces, so that weights are copied once,
 * when the model is put together.
 */
export type Message = readonly Uint8Array[];

const utf8 = new TextEncoder();

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** An int32, int64, bool or enum field. */
export function integer(field: number, value: number | bigint): Message {
  return [varint(field << 3), varint(value)];
}

/** A float field (32 bit). */
export function float(field: number, value: number): Message {
  return [varint((field << 3) | 5), littleEndian(Float32Array.of(value))];
}

/** A bytes field. The bytes are not copied. */
export function bytes(field: number, value: Uint8Array): Message {
  return [varint((field << 3) | 2), varint(value.length), value];
}

export function string(field: number, value: string): Message {
  return bytes(field, utf8.encode(value));
}

/** An embedded message. */
export function message(field: number, ...parts: readonly Message[]): Message {
  const pieces = parts.flat();
  return [varint((field << 3) | 2), varint(byteLength(pieces)), ...pieces];
}

/** A packed repeated int64 field. */
export function integers(field: number, values: readonly number[]): Message {
  return message(field, values.map(varint));
}

export type NumberArray = Float32Array | Int8Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array;

/** The bytes of a typed array in the order that protobuf and ONNX want. */
export function littleEndian(array: NumberArray): Uint8Array {
  // Every platform that runs Node or a browser today is little-endian; a big-endian one has to be told, not given noise.
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('Fauve needs a little-endian machine.');
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function byteLength(parts: Message): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Puts the pieces together, in one allocation. */
export function encode(parts: Message): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
