/** Floating-point types that weight files use, named as in safetensors. */
export type FloatType = 'F16' | 'BF16' | 'F32' | 'F64';

/** Bytes of one value. */
export const floatBytes: Readonly<Record<FloatType, number>> = Object.freeze({ F16: 2, BF16: 2, F32: 4, F64: 8 });

/** Whether a string names one of the {@link FloatType}s. */
export function isFloatType(name: string): name is FloatType {
  return Object.hasOwn(floatBytes, name);
}

/**
 * Little-endian values of any of the types as float32. F32 that is aligned to 4 bytes is not copied: the result is then a view
 * of the same memory. F64 is rounded to the nearest float32 and becomes Infinity beyond its range.
 */
export function toFloat32(bytes: Uint8Array, type: FloatType): Float32Array {
  const count = Math.floor(bytes.byteLength / floatBytes[type]);
  const { buffer, byteOffset } = aligned(bytes, floatBytes[type]);
  switch (type) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, count));
    case 'BF16': {
      // bfloat16 is the upper half of a float32.
      const halves = new Uint16Array(buffer, byteOffset, count);
      const words = new Uint32Array(count);
      for (let i = 0; i < count; i++) words[i] = halves[i]! << 16;
      return new Float32Array(words.buffer);
    }
    case 'F16': {
      const halves = new Uint16Array(buffer, byteOffset, count);
      const result = new Float32Array(count);
      for (let i = 0; i < count; i++) result[i] = halfToNumber(halves[i]!);
      return result;
    }
  }
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  // Not slice(), which does not copy when the bytes are a Buffer of Node.
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const one = new Float32Array(1);
const bits = new Uint32Array(one.buffer);

/** The nearest IEEE 754 binary16 (ties to even) of each value; what is too large becomes Infinity. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    one[0] = values[i]!;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const size = Math.abs(one[0]);
    if (Number.isNaN(size)) halves[i] = sign | 0x7e00;
    else if (size >= 65520) halves[i] = sign | 0x7c00;
    else {
      // Below 2^-14 the spacing stays that of the smallest exponent.
      const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -15)));
      const units = roundHalfToEven(size / 2 ** (exponent - 10));
      halves[i] = sign | (((exponent + 14) << 10) + units);
    }
  }
  return halves;
}

/** Each value as 16 bits keep it. */
export function toHalfPrecision(values: Float32Array): Float32Array {
  return toFloat32(new Uint8Array(toHalf(values).buffer), 'F16');
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
