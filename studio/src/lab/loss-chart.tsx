import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number, texts } from '../texts.js';
import type { Series } from './series.js';

/** Lines over the steps, on a logarithmic axis. */
export function LossChart({
  steps,
  series,
}: {
  readonly steps: readonly number[];
  readonly series: readonly Series[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | undefined>(undefined);
  const shape = series.map(({ name }) => name).join();

  useEffect(() => {
    const element = place.current!;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name);
    const axis = {
      stroke: colour('--ink-soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
      font: `12px ${colour('--font')}`,
    };
    const sizeOf = () => ({ width: element.clientWidth, height: Math.max(160, element.clientHeight) });
    const drawn = new UPlot(
      {
        ...sizeOf(),
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { distr: 3 } },
        axes: [
          axis,
          { ...axis, size: 66, values: (_, splits) => splits.map((value) => (value === null ? '' : number(value))) },
        ],
        series: [
          { label: texts.lab.chart.step },
          ...series.map(({ name, colour: property, dash, width }) => ({
            label: name,
            stroke: colour(property),
            dash: [...dash],
            width,
            points: { show: false },
          })),
        ],
      },
      dataOf(steps, series),
      element,
    );
    chart.current = drawn;
    const watch = new ResizeObserver(() => drawn.setSize(sizeOf()));
    watch.observe(element);
    // Colours are read once: with another theme the chart is drawn anew.
    return () => {
      watch.disconnect();
      drawn.destroy();
      chart.current = undefined;
    };
  }, [shape, useDarkness()]);

  useEffect(() => {
    chart.current?.setData(dataOf(steps, series));
  });

  return (
    <div
      ref={place}
      class="chart"
      role="img"
      aria-label={texts.lab.chart.label(series.length, steps.length)}
      data-points={steps.length}
    />
  );
}

/** A logarithm has no zero: such a value is a gap. */
function dataOf(steps: readonly number[], series: readonly Series[]): UPlot.AlignedData {
  return [[...steps], ...series.map(({ values }) => values.map((value) => (value > 0 ? value : null)))];
}

/** Whether the page is dark, now. */
function useDarkness(): boolean {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
