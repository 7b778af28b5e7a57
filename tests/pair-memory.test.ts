import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import loadWabt from 'wabt';
import type { CurvaturePair } from '#src/optim/lbfgs.js';
import { PairMemory } from '#src/optim/pair-memory.js';
import { rowsWasm } from '#src/optim/rows-wasm.js';
import { innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { random } from './support/random.js';

const values = random(71);
const somePairs = (count: number, length: number): CurvaturePair[] =>
  Array.from({ length: count }, () => ({ s: values.uniform([length], 0.1, 1), y: values.uniform([length], 0.1, 1) }));

describe.each([1, 15, 16, 17, 4096, 9001])('pairs of %d values', (length) => {
  const pairs = somePairs(5, length);
  const kept = pairs.slice(-3);
  const vector = values.uniform([length], 0.1, 1);
  // In one memory, and in as many as there can be: parts of sixteen values.
  it.each([
    ['one memory', 2 ** 20],
    ['several', 1],
  ] as const)('are the newest ones, in %s', (_, largest) => {
    const memory = new PairMemory(length, 3, largest);
    for (const pair of pairs) memory.push(pair);
    expect(memory.size).toBe(3);
    expect(memory.newest).toBe(pairs[4]);
    expect(memory.pairs()).toEqual(kept);
    for (const [side, rows] of [
      ['moves', kept.map(({ s }) => s)],
      ['changes', kept.map(({ y }) => y)],
    ] as const) {
      for (const [i, sum] of memory.dots(side, vector).entries())
        expect(relativeDifference(sum, innerProduct(rows[i]!, vector))).toBeLessThan(1e-6);
      const received = vector.slice();
      memory.add(received, Float64Array.of(0.5, -2, 3), side);
      const expected = Float64Array.from(
        vector,
        (v, i) => v + 0.5 * rows[0]![i]! - 2 * rows[1]![i]! + 3 * rows[2]![i]!,
      );
      expect(relativeError(received, expected)).toBeLessThan(1e-6);
    }
    for (let i = 0; i < 3; i++)
      for (let j = i; j < 3; j++)
        expect(relativeDifference(memory.product(i, j), innerProduct(kept[i]!.s, kept[j]!.y))).toBeLessThan(1e-6);
  });
});

describe('a memory', () => {
  it('for no pairs holds none', () => {
    const memory = new PairMemory(4, 0);
    memory.push(somePairs(1, 4)[0]!);
    expect(memory.size).toBe(0);
    expect(memory.newest).toBeUndefined();
    expect(memory.pairs()).toEqual([]);
  });

  it('that is cleared takes new pairs from the start', () => {
    const [first, second, third] = somePairs(3, 20);
    const memory = PairMemory.of([first!, second!]);
    memory.clear();
    expect(memory.size).toBe(0);
    expect(memory.newest).toBeUndefined();
    memory.push(third!);
    expect(memory.pairs()).toEqual([third]);
  });

  it('sums to the same last digit where its pairs lie in other rows', () => {
    const memory = new PairMemory(500, 4);
    for (const pair of somePairs(6, 500)) memory.push(pair);
    const [factors, vector] = [Float64Array.of(0.3, -0.7, 1.9, 0.1), values.uniform([500])];
    const sum = (of: PairMemory) => {
      const result = vector.slice();
      of.add(result, factors, 'changes');
      return result;
    };
    expect(sum(PairMemory.of(memory.pairs()))).toEqual(sum(memory));
  });

  it('gives copies: what is done to them does not come back', () => {
    const [pair] = somePairs(1, 20);
    const memory = PairMemory.of([pair!]);
    memory.pairs()[0]!.s.fill(9);
    pair!.y.fill(9);
    expect(memory.pairs()[0]!.s).toEqual(pair!.s);
    expect(memory.pairs()[0]!.y[0]).not.toBe(9);
  });
});

it('the kernels are those of rows.wat', async () => {
  const wabt = await loadWabt();
  const features = { simd: true, bulk_memory: true };
  const source = wabt.parseWat('rows.wat', readFileSync('src/optim/rows.wat', 'utf8'), features);
  expect(rowsWasm).toBe(Buffer.from(source.toBinary({}).buffer).toString('base64'));
});
