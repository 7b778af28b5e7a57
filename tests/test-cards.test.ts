import { describe, expect, it } from 'vitest';
import { createImage } from '#src/image/image.js';
import { testCards, unevenness } from '#src/training/style-network/test-cards.js';

describe('test cards', () => {
  const size = 64;
  const painted = (value: (x: number, y: number) => number) =>
    createImage(
      size,
      size,
      Float32Array.from({ length: 3 * size * size }, (_, i) => value(i % size, Math.floor(i / size) % size)),
    );

  it('are flat, or even from left to right', () => {
    const cards = testCards(size);
    expect(cards.map(({ name }) => name)).toEqual(['grey', 'white', 'gradient']);
    for (const { image } of cards) {
      expect([image.width, image.height]).toEqual([size, size]);
      expect(unevenness(image)).toBeLessThan(1e-7);
    }
    const [, , { image } = { image: painted(() => 0) }] = cards;
    expect([image.data[0], image.data[size - 1], image.data[size]]).toEqual([0, 1, 0]);
  });

  it('score what a network paints into them of its own', () => {
    expect(unevenness(painted((x, y) => (x + y) % 2))).toBeLessThan(1e-7);
    expect(unevenness(painted((x, y) => Number(x >= 16 && x < 24 && y >= 40 && y < 48)))).toBeCloseTo(0.117, 3);
    const blotch = unevenness(painted((x, y) => 0.5 + 0.2 * Math.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 100)));
    const faint = unevenness(painted((x, y) => 0.5 + 0.1 * Math.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 100)));
    expect(blotch).toBeCloseTo(2 * faint, 6);
    expect(unevenness(painted((_, y) => y / size))).toBeGreaterThan(0.25);
  });
});
