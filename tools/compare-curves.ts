/** `npm run figure:curves -- NAME=FILE.csv … -o PLOT.svg`: the total loss of several training runs, or several columns of one, in one plot. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lossPlotSvg } from '#src/pictures.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', short: 'o' },
    title: { type: 'string', default: 'Total loss' },
    columns: { type: 'string', default: 'total' },
    window: { type: 'string', default: '10' },
  },
});
if (values.output === undefined || positionals.length === 0) {
  console.log('npm run figure:curves -- NAME=FILE.csv … -o PLOT.svg [--title T] [--columns total] [--window 10]');
  process.exit(2);
}
const window = Number(values.window);
const columns = values.columns.split(',');
const series = positionals.flatMap((argument) => {
  const [, name = '', file = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const rows = lines.map((line) => line.split(',').map(Number));
  return columns.map((column) => {
    const at = header.split(',').indexOf(column);
    if (at < 0) throw new Error(`${file} has no column '${column}'; it has ${header}.`);
    // Each point is the mean of as many iterations: single photos differ too much.
    const points = [];
    for (let i = 0; i + window <= rows.length; i += window) {
      const part = rows.slice(i, i + window);
      points.push({ step: part.at(-1)![0]!, value: part.reduce((sum, row) => sum + row[at]!, 0) / window });
    }
    return { name: columns.length > 1 ? column : name, points };
  });
});
const [only = ''] = columns;
const axes = ['iteration', columns.length > 1 ? 'loss' : only] as const;
writeFileSync(values.output, lossPlotSvg(series, { title: values.title, axes }));
