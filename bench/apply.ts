/** `npm run bench:apply`: what one picture costs with a trained network. Run it on an idle machine. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { noiseImage } from '#src/image/noise.js';
import { loadEngine, startEngine } from '#src/platform/node/engine.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { apply } from '#src/style-network/apply.js';
import { styleShares } from '#src/style-network/code.js';
import { openStyleNetwork, type Precision } from '#src/style-network/open.js';

const usage = `npm run bench:apply -- [options]
  --model fast                       a network, by its name or its file
  --sizes 256x256,…,1920x1080        sizes in pixels
  --rounds 9                         measurements of each; the median counts
  --precision int8|float32           what it computes with (default: int8)
  --threads N                        threads of the processor (default: all cores)
  --json FILE                        writes all figures`;

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'fast' },
    sizes: { type: 'string', default: '256x256,512x512,1024x1024,1920x1080' },
    rounds: { type: 'string', default: '9' },
    precision: { type: 'string', default: 'int8' },
    threads: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

interface Row {
  readonly width: number;
  readonly height: number;
  /** One forward pass in the engine's own thread. */
  readonly networkMilliseconds: number;
  /** From image to image, with the way to the worker thread and back. */
  readonly totalMilliseconds: number;
  readonly peakMegabytes: number;
  readonly predictedMegabytes: number;
}

const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
const file = await loadStyleNetwork(values.model);
console.log(machine);
console.log(`${values.model}, ${values.precision}\n`);

const sizes = values.sizes.split(',').map((size) => size.split('x').map(Number) as [number, number]);
// Before anything large is in this process: on Linux, the peak of a child starts at what its parent holds.
const peaks: Awaited<ReturnType<typeof peakMemory>>[] = [];
for (const size of sizes) peaks.push(await peakMemory(...size));

const engine = { device: 'cpu', ...(values.threads === undefined ? {} : { threads: Number(values.threads) }) } as const;
const [here, worker] = [await loadEngine(engine), await startEngine(engine)];
const precision = values.precision as Precision;
const [near, far] = [
  await openStyleNetwork(here, file, { precision }),
  await openStyleNetwork(worker, file, { precision }),
];
const styles = near.styles.slice(0, 1);
const shares = styleShares(near.styles, styles, file.fileName);

const print = (...cells: string[]) => console.log(cells.map((cell) => cell.padStart(12)).join(''));
print('size', 'network', 'in all', 'peak', 'predicted');
const rows: Row[] = [];
for (const [i, [width, height]] of sizes.entries()) {
  const image = noiseImage(width, height, 3);
  const times: { network: number[]; total: number[] } = { network: [], total: [] };
  // Not in turns: threads of one engine wait for work for a while, at the cost of the other.
  for (const [all, restyle] of [
    [times.network, () => near.run(image, shares)],
    [times.total, () => apply({ image, network: far, styles })],
  ] as const) {
    for (let round = 0; round <= Number(values.rounds); round++) {
      const start = performance.now();
      await restyle();
      // The first round warms up.
      if (round > 0) all.push(performance.now() - start);
    }
  }
  const { peak, predicted } = peaks[i]!;
  const row = {
    ...{ width, height, peakMegabytes: peak, predictedMegabytes: predicted },
    networkMilliseconds: median(times.network),
    totalMilliseconds: median(times.total),
  };
  rows.push(row);
  const ms = (milliseconds: number) => `${milliseconds.toFixed(0)} ms`;
  print(
    `${width}×${height}`,
    ms(row.networkMilliseconds),
    ms(row.totalMilliseconds),
    `${row.peakMegabytes} MB`,
    `${row.predictedMegabytes} MB`,
  );
}
console.log(
  '\nnetwork: one forward pass; in all: from image to image, without files; medians. peak: resident memory of a process that',
);
console.log('restyles one picture of that size; predicted: what the memory check counts with.');
if (values.json) {
  const about = { machine, date: new Date().toISOString(), engine: here.engine, model: values.model, precision };
  writeFileSync(values.json, `${JSON.stringify({ ...about, rows }, null, 2)}\n`);
}
process.exit(0);

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function peakMemory(width: number, height: number): Promise<{ peak: number; predicted: number }> {
  const args = [`${width}`, `${height}`, values.precision, values.model];
  const child = fork(fileURLToPath(new URL('./apply-child.js', import.meta.url)), args);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { peak: number; predicted: number }));
    child.once('exit', (code) => reject(new Error(`The process that measures memory ended with code ${code}.`)));
  });
}
