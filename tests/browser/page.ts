import { type Remote, wrap } from 'comlink';
import type { Jobs } from './worker.js';

/** Workers by name: an engine starts once in each. */
const workers = new Map<string, Remote<Jobs>>();

function workerOf(name: string): Remote<Jobs> {
  const found = workers.get(name);
  if (found) return found;
  const worker = wrap<Jobs>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
  workers.set(name, worker);
  return worker;
}

/** What the tests call: a job in a worker; its result, or the error as words. */
async function run(name: string, job: keyof Jobs, args: unknown[]): Promise<unknown> {
  try {
    const work = workerOf(name)[job] as unknown as (...args: unknown[]) => Promise<unknown>;
    return { value: await work(...args) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

Object.assign(globalThis, { run });
