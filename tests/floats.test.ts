import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFloat32, toHalf } from '#src/formats/floats.js';
import { readSafetensors, writeSafetensors } from '#src/formats/safetensors.js';
import { random } from './support/random.js';

const every = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
const halfValues = toFloat32(new Uint8Array(every.buffer), 'F16');
const halfOf = (value: number) => toHalf(Float32Array.of(value))[0]!;

describe('16-bit floats', () => {
  it('come back as they were, all 65536 of them', () => {
    const again = toHalf(halfValues);
    for (const half of every) {
      if (Number.isNaN(halfValues[half])) expect(halfValues[again[half]!]).toBeNaN();
      else if (again[half] !== half) expect([half, again[half]]).toEqual([half, half]);
    }
  });

  it('are the nearest to any value, and the even one of two that are equally near', () => {
    const next = new Float32Array(1);
    const bits = new Uint32Array(next.buffer);
    // All neighbours that are finite; the midpoint of two halves is exact in float32.
    for (let half = 0; half < 0x7bff; half++) {
      const middle = (halfValues[half]! + halfValues[half + 1]!) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      next[0] = middle;
      bits[0]! += 1;
      const above = next[0];
      bits[0]! -= 2;
      const below = next[0];
      const received = [...toHalf(Float32Array.of(below, middle, above, -middle))];
      const expected = [half, even, half + 1, even | 0x8000];
      if (received.join() !== expected.join()) expect({ half, received }).toEqual({ half, received: expected });
    }
  });

  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [1e30, 0x7c00],
    [-1e30, 0xfc00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.001 * 2 ** -25, 0x0001],
    [-3 * 2 ** -25, 0x8002],
    [1e-40, 0x0000],
  ])('of %d is 0x%s', (value, half) => {
    expect(halfOf(value)).toBe(half);
  });

  it('keep what is not a number', () => {
    expect(halfValues[halfOf(Number.NaN)]).toBeNaN();
  });

  it('are off by at most half a unit in the last of 11 places', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const spacing = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value) || 1))) - 10);
        expect(Math.abs(halfValues[halfOf(value)]! - value)).toBeLessThanOrEqual(spacing / 2);
      }),
    );
  });
});

describe('a safetensors file of 16-bit floats', () => {
  const tensors = new Map([
    ['a', { shape: [3, 5], data: random(1).uniform([3, 5]) }],
    ['empty', { shape: [0], data: new Float32Array(0) }],
    ['scalar', { shape: [], data: Float32Array.of(0.1) }],
  ]);

  it('gives back its tensors rounded, and writes these again in the same bytes', () => {
    const bytes = writeSafetensors(tensors, { note: 'kept' }, 'F16');
    const read = readSafetensors(bytes);
    expect([...read.tensors.keys()].sort()).toEqual(['a', 'empty', 'scalar']);
    expect(read.metadata).toEqual({ note: 'kept' });
    for (const [name, { shape, data }] of tensors) {
      const rounded = toFloat32(new Uint8Array(toHalf(data).buffer), 'F16');
      expect(read.tensors.get(name)).toEqual({ shape, data: rounded });
    }
    expect(
      writeSafetensors(
        new Map([...tensors.keys()].map((name) => [name, read.tensors.get(name)!])),
        read.metadata,
        'F16',
      ),
    ).toEqual(bytes);
  });

  it('is half as long', () => {
    const large = new Map([['a', { shape: [1000], data: new Float32Array(1000) }]]);
    expect(writeSafetensors(large).byteLength - writeSafetensors(large, {}, 'F16').byteLength).toBe(2000);
  });
});
