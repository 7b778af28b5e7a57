import type { DistilRecord, DistilTest } from 'fauve';
import { renderPlot, writeFileAtomically } from 'fauve/node';
import { lossPlotSvg } from 'fauve/pictures';
import { averagedCurve } from './curves.js';
import { plotFormat } from './outputs.js';

/**
 * Draws the curves of a distillation: the relative error of each layer's features, and of the Gram matrices together; tests are marked
 * with their share.
 * @param path ends in .svg or .png
 */
export async function writeDistilPlot(
  path: string,
  history: readonly DistilRecord[],
  tests: readonly DistilTest[],
): Promise<void> {
  const curve = (of: (record: DistilRecord) => number) => averagedCurve(history, of);
  const names = Object.keys(history[0]?.errors ?? {});
  const layers = names.filter((name) => name.startsWith('feature '));
  const together = (kind: string) => {
    const of = names.filter((name) => name.startsWith(`${kind} `));
    return curve(({ errors }) => of.reduce((sum, name) => sum + errors[name]!, 0) / of.length);
  };
  const series = [
    ...layers.map((name) => ({ name: name.replace('feature ', ''), points: curve(({ errors }) => errors[name]!) })),
    { name: 'Gram matrices', points: together('gram') },
    { name: 'residuals', points: together('residual') },
  ];
  const boundaries = tests
    .filter(({ step }) => step > 0)
    .map(({ step, share }) => ({ step, label: `${(100 * share).toFixed(1)} %` }));
  const svg = lossPlotSvg(series, {
    title: 'Relative errors by step; vertical lines: share reached in the real test',
    boundaries,
  });
  await writeFileAtomically(path, await renderPlot(svg, plotFormat(path)));
}
