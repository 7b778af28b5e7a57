import { describe, expect, it } from 'vitest';
import { renderPlot } from '#src/platform/node/plot.js';
import { lossPlotSvg } from '#src/report/plot.js';

const series = (name: string, value: (step: number) => number, steps = 50) => ({
  name,
  points: Array.from({ length: steps }, (_, step) => ({ step, value: value(step) })),
});

const TERMS = [
  series('total', (t) => 0.05 + Math.exp(-t / 9)),
  series('content relu4_2', (t) => 0.3 - 0.2 * Math.exp(-t / 5)),
  ...[1, 2, 3, 4, 5].map((block) => series(`style relu${block}_1`, (t) => 0.002 * block + Math.exp(-t / (3 + block)))),
  series('total variation', () => 0.006),
];

/** Pixels of each labelled value of the vertical axis. */
function valueTicks(svg: string): Map<number, number> {
  const ticks = svg.matchAll(/<g class="value-tick" data-value="([^"]+)"><line [^>]*y1="([^"]+)"/g);
  return new Map([...ticks].map(([, value, y]) => [Number(value), Number(y)]));
}

function pathOf(svg: string, name: string): { runs: [number, number][][]; dots: number } {
  const group = svg.split(`<g class="series" data-name="${name}">`)[1]!.split('</g>')[0]!;
  const data = /<path d="([^"]*)"/.exec(group)?.[1] ?? '';
  const runs = data.split('M').slice(1);
  return {
    runs: runs.map((run) => run.split('L').map((pair) => pair.split(' ').map(Number) as [number, number])),
    dots: group.split('<circle').length - 1,
  };
}

