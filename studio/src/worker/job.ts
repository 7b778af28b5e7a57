/** What is being computed: it can be stopped and made to wait. */
export class Job {
  readonly #controller = new AbortController();
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  pause(): void {
    this.#gate ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#gate = undefined;
    this.#open();
  }

  stop(): void {
    this.#controller.abort();
    this.resume();
  }

  /** Fulfilled at once, or when it may go on. */
  async turn(): Promise<void> {
    await this.#gate;
  }
}
