/** A picture as JSON, on its way between Node and the worker: values as base64 of their bytes, many times faster than as numbers. */
export interface PlainImage {
  readonly width: number;
  readonly height: number;
  readonly data: string;
  readonly alpha?: string | undefined;
}

type Picture = {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  readonly alpha?: Float32Array;
};

export const toPlain = ({ width, height, data, alpha }: Picture): PlainImage => ({
  width,
  height,
  data: toBase64(bytesOf(data)),
  ...(alpha ? { alpha: toBase64(bytesOf(alpha)) } : {}),
});

export const fromPlain = ({ width, height, data, alpha }: PlainImage): Picture => ({
  width,
  height,
  data: floats(data),
  ...(alpha === undefined ? {} : { alpha: floats(alpha) }),
});

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
const floats = (text: string) => new Float32Array(fromBase64(text).buffer);
