import { FauveError } from 'fauve';
import { jsonReporter } from './progress.js';
import { messageFor } from './remedies.js';

/** Does the work of a command; with `json` an error is an event too, before it goes on its way. */
export async function tellingErrors(json: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (json && error instanceof FauveError) {
      jsonReporter().tell({ type: 'error', code: error.code, message: messageFor(error) });
    }
    throw error;
  }
}
