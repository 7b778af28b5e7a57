import { signal } from '@preact/signals';
import { shownHistory } from '../state/session.js';
import { number, texts } from '../texts.js';
import { LossChart } from './loss-chart.js';
import { ReadAbout } from './read-about.js';
import { type Series, seriesOf } from './series.js';

const hidden = signal<ReadonlySet<string>>(new Set());
const weighted = signal(true);

/** Every term of the loss at every step, while it is being minimised. */
export function ChartTab() {
  const history = shownHistory.value;
  const reading = <ReadAbout pages={['total-loss', 'total-variation', 'optimisers']} />;
  if (!history || history.records.length === 0) {
    return (
      <>
        <p class="lab-empty">{texts.lab.chart.none}</p>
        {reading}
      </>
    );
  }
  const series = seriesOf(history, weighted.value);
  const steps = history.records.map(({ step }) => step);
  return (
    <div class="chart-page">
      <LossChart steps={steps} series={series.filter(({ name }) => !hidden.value.has(name))} />
      <div class="chart-side">
        <label class="scale-choice">
          {texts.lab.chart.scale}
          <select
            value={weighted.value ? 'weighted' : 'raw'}
            onChange={({ currentTarget }) => {
              weighted.value = currentTarget.value === 'weighted';
            }}
          >
            <option value="weighted">{texts.lab.chart.weighted}</option>
            <option value="raw">{texts.lab.chart.raw}</option>
          </select>
        </label>
        <table class="legend">
          <caption class="unseen">{texts.lab.chart.legend}</caption>
          <thead>
            <tr>
              <th scope="col">{texts.lab.chart.scale}</th>
              <th scope="col">{texts.lab.chart.first}</th>
              <th scope="col">{texts.lab.chart.last}</th>
            </tr>
          </thead>
          <tbody>
            {series.map((each) => (
              <LegendRow key={each.name} series={each} />
            ))}
          </tbody>
        </table>
        {reading}
      </div>
    </div>
  );
}

function LegendRow({ series: { name, colour, dash, values } }: { readonly series: Series }) {
  const shown = !hidden.value.has(name);
  const [first, last] = [values[0]!, values.at(-1)!];
  return (
    <tr>
      <th scope="row">
        <button
          type="button"
          aria-pressed={shown}
          onClick={() => {
            const next = new Set(hidden.value);
            if (shown) next.add(name);
            else next.delete(name);
            hidden.value = next;
          }}
        >
          <svg width="22" height="8" aria-hidden="true">
            <line x1="0" y1="4" x2="22" y2="4" style={{ stroke: `var(${colour})` }} stroke-dasharray={dash.join(' ')} />
          </svg>
          {name}
        </button>
      </th>
      <td>{number(first)}</td>
      <td>{number(last)}</td>
    </tr>
  );
}
