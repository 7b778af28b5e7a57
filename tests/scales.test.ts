import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { outputSize, scaleSchedule } from '#src/pipelines/scales.js';

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
    expect(() => outputSize(content, size)).toThrow(`received '${size}'`);
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

  it('leaves out what is smaller than 96 pixels, or than the deepest layer needs', () => {
    const widths = (width: number, height: number, least?: number) =>
      scaleSchedule({ width, height }, { scales: 8, ...plan }, least).map((scale) => scale.width);
    expect(widths(191, 191)).toEqual([96, 191]);
    expect(widths(190, 190)).toEqual([190]);
    expect(widths(800, 190)).toEqual([800]);
    expect(widths(800, 800, 200)).toEqual([200, 400, 800]);
    expect(widths(800, 800, 201)).toEqual([400, 800]);
    expect(widths(10, 10)).toEqual([10]);
  });

  it('leaves out more where it starts from a picture', () => {
    const widths = (width: number, height: number) =>
      scaleSchedule({ width, height }, { scales: 8, ...plan, init: 'content' }).map((scale) => scale.width);
    expect(widths(512, 512)).toEqual([512]);
    expect(widths(1200, 600)).toEqual([600, 1200]);
    expect(widths(2400, 2400)).toEqual([300, 600, 1200, 2400]);
    const texture = { scales: 2, ...plan, init: 'content', contentWeight: 0 } as const;
    expect(scaleSchedule({ width: 288, height: 288 }, texture)).toHaveLength(2);
  });

  it('ends with the output, never has more scales than asked for, and every one but the last is large enough', () => {
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 300 }),
        (w, h, scales, least) => {
          const schedule = scaleSchedule({ width: w, height: h }, { scales, ...plan }, least);
          expect(schedule.at(-1)).toEqual({ width: w, height: h, steps: 100 });
          expect(schedule.length).toBeLessThanOrEqual(scales);
          for (const [i, scale] of schedule.slice(0, -1).entries()) {
            expect(Math.min(scale.width, scale.height)).toBeGreaterThanOrEqual(Math.max(96, least));
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