const labelHeights = (svg: string): number[] =>
  [...svg.matchAll(/<g class="label">.*?<text x="[^"]+" y="([^"]+)"/g)].map(([, y]) => Number(y)).sort((a, b) => a - b);

describe('the axes', () => {
  it('puts every decade the same number of pixels apart', () => {
    const ticks = valueTicks(lossPlotSvg(TERMS));
    const distances = [0.01, 0.1].map((value) => ticks.get(value)! - ticks.get(value * 10)!);
    expect(distances[0]).toBeGreaterThan(50);
    expect(distances[1]).toBeCloseTo(distances[0]!, 1);
    expect(ticks.get(0.02)! - ticks.get(0.2)!).toBeCloseTo(distances[0]!, 1);
  });

  it('draws a value at the height of its tick', () => {
    const svg = lossPlotSvg([series('total', (t) => 10 ** -t, 5)]);
    const ticks = valueTicks(svg);
    const heights = pathOf(svg, 'total').runs[0]!.map(([, y]) => y);
    [1, 0.1, 0.01, 0.001, 0.0001].forEach((value, i) => {
      expect(heights[i]).toBeCloseTo(ticks.get(value)!, 1);
    });
  });

  it('has at least two labelled values when the range is far below a decade', () => {
    const ticks = valueTicks(lossPlotSvg([series('total', (t) => 3.01 + t * 0.002)]));
    expect(ticks.size).toBeGreaterThanOrEqual(2);
  });

  it.each([1e-30, 1e30])('labels few decades when there are many (%s)', (factor) => {
    expect(valueTicks(lossPlotSvg([series('total', (t) => factor ** (t / 49))])).size).toBeLessThanOrEqual(10);
  });

  it('marks whole steps only', () => {
    const svg = lossPlotSvg([series('total', (t) => t + 1, 3)]);
    const labels = [...svg.matchAll(/<g class="step-tick">.*?>([^<>]+)<\/text>/g)].map(([, label]) => label);
    expect(labels).toEqual(['0', '1', '2']);
  });
});

describe('the lines', () => {
  it('names every term once', () => {
    const svg = lossPlotSvg(TERMS);
    for (const { name } of TERMS) expect(svg.split(`>${name}</text>`)).toHaveLength(2);
  });

  it('keeps the labels apart and inside, even where all lines end together', () => {
    const same = TERMS.map(({ name }) => series(name, (t) => 1 / (1 + t)));
    const heights = labelHeights(lossPlotSvg(same, { height: 400 }));
    expect(heights).toHaveLength(TERMS.length);
    heights.slice(1).forEach((y, i) => {
      expect(y - heights[i]!).toBeGreaterThanOrEqual(14.9);
    });
    expect(heights[0]).toBeGreaterThan(0);
    expect(heights.at(-1)).toBeLessThanOrEqual(350);
  });

  it('leaves a gap where a value is zero, negative or not finite', () => {
    const gaps = new Map([
      [10, 0],
      [20, -1],
      [30, Number.NaN],
      [40, Number.POSITIVE_INFINITY],
    ]);
    const svg = lossPlotSvg([series('total', (t) => gaps.get(t) ?? 1 + t)]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(pathOf(svg, 'total').runs.map((run) => run.length)).toEqual([10, 9, 9, 9, 9]);
  });

  it('shows a single point as a dot', () => {
    const svg = lossPlotSvg([series('total', () => 0.3, 1)]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(pathOf(svg, 'total')).toEqual({ runs: [], dots: 1 });
  });

  it('names a term without a positive value, and stands having no terms at all', () => {
    const svg = lossPlotSvg([series('total', () => 1), series('total variation', () => 0)]);
    expect(svg).toContain('total variation (no positive value)');
    expect(lossPlotSvg([])).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('thins a long series and keeps its extremes and its ends', () => {
    const value = (t: number) => (t === 12345 ? 1000 : t === 23456 ? 1e-4 : 1 + 0.5 * Math.sin(t * 1.7));
    const long = lossPlotSvg([series('total', value, 30000)]);
    const ticks = valueTicks(long);
    const [run] = pathOf(long, 'total').runs as [[number, number][]];
    expect(run.length).toBeLessThan(4 * 860);
    const heights = run.map(([, y]) => y);
    expect(Math.min(...heights)).toBeCloseTo(ticks.get(1000)!, 1);
    expect(Math.max(...heights)).toBeCloseTo(ticks.get(1e-4)!, 1);
    expect(run.map(([x]) => x)).toEqual(run.map(([x]) => x).sort((a, b) => a - b));
    const decade = ticks.get(0.1)! - ticks.get(1)!;
    expect(run[0]![1]).toBeCloseTo(ticks.get(1)! - decade * Math.log10(value(0)), 0);
    expect(run.at(-1)![1]).toBeCloseTo(ticks.get(1)! - decade * Math.log10(value(29999)), 0);
  });
});

describe('boundaries', () => {
  const boundaries = [
    { step: 0, label: '128 px' },
    { step: 20, label: '256 px' },
    { step: 21, label: '512 px' },
    { step: 900, label: 'never reached' },
  ];

  it('marks each with a line and a label, and breaks the curves there', () => {
    const svg = lossPlotSvg(TERMS, { boundaries });
    expect(svg.split('<g class="boundary">')).toHaveLength(4);
    for (const { label } of boundaries.slice(0, 3)) expect(svg).toContain(`>${label}</text>`);
    expect(svg).not.toContain('never reached');
    const { runs, dots } = pathOf(svg, 'total');
    expect([runs.map((run) => run.length), dots]).toEqual([[20, 29], 1]);
  });

  it('puts the labels of close boundaries into two rows', () => {
    const svg = lossPlotSvg(TERMS, { boundaries });
    const rows = [...svg.matchAll(/<g class="boundary">.*?<text x="[^"]+" y="([^"]+)"[^>]*>([^<]+)/g)];
    const row = new Map(rows.map(([, y, label]) => [label, Number(y)]));
    expect(row.get('512 px')! - row.get('256 px')!).toBeGreaterThan(10);
    expect(row.get('512 px')).toBe(row.get('128 px'));
  });
});

describe('the file', () => {
  it('escapes names, labels and the title', () => {
    const svg = lossPlotSvg([series('<b> & "c"', () => 1)], {
      title: 'a < b & c',
      boundaries: [{ step: 3, label: '</svg>' }],
    });
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).toContain('&lt;/svg&gt;');
    expect(svg).toContain('data-name="&lt;b&gt; &amp; &quot;c&quot;"');
    expect(svg.split('</svg>')).toHaveLength(2);
  });

  it('is written as UTF-8 SVG or as PNG of twice the size', async () => {
    const svg = lossPlotSvg(TERMS, { width: 600, height: 400, title: '10⁻³' });
    expect(new TextDecoder().decode(await renderPlot(svg, 'svg'))).toBe(svg);
    const png = Buffer.from(await renderPlot(svg, 'png'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1200, 800]);
  });

  it('says what to do about an SVG that cannot be drawn', async () => {
    await expect(renderPlot('<svg', 'png')).rejects.toThrow(/cannot be drawn as PNG.*Write it as SVG/);
  });
});
