/** `node dist/bench/compare-curves.js NAME=FILE.csv … -o PLOT.svg`: the total loss of several runs of `fauve train` in one plot. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lossPlotSvg } from '#src/index.node.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', short: 'o' },
    title: { type: 'string', default: 'Total loss' },
    column: { type: 'string', default: 'total' },
    window: { type: 'string', default: '10' },
  },
});
if (values.output === undefined || positionals.length === 0) {
  console.log(
    'node dist/bench/compare-curves.js NAME=FILE.csv … -o PLOT.svg [--title T] [--column total] [--window 10]',
  );
  process.exit(2);
}
const window = Number(values.window);
const series = positionals.map((argument) => {
  const [, name = '', file = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const column = header.split(',').indexOf(values.column);
  const all = lines.map((line) => ({ step: Number(line.split(',')[0]), value: Number(line.split(',')[column]) }));
  // Each point is the mean of as many iterations: single photos differ too much.
  const points = [];
  for (let i = 0; i + window <= all.length; i += window) {
    const part = all.slice(i, i + window);
    points.push({ step: part.at(-1)!.step, value: part.reduce((sum, { value }) => sum + value, 0) / window });
  }
  return { name, points };
});
writeFileSync(values.output, lossPlotSvg(series, { title: values.title, axes: ['iteration', values.column] }));
