/** Bytes as Latin-1 text: for signatures and names. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** One array after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/** A whole number of 4 bytes. */
export function uint32(value: number, littleEndian = false): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4);
  viewOf(out).setUint32(0, value, littleEndian);
  return out;
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
