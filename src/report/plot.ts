import { anArray, anObject, aText, listOf, objectWith } from '../checks/checks.js';
/** One term of the loss over the steps: `total`, `content relu4_2`, `style relu1_1`, …, `total variation`. */
export interface LossSeries {
  readonly name: string;
  /** In the order of the steps. A value that is zero, negative or not finite leaves a gap: the axis is logarithmic. */
  readonly points: readonly LossPoint[];
}

export interface LossPoint {
  readonly step: number;
  readonly value: number;
}

export interface LossPlotOptions {
  readonly title?: string;
  /** What the axes show; `step` and `loss` by default. */
  readonly axes?: readonly [horizontal: string, vertical: string];
  /** Pixels; 860 by default. */
  readonly width?: number;
  /** Pixels; 500 by default. */
  readonly height?: number;
  /** Steps at which something changes, such as the scale: thin vertical lines with a label. */
  readonly boundaries?: readonly { readonly step: number; readonly label: string }[];
}

/** Where the curves are: the edges of the plot in pixels, what they stand for, and the two scales. */
interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly steps: Range;
  /** log₁₀ of the values at the bottom and at the top. */
  readonly decades: Range;
  readonly x: (step: number) => number;
  readonly y: (value: number) => number;
}

type Range = readonly [low: number, high: number];

/** A line, its colour and the darker one of its label. */
interface LineStyle {
  readonly colour: string;
  readonly ink: string;
  readonly width: number;
  readonly dash?: string;
}

interface Line {
  readonly name: string;
  readonly segments: readonly (readonly LossPoint[])[];
  readonly style: LineStyle;
}

const FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif";
const FONT_SIZE = 12;
const LINE_HEIGHT = 15;

/**
 * The loss curves as a figure: each term on a logarithmic axis against the steps, labelled at the end of its line.
 * @returns an SVG document; names, labels and the title are escaped
 */
