import { describe, expect, it } from 'vitest';
import { flagOf } from '../cli/flag-name.js';
import { parseStyle } from '../cli/inputs.js';
import { parseLayers } from '../cli/option-flags.js';
import { redoPath, stepPath } from '../cli/outputs.js';
import { durationText, timeEstimate } from '../cli/time-left.js';

describe('arguments', () => {
  it.each([
    ['wave.jpg', { path: 'wave.jpg' }],
    ['wave.jpg:0.5', { path: 'wave.jpg', weight: 0.5 }],
    ['wave.jpg:2e-1', { path: 'wave.jpg', weight: 0.2 }],
    ['C:\\art\\wave.jpg', { path: 'C:\\art\\wave.jpg' }],
    ['C:\\art\\wave.jpg:3', { path: 'C:\\art\\wave.jpg', weight: 3 }],
    ['C:/art/wave.jpg', { path: 'C:/art/wave.jpg' }],
    ['a:1/wave.jpg', { path: 'a:1/wave.jpg' }],
    ['12:30.jpg', { path: '12:30.jpg' }],
  ])('the style %s', (text, expected) => {
    expect(parseStyle(text)).toEqual(expected);
  });

  it.each(['wave.jpg:0', 'wave.jpg:-2', 'wave.jpg:1e999', 'wave.jpg:Infinity'])('the style %s is refused', (text) => {
    expect(() => parseStyle(text)).toThrow(/positive number/);
  });

  it('layers with and without weights', () => {
    expect(parseLayers('relu4_2')).toEqual({ relu4_2: 1 });
    expect(parseLayers('relu4_2:0.5, relu3_1:0')).toEqual({ relu4_2: 0.5, relu3_1: 0 });
    for (const text of ['', 'relu4_2,', 'relu4_2:', 'relu4_2:-1', 'relu4_2:NaN', 'relu4_2,relu4_2:2', 'conv1']) {
      expect(() => parseLayers(text)).toThrow();
    }
  });

  it('options as flags', () => {
    expect(['size', 'contentWeight', 'tvNorm', 'beta1'].map(flagOf)).toEqual([
      ...['--size', '--content-weight', '--tv-norm', '--beta1'],
    ]);
  });
});

describe('names of files', () => {
  it('beside the output', () => {
    expect(stepPath('a.b/out.png', 50)).toBe('a.b/out.step-0050.png');
    expect(stepPath('out.jpeg', 12345)).toBe('out.step-12345.jpeg');
    expect(redoPath('a.b/out.TIF')).toBe('a.b/out.redo.TIF');
    expect(redoPath('a.b/out')).toBe('a.b/out.redo.png');
  });
});

describe('the time left', () => {
  it('counts a step by its pixels', () => {
    const estimate = timeEstimate([
      { width: 10, height: 10, steps: 3 },
      { width: 20, height: 20, steps: 2 },
    ]);
    expect(estimate(1, 0, 5)).toBeNaN();
    // One small step takes a second, two large ones four seconds each.
    expect(estimate(2, 0, 6)).toBeCloseTo(1 + 8);
    expect(estimate(3, 0, 7)).toBeCloseTo(8);
    expect(estimate(4, 1, 11)).toBeCloseTo(4);
    expect(estimate(5, 1, 15)).toBe(0);
  });

  it('is said in words', () => {
    expect([0.4, 59, 99.4, 100, 3540, 3900].map(durationText)).toEqual([
      ...['0 s', '59 s', '99 s', '2 min', '59 min', '1 h 05 min'],
    ]);
  });
});
