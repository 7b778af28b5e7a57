/** `npm run bench:distilled`: what the distilled networks are worth, judged by the network that they stand in for. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEngine } from '#src/platform/node/engine.js';
import { readImage } from '#src/platform/node/images.js';
import { writeContactSheet } from '#tools/contact-sheet.js';
import { galleryEntries } from '#tools/gallery-entries.js';
import { type HeldOutPair, heldOutPairs } from './held-out.js';
import { type Contestant, contest, type Judgement, type StepSeconds, student, teacher, timeSteps } from './students.js';

const usage = `npm run bench:distilled -- [options]
  --sizes 256,512       longer side in pixels
  --pairs 11,3          how many of the held-out pairs at each size
  --steps 100           steps of L-BFGS, all at the full size, the same for each network
  --networks distilled,distilled-small    names, or files of distilled networks
  --rounds 7            step timings; the median counts
  --shared ../shared    where photos/, paintings/ and weights/ are
  --pictures DIR        writes the pictures of each pair side by side
  --publishable         with what Fauve itself paints in the painting's style in place of the painting
  --json FILE           writes all figures, after each pair`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '256,512' },
    pairs: { type: 'string', default: '11,3' },
    steps: { type: 'string', default: '100' },
    networks: { type: 'string', default: 'distilled,distilled-small' },
    rounds: { type: 'string', default: '7' },
    shared: { type: 'string', default: '../shared' },
    pictures: { type: 'string' },
    publishable: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (!existsSync(values.shared)) {
  console.log(
    `There is no ${values.shared}: the pairs need its photos and paintings, the judge its weights. Say where they are with --shared DIR.`,
  );
  process.exit(1);
}

/** What was asked of the networks: share of VGG-19's own reduction, step time over VGG-19's, bytes of the file. */
const goals: Readonly<Record<string, { readonly share: number; readonly time: number; readonly bytes: number }>> = {
  distilled: { share: 0.93, time: 1 / 3, bytes: 8e6 },
  'distilled-small': { share: 0.85, time: 1 / 8, bytes: 3e6 },
};

interface PairFigures {
  readonly pair: string;
  readonly start: Judgement;
  readonly results: Readonly<Record<string, Judgement & { readonly seconds: number; readonly share: number }>>;
}

interface SizeFigures {
  readonly size: number;
  readonly seconds: Readonly<Record<string, StepSeconds>>;
  readonly pairs: PairFigures[];
}

const judge = await teacher(values.shared);
const students: Contestant[] = [];
for (const name of values.networks.split(',')) students.push(await student(name));
const contestants = [judge, ...students];
const counts = values.pairs.split(',').map(Number);
const steps = Number(values.steps);
const pairs = heldOutPairs(values.shared);
// Said before an hour of work, not in the middle of it.
if (values.publishable) for (const { painting } of pairs) swatchFile(painting);
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
const figures: SizeFigures[] = [];
if (values.pictures !== undefined) mkdirSync(values.pictures, { recursive: true });

console.log(`${machine}\n${steps} steps of L-BFGS at the full size; losses are VGG-19's, of the 8-bit picture\n`);
const runtime = await startEngine({ device: 'cpu' });
for (const [i, size] of values.sizes.split(',').map(Number).entries()) {
  const [content, painting] = await pictures(pairs[0]!);
  const seconds = await timeSteps(runtime, contestants, content, painting, size, Number(values.rounds));
  figures.push({ size, seconds, pairs: [] });
  console.log(`${size} pixels`);
  row('', 'start', ...contestants.flatMap(({ name }) => [name, ...(name === judge.name ? [] : ['share'])]));
  for (const pair of pairs.slice(0, counts[i] ?? counts.at(-1))) await comparePair(pair, size);
  summarise(figures.at(-1)!);
}
await runtime.close();
process.exit(0);