export function lossPlotSvg(series: readonly LossSeries[], options: LossPlotOptions = {}): string {
  listOf(objectWith({ name: aText, points: anArray }, 'an object with name, points'), 'series')(series, 'lossPlotSvg');
  anObject(options, 'lossPlotSvg, options');
  const { title, axes = ['step', 'loss'], width = 860, height = 500, boundaries = [] } = options;
  const changes = boundaries.map(({ step }) => step).toSorted((a, b) => a - b);
  const styles = lineStyles(series.map((s) => s.name));
  const lines = series.map(({ name, points }, i): Line => {
    const segments = segmentsOf(points, changes);
    return { name: segments.length > 0 ? name : `${name} (no positive value)`, segments, style: styles[i]! };
  });
  const drawn = lines.flatMap((line) => line.segments).flat();
  const steps = extent(drawn, (p) => p.step, 0);
  const decades = extent(drawn, (p) => Math.log10(p.value), 0.04);

  const left = 64;
  const right = Math.round(width - 30 - lines.reduce((widest, line) => Math.max(widest, textWidth(line.name)), 40));
  const x = linear(steps, [left, right]);
  const marks = boundaryMarks(boundaries, steps, x, width);
  const top = (title ? 44 : 18) + LINE_HEIGHT * marks.reduce((rows, mark) => Math.max(rows, mark.row + 1), 0);
  const bottom = height - 50;
  const level = linear(decades, [bottom, top]);
  const frame: Frame = { left, right, top, bottom, steps, decades, x, y: (value) => level(Math.log10(value)) };

  // The widest line, the total, is drawn last: on top of its terms.
  const byWidth = lines.toSorted((a, b) => a.style.width - b.style.width);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${FONT}" font-size="${FONT_SIZE}">`,
    `<title>${escapeXml(title ?? 'Loss by step')}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...(title
      ? [`<text x="${left}" y="27" font-size="15" font-weight="bold" fill="#111">${escapeXml(title)}</text>`]
      : []),
    ...valueAxis(frame, axes[1]),
    ...stepAxis(frame, axes[0]),
    ...marks.map((mark) => boundaryLine(mark, frame)),
    ...byWidth.map((line) => curve(line, frame)),
    ...endLabels(lines, frame),
    '</svg>\n',
  ].join('\n');
}

/** Runs of points that a logarithmic axis can show. A run ends where a step changes the loss itself, such as a new scale. */
function segmentsOf(points: readonly LossPoint[], changes: readonly number[]): LossPoint[][] {
  const segments: LossPoint[][] = [];
  let run: LossPoint[] = [];
  let next = 0;
  for (const point of points) {
    const before = next;
    while (next < changes.length && changes[next]! <= point.step) next++;
    if (next > before) run = [];
    if (Number.isFinite(point.step) && Number.isFinite(point.value) && point.value > 0) {
      if (run.length === 0) segments.push(run);
      run.push(point);
    } else run = [];
  }
  return segments;
}

/** Least and greatest coordinate, with a margin (a share of the range); half a unit on both sides of a single one. */
function extent(points: readonly LossPoint[], coordinate: (point: LossPoint) => number, margin: number): Range {
  if (points.length === 0) return [0, 1];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const point of points) {
    low = Math.min(low, coordinate(point));
    high = Math.max(high, coordinate(point));
  }
  if (high - low < 1e-9) return [low - 0.5, high + 0.5];
  return [low - (high - low) * margin, high + (high - low) * margin];
}

function linear([from, to]: Range, [start, end]: Range): (value: number) => number {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** 1, 2 or 5 times a power of ten: about `count` of them fit into the range. */
function niceTicks([low, high]: Range, count: number, least = 0): number[] {
  const rough = Math.max((high - low) / count, least);
  const power = 10 ** Math.floor(Math.log10(rough) + 1e-9);
  const spacing = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / spacing - 1e-9);
  const last = Math.floor(high / spacing + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * spacing).toPrecision(12)));
}

/** Decades, with lighter lines at 2 and 5. Below one and a half decades those are labelled too, or any round numbers. */
function valueAxis({ left, right, top, bottom, decades, y }: Frame, label: string): string[] {
  const [low, high] = decades;
  const powers = Array.from({ length: Math.floor(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
  const inside = (value: number) => Math.log10(value) >= low && Math.log10(value) <= high;
  const every = Math.ceil((high - low) / 8);
  const majors = powers.filter((power) => power % every === 0).map((power) => 10 ** power);
  const minors = every > 1 ? [] : powers.flatMap((power) => [2 * 10 ** power, 5 * 10 ** power]);
  const narrow = high - low < 1.5;
  const few = [...majors, ...minors].filter(inside).length < 3;
  const round = few ? niceTicks([10 ** low, 10 ** high], 5).filter((value) => value > 0) : [];
  const tick = (value: number, label: string, colour: string) => {
    const at = coordinate(y(value));
    const text = label && `<text x="${left - 8}" y="${at}" dy="0.34em" text-anchor="end" fill="#444">${label}</text>`;
    const rule = `<line x1="${left}" x2="${right}" y1="${at}" y2="${at}" stroke="${colour}"/>`;
    return `<g class="value-tick" data-value="${Number(value.toPrecision(12))}">${rule}${text}</g>`;
  };
  const middle = coordinate((top + bottom) / 2);
  return [
    ...(few ? round : minors)
      .filter(inside)
      .map((v) => tick(v, narrow || few ? numberLabel(v) : '', few ? '#dedede' : '#f1f1f1')),
    ...(few ? [] : majors).filter(inside).map((v) => tick(v, narrow ? numberLabel(v) : powerLabel(v), '#dedede')),
    `<text transform="translate(17 ${middle}) rotate(-90)" text-anchor="middle" fill="#222">${escapeXml(label)}</text>`,
  ];
}

function stepAxis({ left, right, top, bottom, steps, x }: Frame, label: string): string[] {
  const ticks = niceTicks(steps, Math.max(2, (right - left) / 85), 1).map((step) => {
    const at = coordinate(x(step));
    const mark = `<line x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}" stroke="#333"/>`;
    return `<g class="step-tick">${mark}<text x="${at}" y="${bottom + 18}" text-anchor="middle" fill="#444">${step.toLocaleString('en')}</text></g>`;
  });
  return [
    `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#333"/>`,
    ...ticks,
    `<text x="${coordinate((left + right) / 2)}" y="${bottom + 38}" text-anchor="middle" fill="#222">${escapeXml(label)}</text>`,
  ];
}

interface BoundaryMark {
  readonly label: string;
  readonly x: number;
  /** The label's row above the plot. The later of two close ones is lower, so that its line crosses no label. */
  readonly row: number;
  readonly anchor: 'start' | 'end';
}

