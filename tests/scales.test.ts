import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import type { Size } from '#src/image/size.js';
import { outputSize, sizeText, smallestSize } from '#src/image/size.js';
import { earlierScales, scaleSchedule } from '#src/stylize/scales.js';

const content = { width: 300, height: 200 };
const side = fc.integer({ min: 1, max: 5000 });

describe('outputSize', () => {
  it.each([
    [600, 600, 400],
    [150, 150, 100],
    [100, 100, 67],
    ['original' as const, 300, 200],
    ['800x100', 800, 100],
    ['1x7', 1, 7],
  ])('%s of a 300×200 picture is %i×%i', (size, width, height) => {
    expect(outputSize(content, size)).toEqual({ width, height });
  });

  it('makes the longer side as long as it is asked for, of any picture, and no side is 0', () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 16384 }), (width, height, longer) => {
        const size = outputSize({ width, height }, longer);
        expect(Math.max(size.width, size.height)).toBe(longer);
        expect(Math.min(size.width, size.height)).toBeGreaterThanOrEqual(1);
        // The shape is kept as well as whole pixels can.
        const shorter = (longer * Math.min(width, height)) / Math.max(width, height);
        expect(Math.abs(Math.min(size.width, size.height) - Math.max(1, shorter))).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(size.width >= size.height).toBe(width >= height || size.width === size.height);
      }),
      { seed: 1905 },
    );
  });

  it.each(['auto', '12', '12x', 'x12', '12 x 12'])("does not know '%s'", (size) => {
    expect(() => outputSize(content, size)).toThrow(FauveError);
    expect(() => outputSize(content, size)).toThrow(`received "${size}"`);
  });
});

const atLeast =
  (least = 1) =>
  ({ width, height }: Size) =>
    Math.min(width, height) >= least;

describe('a size as advice', () => {
  it('is the longer side where that gives it, and otherwise both sides', () => {
    fc.assert(
      fc.property(side, side, side, (width, height, longer) => {
        const [photo, size] = [{ width, height }, outputSize({ width, height }, longer)];
        expect(sizeText(size, photo)).toBe(String(longer));
        expect(outputSize(photo, Number(sizeText(size, photo)))).toEqual(size);
      }),
      { seed: 1905 },
    );
    expect(sizeText({ width: 300, height: 300 }, content)).toBe('300x300');
  });

  it('is the smallest that will do', () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 32 }), (width, height, least) => {
        const found = smallestSize({ width, height }, atLeast(least));
        if (!found) {
          expect(Math.min(width, height) / Math.max(width, height)).toBeLessThan(least / 16384);
          return;
        }
        expect(Math.min(found.width, found.height)).toBeGreaterThanOrEqual(least);
        const longer = Math.max(found.width, found.height);
        if (longer === 1) return;
        const less = outputSize({ width, height }, longer - 1);
        expect(Math.min(less.width, less.height)).toBeLessThan(least);
      }),
      { seed: 1905 },
    );
  });
});

describe('scaleSchedule', () => {
  const plan = { steps: 100, coarseSteps: 60, init: 'noise', contentWeight: 1 } as const;

  it('halves from scale to scale up to the size of the output', () => {
    expect(scaleSchedule({ width: 1024, height: 768 }, { scales: 3, ...plan })).toEqual([
      { width: 256, height: 192, steps: 60 },
      { width: 512, height: 384, steps: 60 },
      { width: 1024, height: 768, steps: 100 },
    ]);
  });

  it('works at the full size only when one scale is asked for', () => {
    expect(scaleSchedule({ width: 1024, height: 768 }, { scales: 1, ...plan })).toHaveLength(1);
  });

  it('leaves out only what cannot be, where a number is asked for', () => {
    const widths = (width: number, height: number, least?: number) =>
      scaleSchedule({ width, height }, { scales: 8, ...plan, init: 'content' }, atLeast(least)).map(
        (scale) => scale.width,
      );
    expect(widths(190, 190, 16)).toEqual([24, 48, 95, 190]);
    expect(widths(800, 190, 95)).toEqual([400, 800]);
    expect(widths(800, 800, 200)).toEqual([200, 400, 800]);
    expect(widths(800, 800, 201)).toEqual([400, 800]);
    expect(widths(10, 10)).toEqual([1, 1, 3, 5, 10]);
    expect(widths(10, 1)).toEqual([5, 10]);
  });

  it('with auto has two sizes, unless the smaller is below 96 pixels, or below 300 where it starts from a picture', () => {
    const widths = (width: number, height: number, more: object = {}) =>
      scaleSchedule({ width, height }, { scales: 'auto', ...plan, ...more }).map((scale) => scale.width);
    expect(widths(800, 800)).toEqual([400, 800]);
    expect(widths(191, 191)).toEqual([96, 191]);
    expect(widths(190, 190)).toEqual([190]);
    expect(widths(800, 190)).toEqual([800]);
    const picture = { init: 'content' };
    expect(widths(512, 512, picture)).toEqual([512]);
    expect(widths(1200, 600, picture)).toEqual([600, 1200]);
    expect(widths(2400, 2400, picture)).toEqual([1200, 2400]);
    expect(widths(288, 288, { ...picture, contentWeight: 0 })).toEqual([144, 288]);
    expect(scaleSchedule({ width: 800, height: 800 }, { scales: 'auto', ...plan }, atLeast(401))).toHaveLength(1);
  });

  it('does again what an earlier Fauve did with a number', () => {
    const earlier = (scales: number, side: number, init: 'content' | 'noise' = 'content') =>
      earlierScales({ ...plan, scales, init }, { width: side, height: side }).scales;
    // 2 was the default.
    expect([earlier(2, 512), earlier(2, 1024), earlier(1, 1024)]).toEqual(['auto', 'auto', 1]);
    expect([earlier(3, 512), earlier(3, 1024), earlier(3, 2400), earlier(8, 800, 'noise')]).toEqual([1, 2, 3, 4]);
  });

  it('ends with the output, never has more scales than asked for, and every one but the last is large enough', () => {
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 300 }),
        (w, h, scales, least) => {
          const schedule = scaleSchedule({ width: w, height: h }, { scales, ...plan }, atLeast(least));
          expect(schedule.at(-1)).toEqual({ width: w, height: h, steps: 100 });
          expect(schedule.length).toBeLessThanOrEqual(scales);
          for (const [i, scale] of schedule.slice(0, -1).entries()) {
            expect(Math.min(scale.width, scale.height)).toBeGreaterThanOrEqual(least);
            expect(scale.steps).toBe(60);
            const next = schedule[i + 1]!;
            expect(Math.abs(2 * scale.width - next.width)).toBeLessThanOrEqual(2);
            expect(Math.abs(2 * scale.height - next.height)).toBeLessThanOrEqual(2);
          }
        },
      ),
      { seed: 1905 },
    );
  });
});
