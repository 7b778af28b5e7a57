import type { LossTerm } from 'fauve';
import type { LossHistory } from '../state/session.js';
import { texts } from '../texts.js';

/** One line of the chart. */
export interface Series {
  /** `content relu4_2`, … or `total`. */
  readonly name: string;
  /** Name of a custom property of the design. */
  readonly colour: string;
  readonly dash: readonly number[];
  readonly width: number;
  readonly values: readonly number[];
}

const dashes: Readonly<Record<LossTerm['kind'], readonly number[]>> = {
  content: [8, 3],
  style: [],
  'total variation': [2, 3],
};

/**
 * The lines of a run: each term by itself, or as it enters the total; and the total.
 * @param weighted whether the terms are multiplied by their weights: then they add up to the total
 */
export function seriesOf({ terms, records }: LossHistory, weighted: boolean): Series[] {
  let style = 0;
  const lines = terms.map(({ name, kind, weight }): Series => {
    const colour =
      kind === 'style' ? `--line-style-${style++ % 5}` : kind === 'content' ? '--line-content' : '--line-tv';
    const factor = weighted ? weight : 1;
    const values = records.map((record) => factor * (record.terms[name] ?? Number.NaN));
    return { name, colour, dash: dashes[kind], width: 1.75, values };
  });
  const total = { name: texts.lab.chart.total, colour: '--ink', dash: [], width: 2.75 };
  return [{ ...total, values: records.map(({ loss }) => loss) }, ...lines];
}
