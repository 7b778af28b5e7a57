/** `npm run bench:train`: how fast a style network is trained. Run it on an idle machine. */
import { fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultTrainOptions } from '#src/training/style-network/options.js';
import { teacher } from './students.js';

/** What the process of a run tells. */
export interface StepFigures {
  /** Median of the whole loop: photos, engine, optimiser. */
  readonly secondsPerStep: number;
  /** Share of the loop's time that ONNX Runtime is not computing. */
  readonly outside: number;
  readonly peakMegabytes: number;
}

/** Most of that share. */
const GOAL = 0.05;

const usage = `npm run bench:train -- [options]
  --networks distilled,vgg19    loss networks; vgg19 where it is installed or in the shared folder
  --size 256         side of the crops in pixels
  --batch 4          photos in each step
  --rounds 9         steps that count, after three to warm up
  --shared ../shared where photos/ and weights/ are; without it the photos are the examples
  --json FILE        writes all figures`;

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: 'distilled,vgg19' },
    size: { type: 'string', default: '256' },
    batch: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '9' },
    shared: { type: 'string', default: '../shared' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const folder = join(values.shared, 'photos');
const photos = existsSync(folder) ? folder : 'examples/photos';
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
const { channels, blocks, kernels } = defaultTrainOptions;
console.log(`${machine}`);
console.log(
  `${values.batch} photos of ${values.size}² a step, style network of ${channels} channels, ${blocks} blocks\n`,
);
const print = (...cells: string[]) => console.log(cells.map((cell, i) => cell.padStart(i === 0 ? 16 : 18)).join(''));
print('loss network', 'images/s', 'step', 'outside of ORT', 'peak memory');

const rows: ({ readonly network: string; readonly imagesPerSecond: number } & StepFigures)[] = [];
for (const network of values.networks.split(',')) {
  if (network === 'vgg19' && !(await teacher(values.shared).catch(() => undefined))) {
    console.log('vgg19 is left out: it is neither installed (fauve models pull vgg19) nor in the shared folder.');
    continue;
  }
  const figures = await measure(network);
  const row = { network, imagesPerSecond: Number(values.batch) / figures.secondsPerStep, ...figures };
  rows.push(row);
  print(
    network,
    row.imagesPerSecond.toFixed(2),
    `${(1000 * row.secondsPerStep).toFixed(0)} ms`,
    `${(100 * row.outside).toFixed(1)} %`,
    `${row.peakMegabytes} MB`,
  );
}
console.log(
  `\nstep: the whole loop, with photos decoded meanwhile; median of ${values.rounds}. outside: of the loop's time, what is not inside of`,
);
console.log(
  `ONNX Runtime's run, measured in the thread that it runs in (goal: at most ${100 * GOAL} %). Memory: resident, peak.`,
);
if (values.json) {
  const report = { machine, date: new Date().toISOString(), size: Number(values.size), batch: Number(values.batch) };
  const network = { channels, blocks, kernels };
  writeFileSync(values.json, `${JSON.stringify({ ...report, network, goal: { outside: GOAL }, rows }, null, 2)}\n`);
}
process.exit(0);

function measure(network: string): Promise<StepFigures> {
  const args = [network, values.size, values.batch, values.rounds, photos, values.shared];
  const child = fork(fileURLToPath(new URL('./train-child.js', import.meta.url)), args);
  return new Promise((resolve, reject) => {
    child.once('message', (figures) => resolve(figures as StepFigures));
    child.once('exit', (code) => reject(new Error(`The process that trains ended with code ${code}.`)));
  });
}
