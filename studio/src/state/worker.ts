import { type Remote, wrap } from 'comlink';
import { texts } from '../texts.js';
import type { Reply, StudioWorker } from '../worker/api.js';
import type { Problem } from '../worker/problems.js';
import { findDevices } from './devices.js';
import { announcement, device, devices, problem } from './session.js';

let remote: Remote<StudioWorker> | undefined;
/** Those who wait for an answer that will not come when the worker dies. */
const waiting = new Set<(reason: Problem) => void>();

/** The worker; it starts with the first call. */
export function worker(): Remote<StudioWorker> {
  if (remote) return remote;
  const thread = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'fauve' });
  // What it can tell it tells: this is a worker that did not start, or that ended.
  thread.addEventListener('error', (event) => {
    event.preventDefault();
    for (const fail of waiting) fail({ kind: 'other', message: texts.workerFailed(event.message) });
  });
  remote = wrap<StudioWorker>(thread);
  const server = devices.value.find(({ name }) => name === 'native')?.engine;
  void remote.start(document.baseURI, server);
  return remote;
}

/** The value of a reply; a problem is shown, and the answer is nothing. */
export async function answered<T>(reply: Promise<Reply<T>>): Promise<T | undefined> {
  const answer = await new Promise<Reply<T>>((resolve, reject) => {
    const fail = (problem: Problem) => resolve({ problem });
    waiting.add(fail);
    reply.then(resolve, reject).finally(() => waiting.delete(fail));
  });
  if ('value' in answer) return answer.value;
  tell(answer.problem);
  return undefined;
}

export function tell({ kind, message }: Problem): void {
  const sentence = texts.problems[kind](message);
  if (kind === 'stopped') announcement.value = sentence;
  else problem.value = sentence;
}

/** Finds out what there is to compute with. */
export async function start(): Promise<void> {
  const lacking = lackOf();
  if (lacking) return tell({ kind: 'unsupported', message: lacking });
  devices.value = await findDevices();
  device.value = devices.value[0]!.name;
}

/** What this browser does not have, in words; empty where it has all. */
function lackOf(): string | undefined {
  if (typeof WebAssembly === 'undefined') return 'WebAssembly';
  if (typeof Worker === 'undefined') return 'web workers';
  if (typeof OffscreenCanvas === 'undefined') return 'OffscreenCanvas';
  if (typeof createImageBitmap === 'undefined') return 'createImageBitmap';
  return undefined;
}
