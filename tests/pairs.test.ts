import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import loadWabt from 'wabt';
import type { CurvaturePair, Pairs } from '#src/optim/pairs.js';
import { WasmPairs } from '#src/optim/wasm/pairs.js';
import { rowsWasm } from '#src/optim/wasm/rows.js';
import { innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { filled, memories } from './support/optimisation.js';
import { random } from './support/random.js';

const values = random(71);
const somePairs = (count: number, length: number): CurvaturePair[] =>
  Array.from({ length: count }, () => ({ s: values.uniform([length], 0.1, 1), y: values.uniform([length], 0.1, 1) }));

/** Both loops by their definition, in 64 bits throughout; the second starts from the vector that the first ends with. */
function loops(pairs: readonly CurvaturePair[], vector: Float32Array) {
  const q = Float64Array.from(vector);
  const alpha = new Float64Array(pairs.length);
  const add = (to: Float64Array, factor: number, row: Float32Array) => {
    for (let i = 0; i < to.length; i++) to[i]! += factor * row[i]!;
  };
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y } = pairs[i]!;
    alpha[i] = innerProduct(s, q) / innerProduct(s, y);
    add(q, -alpha[i]!, y);
  }
  const r = q.slice();
  for (const [i, { s, y }] of pairs.entries()) add(r, alpha[i]! - innerProduct(y, r) / innerProduct(s, y), s);
  return { alpha, q, r };
}

const kinds: typeof memories = [
  ...memories,
  // As many memories as there can be: parts of sixteen values.
  ['WebAssembly, in several parts', (length, capacity) => new WasmPairs(length, capacity, 1)],
];

describe.each(kinds)('pairs in %s', (_, make) => {
  it.each([1, 15, 16, 17, 4096, 9001])('of %d values are the newest ones', (length) => {
    const pairs = somePairs(5, length);
    const kept = pairs.slice(-3);
    const memory = filled(make(length, 3), pairs);
    expect(memory.size).toBe(3);
    expect(memory.newest).toBe(pairs[4]);
    expect(memory.copies()).toEqual(kept);
  });

  it.each([1, 15, 16, 17, 4096, 9001])('of %d values are looped over as the book says', (length) => {
    const pairs = somePairs(5, length);
    const vector = values.uniform([length], 0.1, 1);
    const expected = loops(pairs.slice(-3), vector);
    const memory = filled(make(length, 3), pairs);
    const q = vector.slice();
    const alpha = memory.firstLoop(q);
    // Nothing cancels in the newest pair's; what is left of the vector may be much smaller than it was.
    expect(relativeDifference(alpha[2]!, expected.alpha[2]!)).toBeLessThan(1e-6);
    expect(relativeError(alpha, expected.alpha)).toBeLessThan(1e-6);
    const size = Math.sqrt(innerProduct(vector, vector));
    const off = q.map((value, i) => value - expected.q[i]!);
    expect(Math.sqrt(innerProduct(off, off)) / size).toBeLessThan(1e-6);
    const r = Float32Array.from(expected.q);
    memory.secondLoop(r, expected.alpha);
    expect(relativeError(r, expected.r)).toBeLessThan(1e-6);
  });

  it('where there is room for none are none', () => {
    const memory = filled(make(4, 0), somePairs(1, 4));
    expect(memory.size).toBe(0);
    expect(memory.newest).toBeUndefined();
    expect(memory.copies()).toEqual([]);
  });

  it('that are cleared make way for new ones', () => {
    const [first, second, third] = somePairs(3, 20) as [CurvaturePair, CurvaturePair, CurvaturePair];
    const memory = filled(make(20, 2), [first, second]);
    memory.clear();
    expect(memory.size).toBe(0);
    expect(memory.newest).toBeUndefined();
    memory.push(third);
    expect(memory.copies()).toEqual([third]);
  });

  it('give the same last digits wherever they lie', () => {
    const memory = filled(make(500, 4), somePairs(6, 500));
    const vector = values.uniform([500]);
    const both = (of: Pairs) => {
      const [q, r] = [vector.slice(), vector.slice()];
      const alpha = of.firstLoop(q);
      of.secondLoop(r, alpha);
      return { q, r, alpha };
    };
    expect(both(filled(make(500, 4), memory.copies()))).toEqual(both(memory));
  });

  it('come out as copies: what is done to them does not come back', () => {
    const [pair] = somePairs(1, 20) as [CurvaturePair];
    const memory = filled(make(20, 1), [pair]);
    memory.copies()[0]!.s.fill(9);
    expect(memory.copies()).toEqual([pair]);
  });
});

it('pairs in WebAssembly are copies from the start: what is done to the arrays afterwards does not come in', () => {
  const [pair] = somePairs(1, 20) as [CurvaturePair];
  const memory = filled(new WasmPairs(20, 1), [pair]);
  pair.y.fill(9);
  expect(memory.copies()[0]!.y[0]).not.toBe(9);
});

it('the kernels are those of rows.wat', async () => {
  const wabt = await loadWabt();
  const features = { simd: true, bulk_memory: true };
  const source = wabt.parseWat('rows.wat', readFileSync('src/optim/wasm/rows.wat', 'utf8'), features);
  expect(rowsWasm).toBe(Buffer.from(source.toBinary({}).buffer).toString('base64'));
});
