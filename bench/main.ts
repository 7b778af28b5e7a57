/** `npm run bench`: what a step costs, and with --quality what the default settings buy. Run it on an idle machine. */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { compareQuality, type PairResult, qualityPairs } from './quality.js';
import { measureSteps, peakMemory, type StepTimes } from './steps.js';

const usage = `npm run bench -- [options]
  --sizes 256,512    sizes of the step timings, in pixels
  --rounds 7         measurements of each; the median counts
  --quality          also compares default settings with 500 full-size L-BFGS steps, on three pairs (about an hour)
  --pairs ${qualityPairs.map(({ name }) => name).join(',')}
  --paintings DIR    where the paintings of the pairs are (default ../shared/paintings)
  --unbounded        and with 500 steps of L-BFGS without bounds, as public implementations do them
  --pictures DIR     keeps the pictures
  --json FILE        writes all figures`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '256,512' },
    rounds: { type: 'string', default: '7' },
    quality: { type: 'boolean', default: false },
    'quality-size': { type: 'string', default: '512' },
    'reference-steps': { type: 'string', default: '500' },
    pairs: { type: 'string', default: qualityPairs.map(({ name }) => name).join(',') },
    paintings: { type: 'string', default: '../shared/paintings' },
    json: { type: 'string' },
    unbounded: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
console.log(`${machine}\n`);

const steps: (StepTimes & { peakMegabytes: { lbfgs: number; adam: number } })[] = [];
const sizes = values.sizes
  .split(',')
  .map(Number)
  .filter((size) => size > 0);
if (sizes.length > 0) {
  const row = (...cells: (string | number)[]) =>
    console.log(cells.map((cell, i) => String(cell).padStart(i === 0 ? 9 : 15)).join(''));
  row('size', 'forward', 'full step', 'step/forward', '+ Adam', '+ L-BFGS', 'peak Adam', 'peak L-BFGS');
  for (const size of sizes) {
    const times = await measureSteps(size, Number(values.rounds));
    const peakMegabytes = { adam: await peakMemory(size, 'adam'), lbfgs: await peakMemory(size, 'lbfgs') };
    steps.push({ ...times, peakMegabytes });
    const ms = (seconds: number) => `${(1000 * seconds).toFixed(0)} ms`;
    const more = (seconds: number) => `${(100 * (seconds / times.step - 1)).toFixed(1)} %`;
    row(
      `${size}²`,
      ms(times.forward),
      ms(times.step),
      `${(times.step / times.forward).toFixed(2)}×`,
      more(times.adam),
      more(times.lbfgs),
      `${peakMegabytes.adam} MB`,
      `${peakMegabytes.lbfgs} MB`,
    );
  }
  console.log(
    '\nVGG-19 to relu5_1; full step: content + five style layers + TV, forward and backward; + Adam, + L-BFGS (m = 20): how',
  );
  console.log(
    'much longer a whole step of the optimiser takes. Medians; peak: resident memory of a process that stylises at that size.',
  );
}

const quality: PairResult[] = [];
if (values.quality) {
  console.log(
    '\nDefault settings against L-BFGS at the full size from the first step on, scored on the 8-bit picture:\n',
  );
  for (const name of values.pairs.split(',')) {
    const result = await compareQuality(name, {
      paintings: values.paintings,
      size: Number(values['quality-size']),
      referenceSteps: Number(values['reference-steps']),
      unbounded: values.unbounded,
      pictures: values.pictures,
    });
    if (!result) continue;
    quality.push(result);
    const { reference, standard, unbounded } = result;
    console.log(
      `${name}: ${reference.steps} L-BFGS steps ${reference.seconds.toFixed(0)} s, loss ${reference.loss.toFixed(5)}`,
    );
    console.log(
      `  defaults (${standard.steps} steps in all) ${standard.seconds.toFixed(0)} s, loss ${standard.loss.toFixed(5)}`,
    );
    if (unbounded) {
      console.log(`  without bounds ${unbounded.seconds.toFixed(0)} s, loss ${unbounded.loss.toFixed(5)}`);
    }
    console.log(
      `  ${((100 * standard.seconds) / reference.seconds).toFixed(1)} % of the time, loss ${((100 * standard.loss) / reference.loss - 100).toFixed(2)} % ${standard.loss > reference.loss ? 'higher' : 'lower'}; the reference reached that loss at step ${result.sameLossAt ?? 'never'}\n`,
    );
  }
}
if (values.json) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, date: new Date().toISOString(), steps, quality }, null, 2)}\n`,
  );
}
process.exit(0);
