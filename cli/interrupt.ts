import { constants } from 'node:os';
import { isatty } from 'node:tty';

/** Listens for signals that end the process while something can still be saved. */
export interface Interrupt {
  /** Fires at the first of them. The second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Stops listening: a signal is then what it is everywhere else. */
  release(): void;
}

/** What is told, and what is left as it was. */
export interface InterruptOptions {
  /** What is finished before the work stops: `this step`. */
  readonly after?: string;
  /** Is told at the first signal that the work stops at the next occasion. */
  readonly say?: (line: string) => void;
  /** Called at the second one, right before the end: to leave the terminal as it was. */
  readonly close?: () => void;
}

/** Ctrl-C, `kill` or a shutdown, a closed terminal, Ctrl-\, and Windows' Ctrl-Break. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const;
type EndingSignal = (typeof endingSignals)[number];

/** Milliseconds. What a terminal sends, npm, a shell or systemd sends once more: two signals this close together are one. */
const ECHO = 100;

let received: EndingSignal | undefined;

/** The exit code after a signal that was listened for: 128 and its number, 130 for Ctrl-C. */
export function interruptedExitCode(): number {
  return 128 + constants.signals[received ?? 'SIGINT'];
}

export function listenForInterrupt({ after, say, close }: InterruptOptions = {}): Interrupt {
  const controller = new AbortController();
  let first = 0;
  let echoed = false;
  const release = () => {
    for (const name of endingSignals) process.off(name, onSignal);
  };
  const onSignal = (name: EndingSignal) => {
    if (!controller.signal.aborted) {
      first = performance.now();
      received = name;
      controller.abort();
      say?.(stopping(name, after));
      return;
    }
    // A thread that was busy hears all signals at once: of three, at least one was meant. Nobody means a second SIGHUP.
    if (performance.now() - first < ECHO && (!echoed || name === 'SIGHUP')) {
      echoed = true;
      return;
    }
    close?.();
    // `process.exit` would wait for the engine's thread, which may be in the middle of a long step.
    release();
    process.kill(process.pid, process.platform === 'win32' ? 'SIGKILL' : name);
  };
  for (const name of endingSignals) process.on(name, onSignal);
  return { signal: controller.signal, release };
}

const terminals = () => [0, 1, 2].filter((descriptor) => isatty(descriptor));

/** Ends a process whose terminal was closed as that does. Node itself would crash: it cannot leave the terminal as it was. */
export function outliveTerminal(): void {
  if (process.platform === 'win32') return;
  const before = terminals().length;
  process.once('exit', () => {
    if (terminals().length === before) return;
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  });
}

function stopping(name: EndingSignal, after: string | undefined): string {
  const what = after === undefined ? 'Stopping' : `Stopping after ${after}`;
  return name === 'SIGINT'
    ? `${what} (Ctrl-C again: at once).`
    : `${what}, because of ${name} (a second one: at once).`;
}
