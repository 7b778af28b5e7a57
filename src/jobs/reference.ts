import { z } from 'zod';

const checksum = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal');
const name = z.string().min(1).max(1000);
/** Bytes; in JSON they are base64. */
const bytes = z.preprocess(
  (value) => (typeof value === 'string' ? bytesOfBase64(value) : value),
  z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes'),
) as unknown as z.ZodType<Uint8Array, Uint8Array>;

/**
 * A file of a job: by its path, by a checksum under which the host keeps it, or as its bytes (in JSON as base64). A name is what
 * errors and recipes say of a file that has no path.
 */
export const fileReference = z.union(
  [z.strictObject({ path: name }), z.strictObject({ name, sha256: checksum }), z.strictObject({ name, bytes })],
  'expected { path }, { name, sha256 } or { name, bytes }',
);
export type FileReference = z.infer<typeof fileReference>;

/** What comes with Fauve, by its name. */
const shipped = z.strictObject({ shipped: z.string().min(1).max(100) });

const anyOf = 'expected { shipped }, { path }, { name, sha256 } or { name, bytes }';

/** A painting, a style file, or a style that comes with Fauve. */
export const styleReference = z.union([shipped, ...fileReference.options], anyOf);
export type StyleReference = z.infer<typeof styleReference>;

/** A trained style network: a file, or one that comes with Fauve. */
export const styleNetworkReference = z.union([shipped, ...fileReference.options], anyOf);
export type StyleNetworkReference = z.infer<typeof styleNetworkReference>;

/** A share of a blend: a positive number, of which only the ratio counts. */
const weight = z.number('expected a positive number').positive().max(1e9).default(1);

/** One style of a blend. */
export const weightedStyleReference = z.union(
  [
    z.strictObject({ shipped: shipped.shape.shipped, weight }),
    z.strictObject({ path: name, weight }),
    z.strictObject({ name, sha256: checksum, weight }),
    z.strictObject({ name, bytes, weight }),
  ],
  anyOf,
);
export type WeightedStyleReference = z.infer<typeof weightedStyleReference>;

/** A style of a style network, by the name that it was trained with. */
export const namedStyle = z.strictObject({ name: z.string().min(1).max(1000), weight });

/** What errors and recipes call a file. */
export function nameOf(input: StyleReference): string {
  if ('shipped' in input) return input.shipped;
  return 'path' in input ? input.path : input.name;
}

function bytesOfBase64(text: string): Uint8Array | undefined {
  const parsed = z.base64().safeParse(text);
  return parsed.success ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) : undefined;
}

/** For `JSON.stringify`: bytes as base64. Node's buffers have a JSON form of their own, which comes first. */
export function base64OfBytes(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const bytes = this[key];
  if (!(bytes instanceof Uint8Array)) return value;
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
