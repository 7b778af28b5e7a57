/** `npm run figure:trade-off -- FIGURES.json OUT.svg`: draws what bench:distilled measured, share against step time. */
import { readFileSync } from 'node:fs';
import { writeFileAtomically } from '#src/platform/node/files.js';
import { renderPlot } from '#src/platform/node/plot.js';

interface Figures {
  readonly networks: readonly { readonly name: string; readonly bytes: number }[];
  readonly goals: Readonly<Record<string, { readonly share: number; readonly time: number }>>;
  readonly sizes: readonly {
    readonly size: number;
    readonly seconds: Readonly<Record<string, { readonly evaluation: number }>>;
    readonly shares: Readonly<Record<string, number>>;
  }[];
}

const [file, output] = process.argv.slice(2);
if (file === undefined || output === undefined) {
  console.log('npm run figure:trade-off -- FIGURES.json OUT.svg|png');
  process.exit(2);
}
const { networks, goals, sizes } = JSON.parse(readFileSync(file, 'utf8')) as Figures;
const [teacher, ...students] = networks;
// Shares from the size with the most pairs, times from the largest.
const shares = sizes[0]!.shares;
const seconds = sizes.at(-1)!.seconds;

const [width, height, left, right, top, bottom] = [720, 440, 70, 700, 50, 380];
const points = students.map(({ name, bytes }) => ({
  name,
  megabytes: bytes / 1e6,
  time: seconds[name]!.evaluation / seconds[teacher!.name]!.evaluation,
  share: shares[name]!,
}));
const lowest =
  Math.floor(20 * Math.min(...points.map(({ share }) => share), ...Object.values(goals).map((g) => g.share)) - 0.5) /
  20;
// Room for the label of the slowest one.
const slowest = Math.max(0.4, ...points.map(({ time }) => 1.3 * time));
const x = (time: number) => left + ((right - left) * time) / slowest;
const y = (share: number) => bottom - ((bottom - top) * (share - lowest)) / (1 - lowest);
const text = (at: readonly [number, number], words: string, more = '') =>
  `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${words}</text>`;

const grid = [];
for (let share = lowest; share < 1.001; share += 0.05) {
  grid.push(`<line x1="${left}" x2="${right}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>`);
  grid.push(text([left - 8, y(share) + 4], `${Math.round(100 * share)} %`, 'text-anchor="end"'));
}
for (let time = 0; time <= slowest; time += 0.1) {
  grid.push(text([x(time), bottom + 20], time.toFixed(1), 'text-anchor="middle"'));
}
const wanted = Object.entries(goals).map(
  ([name, { share, time }]) =>
    `<path d="M${x(time)} ${top}V${y(share)}H${left}" fill="none" stroke="#999" stroke-dasharray="4 4"/>${text([left + 6, y(share) + 16], `goal of ${name}`, 'fill="#666"')}`,
);
/** Labels right of the dots, those of the left half in one column, moved apart where they would overlap. */
const LINE = 17;
const middle = (left + right) / 2;
const column = Math.max(...points.map(({ time }) => x(time)).filter((at) => at < middle));
const labels = [true, false].flatMap((isLeft) => {
  let lowestUsed = Number.NEGATIVE_INFINITY;
  return points
    .filter(({ time }) => x(time) < middle === isLeft)
    .toSorted((a, b) => b.share - a.share)
    .map((point) => {
      const at = Math.max(y(point.share), lowestUsed + LINE);
      lowestUsed = at;
      return { ...point, at, from: (isLeft ? column : x(point.time)) + 26 };
    });
});
const dots = labels.map(({ name, megabytes, time, share, at, from }) => {
  const radius = 3 + 1.6 * Math.sqrt(megabytes);
  return [
    `<line x1="${x(time) + radius}" y1="${y(share)}" x2="${from}" y2="${at}" stroke="#999"/>`,
    `<circle cx="${x(time)}" cy="${y(share)}" r="${radius}" fill="#2f6f9f" fill-opacity="0.75"/>`,
    text([from + 4, at + 4], `${name}, ${megabytes.toFixed(1)} MB`),
  ].join('');
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="12" fill="#222">
<title>Share of VGG-19’s own reduction of its loss against the time of a step, for each network</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${text([left, 28], 'Share of VGG-19’s own reduction of its loss, against the time of a step', 'font-size="15"')}
${[...grid, ...wanted, ...dots].join('\n')}
${text([(left + right) / 2, bottom + 44], 'time of a step without the optimiser over that of VGG-19, 512 pixels', 'text-anchor="middle"')}
</svg>
`;
await writeFileAtomically(output, await renderPlot(svg, output.endsWith('.png') ? 'png' : 'svg'));
