import { bytesOf } from '../checks/checks.js';

/** SHA-256 in hexadecimal. */
export async function sha256Hex(data: Uint8Array | ArrayBuffer): Promise<string> {
  const bytes = bytesOf(data, 'sha256Hex, bytes');
  const subtle = globalThis.crypto?.subtle;
  // A page that came neither over https nor from localhost has no subtle: JavaScript computes the same, several times slower.
  const digest = subtle
    ? new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
    : (await import('@noble/hashes/sha2.js')).sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Of the bytes of floats. */
export const sha256OfFloats = ({ buffer, byteOffset, byteLength }: Float32Array): Promise<string> =>
  sha256Hex(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));

/** What a run is made from, as one checksum of its parts. */
export const fingerprint = (parts: readonly string[], separator: string): Promise<string> =>
  sha256Hex(new TextEncoder().encode(parts.join(separator)));
