import type { LossRecord, LossSeries, LossTerm, Scale } from 'fauve';
import { renderPlot, writeFileAtomically } from 'fauve/node';
import { lossPlotSvg } from 'fauve/pictures';
import { plotFormat } from './outputs.js';

/**
 * Draws the curves of a run into a file: each term times its weight, so that the terms add up to the total.
 * @param path ends in .svg or .png
 */
export async function writeLossPlot(
  path: string,
  history: readonly LossRecord[],
  terms: readonly LossTerm[],
  scales: readonly Scale[],
): Promise<void> {
  const series: LossSeries[] = [
    { name: 'total', points: history.map(({ step, loss }) => ({ step, value: loss })) },
    ...terms.map(({ name, weight }) => ({
      name,
      points: history.map(({ step, terms }) => ({ step, value: weight * (terms[name] ?? Number.NaN) })),
    })),
  ];
  const boundaries = scales.flatMap(({ width, height, network }, index) => {
    const first = history.find(({ scale }) => scale === index);
    return first
      ? [{ step: first.step, label: `${width}×${height}${network === undefined ? '' : ` ${network}`}` }]
      : [];
  });
  const svg = lossPlotSvg(series, {
    title: 'Loss by step: each term times its weight; they add up to the total',
    boundaries,
  });
  await writeFileAtomically(path, await renderPlot(svg, plotFormat(path)));
}