function boundaryMarks(
  boundaries: NonNullable<LossPlotOptions['boundaries']>,
  steps: Range,
  x: (step: number) => number,
  width: number,
): BoundaryMark[] {
  const taken: number[] = [];
  return boundaries
    .filter(({ step }) => step >= steps[0] && step <= steps[1])
    .toSorted((a, b) => b.step - a.step)
    .map(({ step, label }) => {
      const at = x(step);
      const anchor = at + textWidth(label) > width ? 'end' : 'start';
      const [start, end] = anchor === 'end' ? [at - textWidth(label), at] : [at, at + textWidth(label) + 10];
      const free = taken.findIndex((from) => from >= end);
      const row = free < 0 ? taken.length : free;
      taken[row] = start;
      return { label, x: coordinate(at), row, anchor };
    });
}

function boundaryLine({ label, x, row, anchor }: BoundaryMark, { top, bottom }: Frame): string {
  const base = top - 5 - row * LINE_HEIGHT;
  const text = `<text x="${x + (anchor === 'start' ? 4 : -4)}" y="${base}" text-anchor="${anchor}" font-size="11" fill="#666">${escapeXml(label)}</text>`;
  return `<g class="boundary"><line x1="${x}" x2="${x}" y1="${base - 9}" y2="${bottom}" stroke="#aaa" stroke-width="0.8"/>${text}</g>`;
}

function curve({ name, segments, style }: Line, frame: Frame): string {
  const { colour, width, dash } = style;
  const dense = segments.reduce((count, points) => count + points.length, 0) > 4 * (frame.right - frame.left);
  const dots = segments
    .filter((points) => points.length === 1)
    .map(([point]) => {
      const [cx, cy] = [coordinate(frame.x(point!.step)), coordinate(frame.y(point!.value))];
      return `<circle cx="${cx}" cy="${cy}" r="${width + 1}" fill="${colour}"/>`;
    });
  const path = segments
    .filter((points) => points.length > 1)
    .map((points) => pathData(points, frame, dense))
    .join('');
  const stroke = `stroke="${colour}" stroke-width="${dense ? width / 2 : width}"${dash ? ` stroke-dasharray="${dash}"` : ''}`;
  const data = path && `<path d="${path}" fill="none" ${stroke} stroke-linejoin="round"/>`;
  return `<g class="series" data-name="${escapeXml(name)}">${data}${dots.join('')}</g>`;
}

/** A line through the points; of a dense series the first, least, greatest and last of each pixel column. */
function pathData(points: readonly LossPoint[], { x, y }: Frame, dense: boolean): string {
  const pairs = points.map((p): [number, number] => [coordinate(x(p.step)), coordinate(y(p.value))]);
  const kept = dense ? columnExtremes(pairs) : pairs;
  return `M${kept.map((pair) => pair.join(' ')).join('L')}`;
}

function columnExtremes(pairs: readonly [number, number][]): [number, number][] {
  const kept: [number, number][] = [];
  for (let start = 0, end = 0; start < pairs.length; start = end) {
    const column = Math.floor(pairs[start]![0]);
    let [least, greatest] = [start, start];
    for (end = start; end < pairs.length && Math.floor(pairs[end]![0]) === column; end++) {
      if (pairs[end]![1] < pairs[least]![1]) least = end;
      if (pairs[end]![1] > pairs[greatest]![1]) greatest = end;
    }
    const indices = new Set([start, least, greatest, end - 1].sort((a, b) => a - b));
    for (const i of indices) kept.push(pairs[i]!);
  }
  return kept;
}

/** Names beside the ends of the lines, moved apart as little as possible; all are joined to their lines if one moved. */
function endLabels(lines: readonly Line[], { right, top, bottom, x, y }: Frame): string[] {
  const labels = lines
    .map(({ name, segments, style }) => {
      const last = segments.at(-1)?.at(-1);
      return { name, style, end: last && ([x(last.step), y(last.value)] as const) };
    })
    .toSorted((a, b) => (a.end?.[1] ?? bottom) - (b.end?.[1] ?? bottom));
  const heights = spread(
    labels.map((label) => label.end?.[1] ?? bottom),
    LINE_HEIGHT,
    [top, bottom],
  );
  const isEarly = (end: readonly [number, number]) => end[0] < right - 2;
  const joined = labels.some(({ end }, i) => end && (isEarly(end) || Math.abs(end[1] - heights[i]!) > 2));
  return labels.map(({ name, style, end }, i) => {
    const at = coordinate(heights[i]!);
    const leader =
      joined && end
        ? `<path d="M${coordinate(end[0] + 2)} ${coordinate(end[1])}L${right + 12} ${at}" fill="none" stroke="${style.colour}" stroke-width="0.8"${isEarly(end) ? ' stroke-dasharray="1 3"' : ''}/>`
        : '';
    const weight = style.width > 2 ? ' font-weight="bold"' : '';
    return `<g class="label">${leader}<text x="${right + (joined ? 15 : 7)}" y="${at}" dy="0.34em" fill="${style.ink}"${weight}>${escapeXml(name)}</text></g>`;
  });
}

