/** Listens for Ctrl-C while something can still be saved. */
export interface Interrupt {
  /** Fires at the first Ctrl-C (SIGINT) or SIGTERM. The second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Stops listening: Ctrl-C is then what it is everywhere else. */
  release(): void;
}

/**
 * @param onFirst called at the first signal: to say that the work stops at the next occasion
 * @param onSecond called at the second one, right before the end: to leave the terminal as it was
 */
export function listenForInterrupt(onFirst: () => void, onSecond: () => void): Interrupt {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const release = () => {
    for (const name of names) process.off(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort();
      onFirst();
      return;
    }
    onSecond();
    // `process.exit` would wait for the engine's thread, which may be in the middle of a long step.
    release();
    process.kill(process.pid, name);
  };
  for (const name of names) process.on(name, onSignal);
  return { signal: controller.signal, release };
}
