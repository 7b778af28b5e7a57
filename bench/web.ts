/** `npm run bench:web`: what restyling and painting cost in a browser, on the processor. Run it on an idle machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { chromiumPath, openLab } from './lab.js';

const usage = `npm run bench:web -- [options]
  --model models/fast.onnx           the trained network
  --photo examples/photos/astronaut.jpg
  --style starry-night               a style that comes with Fauve, and that the network has learned
  --threads 1,2                      threads of the engine, one run for each
  --rounds 9                         pictures, and steps, of each; the median counts
  --json FILE                        writes all figures`;

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/fast.onnx' },
    photo: { type: 'string', default: 'examples/photos/astronaut.jpg' },
    style: { type: 'string', default: 'starry-night' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '9' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (!chromiumPath)
  throw new Error('There is no Chromium here. Install it, or name one with FAUVE_CHROMIUM=/path/to/chromium.');

interface Row {
  readonly threads: number;
  readonly engine: string;
  /** From the call to the engine that computes, with files from this machine. */
  readonly startMilliseconds: number;
  /** One picture, from image to image. */
  readonly instantMilliseconds: number;
  /** Steps of L-BFGS, the longer side 256 pixels, with distilled-small. */
  readonly paintStepsPerSecond: number;
}

const rounds = Number(values.rounds);
const lab = await openLab();
const rows: Row[] = [];
try {
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Chromium ${lab.version}`;
  console.log(machine);
  const photo = lab.serve('photo', readFileSync(values.photo));
  const model = lab.serve('model.onnx', readFileSync(values.model));
  for (const threads of values.threads.split(',').map(Number)) {
    const worker = `${threads} threads`;
    const before = performance.now();
    const { engine } = await lab.run<{ engine: string }>(worker, 'start', 'cpu', threads);
    const startMilliseconds = performance.now() - before;
    // The first round warms up.
    const instant = await lab.run<{ seconds: number[] }>(
      worker,
      'apply',
      model,
      photo,
      [{ name: values.style }],
      rounds + 1,
    );
    const options = { size: 256, scales: 1, steps: rounds + 2 };
    const paint = await lab.run<{ times: number[] }>(worker, 'stylize', photo, values.style, options);
    const steps = paint.times.slice(1).map((time, i) => time - paint.times[i]!);
    const row = {
      ...{ threads, engine, startMilliseconds },
      instantMilliseconds: 1000 * median(instant.seconds.slice(1)),
      paintStepsPerSecond: 1000 / median(steps),
    };
    rows.push(row);
    const ms = (milliseconds: number) => `${milliseconds.toFixed(0)} ms`;
    console.log(
      `${engine}: start ${ms(row.startMilliseconds)}, Instant ${ms(row.instantMilliseconds)}, Paint at 256 pixels ${row.paintStepsPerSecond.toFixed(1)} steps/s`,
    );
  }
  if (values.json) {
    const { model, photo, style } = values;
    const about = { machine, date: new Date().toISOString(), model, photo, style };
    writeFileSync(values.json, `${JSON.stringify({ ...about, rows }, null, 2)}\n`);
  }
} finally {
  await lab.close();
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
