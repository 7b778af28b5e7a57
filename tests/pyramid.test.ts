import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { imagePyramid } from '#src/optim/pyramid.js';
import { relativeError } from './support/numbers.js';
import { halving } from './support/pyramid.js';
import { random } from './support/random.js';

/** D of each level, for one channel. */
function dense(sizes: readonly (readonly [number, number])[]): Matrix[] {
  const [height, width] = sizes[0]!;
  const matrices = [Matrix.eye(height * width)];
  for (const [h, w] of sizes.slice(0, -1)) {
    matrices.push(halving(h).kroneckerProduct(halving(w)).mmul(matrices.at(-1)!));
  }
  return matrices;
}

describe('imagePyramid', () => {
  it('halves, and stops where there is nothing to halve', () => {
    expect(imagePyramid(3, 7, 12, 3).sizes).toEqual([
      [7, 12],
      [4, 6],
      [2, 3],
    ]);
    expect(imagePyramid(3, 5, 1, 4).sizes).toEqual([[5, 1]]);
    expect(imagePyramid(3, 9, 9, 1).sizes).toEqual([[9, 9]]);
    expect(imagePyramid(2, 3, 4, 9).sizes.at(-1)).toEqual([1, 1]);
  });

  it.each([
    [7, 5],
    [4, 9],
    [6, 6],
    [3, 2],
  ])('filters and halves, and spreads by the transpose, %i×%i', (height, width) => {
    const pyramid = imagePyramid(2, height, width, 3);
    const matrices = dense(pyramid.sizes);
    const values = random(71);
    const levels = pyramid.levels();
    levels[0]!.set(values.uniform([levels[0]!.length]));
    const image = levels[0]!.slice();
    pyramid.reduce(levels);
    const channel = (planes: Float32Array, c: number) =>
      Matrix.columnVector(Array.from(planes.subarray((c * planes.length) / 2, ((c + 1) * planes.length) / 2)));
    for (const [l, level] of levels.entries()) {
      for (const c of [0, 1]) {
        const expected = matrices[l]!.mmul(channel(image, c)).to1DArray();
        expect(relativeError(channel(level, c).to1DArray(), expected)).toBeLessThan(1e-6);
      }
    }
    for (const level of levels) level.set(values.uniform([level.length]));
    const given = levels.map((level) => level.slice());
    pyramid.spread(levels);
    for (const c of [0, 1]) {
      const expected = Matrix.zeros(height * width, 1);
      for (const [l, matrix] of matrices.entries()) expected.add(matrix.transpose().mmul(channel(given[l]!, c)));
      expect(relativeError(channel(levels[0]!, c).to1DArray(), expected.to1DArray())).toBeLessThan(1e-6);
    }
  });
});
