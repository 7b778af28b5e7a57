import { isMainThread } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import { FauveError, messageOf } from '../../errors.js';

/** Anything but 0 or nothing keeps ONNX Runtime from collecting data about its use and from sending it. */
const SWITCH = 'ORT_DISABLE_TELEMETRY';

/** Milliseconds that the main thread has to answer. */
const PATIENCE = 5000;

/**
 * Forbids onnxruntime-node to collect and send data about its use, for the whole process. It reads the environment of the process, of
 * which a worker thread has but a copy: there, the main thread's is changed.
 * @returns whether it is forbidden
 */
export async function forbidTelemetry(): Promise<boolean> {
  if (isMainThread) {
    process.env[SWITCH] = '1';
    return true;
  }
  try {
    return (await evaluateInMainThread(`process.env.${SWITCH} = '1'`)) === '1';
  } catch {
    // No inspector: the copy says at least whether it was forbidden from the start.
    return process.env[SWITCH] === '1';
  }
}

/**
 * The only import of onnxruntime-node.
 * @param forbidden what {@link forbidTelemetry} said
 * @throws when it is not there, does not load, or could collect data; {@link whyNotNative} says it in words
 */
export async function importNative(forbidden?: boolean): Promise<typeof Ort> {
  if (!(forbidden ?? (await forbidTelemetry()))) {
    const why = 'It cannot be kept from sending data about its use';
    throw new FauveError('machine', `${why}: set ${SWITCH}=1 before the program starts.`);
  }
  return import('onnxruntime-node');
}

/** Why {@link importNative} failed and what to do, as a sentence that calls the engine it. */
export function whyNotNative(error: unknown): string {
  if (error instanceof FauveError) return error.message;
  const message = messageOf(error).split('\n', 1)[0]!;
  const { platform, arch } = process;
  if (/Cannot find module .*onnxruntime_binding/.test(message)) return `It has no build for ${platform} ${arch}.`;
  if (/Cannot find (package|module)/.test(message)) {
    return 'It is not installed: put the line onnxruntime-node-install=skip into the .npmrc of your project and run npm install again.';
  }
  return `It does not load: ${message.replace(/[.\s]*$/, '.')}`;
}

/** Works while the main thread is busy, too: the inspector interrupts it. */
async function evaluateInMainThread(expression: string): Promise<unknown> {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  let timer: NodeJS.Timeout | undefined;
  // It also keeps this thread alive, which waiting for an answer does not.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The main thread does not answer.')), PATIENCE);
  });
  try {
    session.connectToMainThread();
    const { result } = await Promise.race([
      session.post('Runtime.evaluate', { expression, returnByValue: true }),
      late,
    ]);
    return result.value;
  } finally {
    clearTimeout(timer);
    session.disconnect();
  }
}