async function comparePair(pair: HeldOutPair, size: number): Promise<void> {
  const [content, painting] = await pictures(pair);
  const { start, make } = contest(runtime, judge.weights, content, painting, size);
  const before = await start();
  const results: Record<string, PairFigures['results'][string]> = {};
  const style = values.publishable
    ? { label: 'the style, by Fauve', image: await readImage(swatchFile(pair.painting)) }
    : { label: 'painting', image: painting };
  const sheet = [{ label: 'photo', image: content }, style];
  for (const contestant of contestants) {
    const { judgement, seconds, image } = await make(contestant, steps);
    const best = results[judge.name]?.total ?? judgement.total;
    const share = (before.total - judgement.total) / (before.total - best);
    results[contestant.name] = { ...judgement, seconds, share };
    sheet.push({ label: contestant.name, image });
  }
  figures.at(-1)!.pairs.push({ pair: pair.name, start: before, results });
  const cells = contestants.flatMap(({ name }) => {
    const { total, share } = results[name]!;
    return [total.toFixed(4), ...(name === judge.name ? [] : [percent(share)])];
  });
  row(pair.name, before.total.toFixed(4), ...cells);
  for (const part of ['content', 'style'] as const) {
    const parts = contestants.flatMap(({ name }) => [
      results[name]![part].toFixed(4),
      ...(name === judge.name ? [] : ['']),
    ]);
    row(`    ${part}`, before[part].toFixed(4), ...parts);
  }
  const times = contestants.flatMap(({ name }) => [
    `${results[name]!.seconds.toFixed(0)} s`,
    ...(name === judge.name ? [] : ['']),
  ]);
  row('    time', '', ...times);
  if (values.pictures !== undefined) {
    const file = `${pair.name.replace(/, .*--/, '-')}-${size}.jpg`;
    await writeContactSheet(join(values.pictures, file), sheet, 256);
  }
  save();
}

/** What Fauve paints in the style of this painting, from the gallery. */
function swatchFile(painting: string): string {
  const file = basename(painting);
  const style = galleryEntries().find((entry) => entry.file === file);
  if (!style) throw new Error(`${file} is not in models/styles/gallery.json. Leave --publishable out.`);
  return `models/styles/${style.name}.webp`;
}

/** Geometric means, times and sizes, beside what was asked for. */
function summarise({ size, seconds, pairs }: SizeFigures): void {
  console.log();
  for (const { name, bytes } of students) {
    const shares = pairs.map(({ results }) => results[name]!.share);
    const { step, evaluation } = seconds[name]!;
    const [whole, bare] = [step / seconds[judge.name]!.step, evaluation / seconds[judge.name]!.evaluation];
    const goal = goals[name];
    const asked = (text: string) => (goal ? ` (goal ${text})` : '');
    console.log(
      [
        `${name} at ${size}: share ${percent(geometricMean(shares))}${asked(`at least ${goal && percent(goal.share)}`)}`,
        `step ${milliseconds(step)}, ${whole.toFixed(3)} of VGG-19's ${milliseconds(seconds[judge.name]!.step)}${asked(`at most ${goal?.time.toFixed(3)} at 512`)}`,
        `without the optimiser ${milliseconds(evaluation)}, ${bare.toFixed(3)}`,
        `file ${(bytes / 1e6).toFixed(2)} MB${asked(`at most ${goal && goal.bytes / 1e6} MB`)}`,
      ].join('; '),
    );
  }
  console.log();
  save();
}

function save(): void {
  if (values.json === undefined) return;
  const networks = contestants.map(({ name, bytes, weights }) => ({ name, bytes, sha256: weights.sha256 }));
  const sizes = figures.map((each) => ({
    ...each,
    shares: Object.fromEntries(
      students.map(({ name }) => [name, geometricMean(each.pairs.map(({ results }) => results[name]!.share))]),
    ),
  }));
  const report = { machine, date: new Date().toISOString(), steps, networks, goals, sizes };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function pictures({ photo, painting }: HeldOutPair) {
  return [await readImage(photo), await readImage(painting)] as const;
}

/** 0 as soon as one of them is not positive. */
function geometricMean(shares: readonly number[]): number {
  if (shares.some((share) => !(share > 0))) return 0;
  return Math.exp(shares.reduce((sum, share) => sum + Math.log(share), 0) / shares.length);
}

function row(first: string, ...cells: string[]): void {
  console.log([first.slice(0, 39).padEnd(40), ...cells.map((cell) => cell.padStart(16))].join('').trimEnd());
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(0)} ms`;
}
