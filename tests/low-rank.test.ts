import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressGram, compressSizes, gramOfLayer } from '#src/styles/compress.js';
import {
  eigenFactor,
  gramOfFactor,
  nystromFactor,
  ranksWithin,
  relativeError,
  type SquareMatrix,
  spectrumOf,
} from '#src/styles/low-rank.js';
import { random } from './support/random.js';

/** The Gram matrix of `samples` random vectors of `size` channels, not negative as after ReLU. */
function gram(size: number, samples: number, seed: number): SquareMatrix {
  const f = random(seed).uniform([size, samples], 0, 1);
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let p = 0; p < samples; p++) data[i * size + j]! += f[i * samples + p]! * f[j * samples + p]!;
    }
  }
  return { size, data };
}

const anyGram = fc
  .record({ size: fc.integer({ min: 1, max: 12 }), samples: fc.integer({ min: 1, max: 20 }), seed: fc.nat(1e6) })
  .map(({ size, samples, seed }) => gram(size, samples, seed));

describe('the leading eigenvectors', () => {
  it('lose less with every rank, nothing at the full one, and exactly what Eckart and Young say', () => {
    fc.assert(
      fc.property(anyGram, (matrix) => {
        const spectrum = spectrumOf(matrix);
        const power = Math.hypot(...spectrum.values);
        let before = Number.POSITIVE_INFINITY;
        for (let rank = 0; rank <= matrix.size; rank++) {
          const error = relativeError(matrix.data, gramOfFactor(eigenFactor(spectrum, rank)));
          expect(error).toBeLessThanOrEqual(before + 1e-6);
          expect(error).toBeCloseTo(Math.hypot(0, ...spectrum.values.slice(rank)) / power, 5);
          before = error;
        }
        expect(before).toBeLessThan(1e-5);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('are sorted, and none is negative', () => {
    const { values } = spectrumOf(gram(10, 4, 3));
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(values[4]! / values[0]!).toBeLessThan(1e-12);
  });
});

describe('the Nyström approximation', () => {
  it('is exact with as many columns as the matrix has rank, and never better than the eigenvectors', () => {
    fc.assert(
      fc.property(anyGram, fc.nat(1000), (matrix, seed) => {
        const spectrum = spectrumOf(matrix);
        for (const rank of [1, Math.ceil(matrix.size / 2), matrix.size]) {
          const drawn = relativeError(matrix.data, gramOfFactor(nystromFactor(matrix, rank, seed)));
          const best = relativeError(matrix.data, gramOfFactor(eigenFactor(spectrum, rank)));
          expect(drawn).toBeGreaterThanOrEqual(best - 1e-5);
          if (rank === matrix.size) expect(drawn).toBeLessThan(1e-3);
        }
      }),
      { seed: 2, numRuns: 60 },
    );
    expect(relativeError(gram(12, 3, 5).data, gramOfFactor(nystromFactor(gram(12, 3, 5), 3, 7)))).toBeLessThan(1e-5);
  });

  it('is the same for the same seed, and keeps the columns that it draws', () => {
    const matrix = gram(9, 30, 4);
    const [a, b] = [nystromFactor(matrix, 4, 11), nystromFactor(matrix, 4, 11)];
    expect(a).toEqual(b);
    const approximation = gramOfFactor(a);
    const kept = Array.from({ length: 9 }, (_, column) =>
      Array.from({ length: 9 }, (_, i) => Math.abs(approximation[i * 9 + column]! - matrix.data[i * 9 + column]!)),
    ).filter((differences) => Math.max(...differences) < 1e-4);
    expect(kept.length).toBeGreaterThanOrEqual(4);
  });
});

describe('ranks within a number of values', () => {
  it('take the least error for the room', () => {
    const spectra = [
      { size: 4, values: [10, 1, 0, 0] },
      { size: 2, values: [5, 4] },
    ];
    expect(ranksWithin(spectra, 8)).toEqual([1, 2]);
    expect(ranksWithin(spectra, 12)).toEqual([2, 2]);
    expect(ranksWithin(spectra, 1000)).toEqual([2, 2]);
    expect(ranksWithin(spectra, 0)).toEqual([0, 0]);
  });

  it('are never more than the room, and never leave out a larger eigenvector', () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 });
    const spectra = fc.array(
      values.map((all) => ({ size: all.length, values: all.sort((a, b) => b - a) })),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(spectra, fc.nat(100), (all, room) => {
        const ranks = ranksWithin(all, room);
        expect(ranks.reduce((sum, rank, i) => sum + rank * all[i]!.size, 0)).toBeLessThanOrEqual(room);
        for (const [i, rank] of ranks.entries()) expect(rank).toBeLessThanOrEqual(all[i]!.size);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});

describe('a Gram matrix in 8-bit steps', () => {
  it('keeps the power of each channel whatever the rank, and all at the full rank', () => {
    const matrix = gram(16, 40, 6);
    const spectrum = spectrumOf(matrix);
    let before = 1;
    for (const rank of [0, 1, 4, 16]) {
      const layer = compressGram(matrix.data, eigenFactor(spectrum, rank));
      expect(layer.factor.shape).toEqual([16, rank + 1]);
      expect(layer.factor.data.every((value) => Number.isInteger(value) && Math.abs(value) <= 127)).toBe(true);
      const back = gramOfLayer(layer);
      for (let i = 0; i < 16; i++) expect(back[i * 17]! / matrix.data[i * 17]!).toBeCloseTo(1, 1);
      const error = relativeError(matrix.data, back);
      expect(error).toBeLessThan(before);
      before = error;
    }
    expect(before).toBeLessThan(0.01);
  });

  it('stays within its bytes', () => {
    const layers = Object.fromEntries(
      [8, 16, 32].map((k, i) => {
        const statistics = random(k).uniform([2 * k], 0, 1);
        return [`relu${i + 1}_1`, { gram: Float32Array.from(gram(k, 50, k).data), statistics }];
      }),
    );
    for (const bytes of [2000, 3000, 1e6]) {
      const [{ layers: kept }] = compressSizes([{ size: 256, layers }], bytes) as [ReturnType<typeof compressSizes>[0]];
      const used = Object.values(kept).reduce(
        (sum, { factor, steps, statistics }) =>
          sum + factor.data.length + 2 * steps.data.length + 2 * statistics.data.length,
        0,
      );
      expect(used).toBeLessThan(bytes);
      if (bytes === 1e6) expect(kept.relu3_1!.factor.shape).toEqual([32, 33]);
    }
  });
});