/**
 * Positions at least `gap` apart and within the range, nearest to the wanted ones in the least-squares sense: with i·gap
 * taken off, the order is all that is asked for, and pooling neighbours that violate it is the optimum.
 * @param wanted in ascending order
 */
function spread(wanted: readonly number[], gap: number, [low, high]: Range): number[] {
  const space = Math.min(gap, (high - low) / Math.max(1, wanted.length - 1));
  const pools: { sum: number; count: number }[] = [];
  wanted.forEach((position, i) => {
    let pool = { sum: position - i * space, count: 1 };
    for (
      let before = pools.at(-1);
      before && before.sum / before.count > pool.sum / pool.count;
      before = pools.at(-1)
    ) {
      pool = { sum: pool.sum + before.sum, count: pool.count + before.count };
      pools.pop();
    }
    pools.push(pool);
  });
  const limit = high - (wanted.length - 1) * space;
  const levels = pools.flatMap(({ sum, count }) =>
    new Array<number>(count).fill(Math.min(Math.max(sum / count, low), limit)),
  );
  return levels.map((level, i) => level + i * space);
}

/** Total black; content in warm colours; style layers from dark blue to green, shallow to deep; total variation grey. */
function lineStyles(names: readonly string[]): LineStyle[] {
  const kindOf = (name: string) => (/^(content|style)\b/.exec(name)?.[1] ?? 'other') as 'content' | 'style' | 'other';
  const ramps = {
    content: [
      [0.58, 0.2, 35],
      [0.7, 0.16, 65],
    ],
    style: [
      [0.36, 0.15, 280],
      [0.74, 0.15, 150],
    ],
    other: [
      [0.5, 0.17, 310],
      [0.68, 0.15, 350],
    ],
  } as const;
  const terms = names.filter((name) => name !== 'total' && name !== 'total variation');
  return names.map((name) => {
    if (name === 'total') return { colour: '#111', ink: '#111', width: 2.4 };
    if (name === 'total variation') return { colour: '#888', ink: '#666', width: 1.5, dash: '5 3' };
    const alike = terms.filter((other) => kindOf(other) === kindOf(name));
    const share = alike.length > 1 ? alike.indexOf(name) / (alike.length - 1) : 0;
    const [from, to] = ramps[kindOf(name)];
    const [l, c, h] = from.map((start, i) => start + share * (to[i]! - start)) as [number, number, number];
    return { colour: oklch(l, c, h), ink: oklch(Math.min(l, 0.52), c, h), width: 1.5 };
  });
}

/** A colour by perceived lightness [0,1], chroma and hue in degrees (Ottosson 2020, OKLab) as sRGB, clipped. */
function oklch(lightness: number, chroma: number, hue: number): string {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((v) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  const byte = (v: number) =>
    Math.round(255 * Math.min(1, Math.max(0, v)))
      .toString(16)
      .padStart(2, '0');
  return `#${rgb.map(byte).join('')}`;
}

const coordinate = (value: number): number => Number(value.toFixed(2));

/** About the width of a text in pixels: there is no font to measure with here. */
const textWidth = (text: string): number => text.length * FONT_SIZE * 0.54;

const powerLabel = (value: number): string =>
  `10<tspan dy="-0.45em" font-size="9">${String(Math.round(Math.log10(value))).replace('-', '−')}</tspan>`;

function numberLabel(value: number): string {
  if (value >= 1e-4 && value < 1e6) return value.toLocaleString('en', { maximumSignificantDigits: 6 });
  const power = Math.floor(Math.log10(value) + 1e-9);
  const factor = Number((value / 10 ** power).toPrecision(6));
  return factor === 1 ? powerLabel(value) : `${factor}×${powerLabel(10 ** power)}`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
