import { join } from 'node:path';
import { styleText } from 'node:util';
import type { JobEvent, TrainRecord, TrainTest } from 'fauve';
import { makeFolder, renderPlot, writeFileAtomically, writeImage } from 'fauve/node';
import { lossPlotSvg, quantise } from 'fauve/pictures';
import { averagedCurve } from './curves.js';
import { plotFormat } from './outputs.js';
import { openMeter } from './progress.js';
import { durationText } from './time-left.js';

/** Terms of the loss and the weights with which they enter the total. */
type Terms = readonly { readonly name: string; readonly weight: number }[];

/**
 * Draws the loss curves of a training run, each term times its weight.
 * @param path ends in .svg or .png
 */
export async function writeTrainPlot(path: string, history: readonly TrainRecord[], terms: Terms): Promise<void> {
  const series = [
    { name: 'total', points: averagedCurve(history, ({ total }) => total) },
    ...terms.map(({ name, weight }) => ({
      name,
      points: averagedCurve(history, (record) => weight * (record.terms[name] ?? Number.NaN)),
    })),
  ];
  const svg = lossPlotSvg(series, {
    title: 'Loss by iteration: each term times its weight; they add up to the total',
    axes: ['iteration', 'loss'],
  });
  await writeFileAtomically(path, await renderPlot(svg, plotFormat(path)));
}

/** Writes the losses as CSV: a line for each iteration; terms without their weights. */
export async function writeTrainTable(path: string, history: readonly TrainRecord[], terms: Terms): Promise<void> {
  const names = terms.map(({ name }) => name);
  const lines = history.map(({ step, total, terms, rate, seconds }) =>
    [step, total, ...names.map((name) => terms[name] ?? ''), rate, seconds.toFixed(2)].join(','),
  );
  const head = ['iteration', 'total', ...names, 'learning rate', 'seconds'].join(',');
  await writeFileAtomically(path, new TextEncoder().encode(`${[head, ...lines].join('\n')}\n`));
}

/** Writes the pictures of a test into a folder: `step-000500-photo-style.png`. */
export async function writeTestPictures(folder: string, { step, pictures }: TrainTest): Promise<void> {
  if (pictures.length === 0) return;
  await makeFolder(folder);
  for (const { photo, style, image } of pictures) {
    await writeImage(join(folder, `step-${String(step).padStart(6, '0')}-${photo}-${style}.png`), quantise(image));
  }
}

/** Tells people on stderr how a training run goes. */
export function trainReporter(): {
  tell(event: Exclude<JobEvent<'train'>, { type: 'notice' }>): void;
  say(line: string): void;
  close(): void;
} {
  const meter = openMeter();
  const dim = (text: string) => styleText('dim', text, { stream: process.stderr });
  let iterations = 0;
  let begun: { step: number; seconds: number } | undefined;
  let smooth: number | undefined;
  const say = (line: string) => meter.aside(() => process.stderr.write(`${line}\n`));
  return {
    say,
    close: () => meter.close(),
    tell(event) {
      switch (event.type) {
        case 'start': {
          iterations = event.options.iterations;
          const { batch, cropSize } = event.options;
          const weights = event.trained >= 1e5 ? `${(event.trained / 1e6).toFixed(2)} million` : String(event.trained);
          return say(
            dim(
              `${weights} weights, ${iterations} iterations of ${batch} ${batch === 1 ? 'photo' : 'photos'} of ${cropSize}×${cropSize}; ${event.engine}`,
            ),
          );
        }
        case 'step': {
          begun ??= event;
          // One batch is harder than another: the line shows where the loss goes.
          smooth = smooth === undefined ? event.total : 0.95 * smooth + 0.05 * event.total;
          const pace = (event.seconds - begun.seconds) / (event.step - begun.step);
          const left = pace * (iterations - event.step);
          return meter.update({ step: event.step, total: iterations, loss: smooth.toFixed(4), left });
        }
        case 'skipped':
          return say(dim(`left out: ${event.name}: ${event.reason}`));
        case 'rollback':
          return say(`The loss became ${event.loss} at ${event.step}: back to ${event.to}, at half the rate.`);
        case 'test': {
          const cards = Object.entries(event.cards).map(([name, value]) => `${name} ${value.toFixed(3)}`);
          return say(dim(`iteration ${event.step}: unevenness of flat cards: ${cards.join(', ')}`));
        }
      }
    },
  };
}

/** What was made. */
export function doneText(path: string, bytes: number, styles: number, seconds: number): string {
  const name = styleText('bold', path, { stream: process.stderr });
  return `${name}  ${styles} ${styles === 1 ? 'style' : 'styles'}, ${(bytes / 1e6).toFixed(2)} MB, ${durationText(seconds)}`;
}
