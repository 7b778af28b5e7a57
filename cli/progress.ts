import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';
import type { JobEvent, Plain, Scale } from 'fauve';
import { durationText, timeEstimate } from './time-left.js';

/** What is told about a run: as lines of JSON on stdout, or to people on stderr. */
export type RunEvent =
  | Plain<JobEvent<'stylize'>>
  | { readonly type: 'saved'; readonly kind: 'picture' | 'step' | 'checkpoint' | 'plot'; readonly path: string }
  | {
      readonly type: 'done';
      readonly path: string;
      readonly width: number;
      readonly height: number;
      readonly steps: number;
      /** Of the picture that was written. */
      readonly loss: number;
      readonly terms: Readonly<Record<string, number>>;
      readonly seconds: number;
    }
  | { readonly type: 'error'; readonly code: string; readonly message: string };

/** Someone who listens to a run. */
export interface Reporter {
  tell(event: RunEvent): void;
  /** Something that is not part of the run itself, as a line of its own. */
  say(line: string): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Who is told: as JSON, as text, or nobody. */
export function reporterFor({ json, quiet }: { readonly json: boolean; readonly quiet: boolean }): Reporter {
  // A bar among the lines of JSON on the same terminal would make both unreadable.
  const text = quiet || (json && (process.stdout.isTTY || !process.stderr.isTTY)) ? quietReporter : textReporter();
  return json ? allReporters([jsonReporter(), text]) : text;
}

/** Events as NDJSON on stdout: one object a line. */
export function jsonReporter(): Reporter {
  return {
    tell: (event) => {
      process.stdout.write(`${JSON.stringify(event)}\n`);
    },
    say: () => {},
    close: () => {},
  };
}

/** Nothing but errors, which are not its business. */
export const quietReporter: Reporter = { tell: () => {}, say: () => {}, close: () => {} };

/** Tells several at once. */
export function allReporters(reporters: readonly Reporter[]): Reporter {
  return {
    tell: (event) => {
      for (const reporter of reporters) reporter.tell(event);
    },
    say: (line) => {
      for (const reporter of reporters) reporter.say(line);
    },
    close: () => {
      for (const reporter of reporters) reporter.close();
    },
  };
}

/** Seconds between two lines where there is no terminal to draw a bar on. */
const LINE_EVERY = 10;

/** For people: a progress bar where stderr is a terminal, a line now and then elsewhere. */
export function textReporter(): Reporter {
  const meter = openMeter();
  let scales: readonly Scale[] = [];
  let total = 0;
  let estimate = timeEstimate([]);
  const say = (line: string) => meter.aside(() => process.stderr.write(`${line}\n`));
  return {
    say,
    tell(event) {
      switch (event.type) {
        case 'start': {
          scales = event.scales;
          total = event.steps;
          estimate = timeEstimate(scales);
          const plan = scales
            .map(({ width, height, steps, network }) =>
              network === undefined ? `${steps} steps at ${width}×${height}` : `${steps} of ${network}`,
            )
            .join(', then ');
          const memory = `${Math.round(event.memory / 2 ** 20)} MB of memory at most`;
          say(dim(`${plan}; ${event.engine}; about ${memory}`));
          return;
        }
        case 'step': {
          const left = estimate(event.step, event.scale, event.seconds);
          // L-BFGS may end a scale early, so that the steps that were planned are not all made.
          meter.update({ step: event.step, total, loss: event.loss.toPrecision(4), left });
          return;
        }
        case 'notice':
          return say(noteText(event.message));
        case 'saved':
          return event.kind === 'picture' ? undefined : say(dim(`saved ${event.path}`));
        case 'done': {
          meter.close();
          const { path, width, height, loss, seconds } = event;
          const name = styleText('bold', path, { stream: process.stderr });
          return say(`${name}  ${width}×${height}, loss ${loss.toPrecision(4)}, ${durationText(seconds)}`);
        }
        case 'scale':
        case 'error':
          return;
      }
    },
    close: () => meter.close(),
  };
}

/** What is no error and good to know, for stderr. */
export const noteText = (message: string): string =>
  `${styleText('yellow', 'note:', { stream: process.stderr })} ${message}`;

/** Where a notice goes that comes before there is a reporter. */
export function noticeTo({ json, quiet }: { readonly json: boolean; readonly quiet: boolean }) {
  if (json) return (message: string) => jsonReporter().tell({ type: 'notice', message });
  return quiet ? () => {} : note;
}

/** Tells it at once. */
export const note = (message: string): void => void process.stderr.write(`${noteText(message)}\n`);

/** A bar where stderr is a terminal, a line now and then elsewhere. @param what is counted */
export const openMeter = (what = 'step'): Meter => (process.stderr.isTTY ? stepBar(what) : stepLines(what));

interface MeterState {
  readonly step: number;
  readonly total: number;
  readonly loss?: string;
  /** Seconds, or NaN. */
  readonly left: number;
}

/** Shows how far it is. */
export interface Meter {
  update(state: MeterState): void;
  /** Writes something without disturbing what is shown. */
  aside(write: () => void): void;
  close(): void;
}

function stepBar(what: string): Meter {
  const bar = new SingleBar({
    format: `{bar} ${what} {value}/{total}  {loss}{left}`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // Ctrl-C has its own listener, which must come first.
    gracefulExit: false,
    fps: 5,
  });
  let shown: MeterState | undefined;
  let running = false;
  const payload = ({ loss, left }: MeterState) => ({
    loss: loss === undefined ? '' : `loss ${loss}  `,
    left: Number.isNaN(left) ? '' : `${durationText(left)} left `,
  });
  const stop = () => {
    if (running) bar.stop();
    running = false;
  };
  const start = (state: MeterState) => {
    bar.start(state.total, state.step, payload(state));
    running = true;
  };
  return {
    update(state) {
      shown = state;
      if (running) bar.update(state.step, payload(state));
      else start(state);
    },
    aside(write) {
      const wasRunning = running;
      stop();
      write();
      if (wasRunning && shown) start(shown);
    },
    close: stop,
  };
}

function stepLines(what: string): Meter {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update({ step, total, loss, left }) {
      const now = performance.now() / 1000;
      if (now - last < LINE_EVERY && step < total) return;
      last = now;
      const rest = step < total && !Number.isNaN(left) ? `, ${durationText(left)} left` : '';
      const value = loss === undefined ? '' : `, loss ${loss}`;
      process.stderr.write(`${what} ${step}/${total}${value}${rest}\n`);
    },
    aside: (write) => write(),
    close: () => {},
  };
}

const dim = (text: string) => styleText('dim', text, { stream: process.stderr });
