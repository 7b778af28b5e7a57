import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { aFunction, aSize, checkRequest, oneOf, optional } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import { probe } from '../../runtime/probe.js';
import { connectRuntime } from '../../runtime/remote.js';
import { createRuntime, type Device, engineClosed, type OrtLike, type Runtime } from '../../runtime/runtime.js';
import { requireThreads } from '../../runtime/threads.js';
import { forbidTelemetry, importNative, whyNotNative } from './native-engine.js';

/** Where to compute. `auto` takes the graphics card when there is one and it is faster than the processor. */
export type DeviceChoice = Device | 'auto';

export interface EngineOptions {
  readonly device?: DeviceChoice;
  /** Threads of the CPU engine; at most, and by default, as many as there are cores for this process. */
  readonly threads?: number;
}

/** For those who start the engine later. @throws FauveError `usage` for more threads than this process has cores */
export function checkEngineOptions({ threads }: EngineOptions): void {
  requireThreads(threads, availableParallelism());
}

export interface StartEngineOptions extends EngineOptions {
  /**
   * Is told why the engine is not the fast one, where it is not; the same function once in a program. By default Node prints it as a
   * warning.
   */
  readonly onNotice?: (message: string) => void;
}

/** What the worker thread is told. */
export interface EngineStart {
  readonly options: EngineOptions;
  /** Whether the native engine may be used: it cannot send data about its use. */
  readonly telemetryForbidden: boolean;
}

/**
 * Starts the engine in a worker thread.
 * @throws FauveError `usage` for more threads than cores; `system` when no engine can be loaded, the device is not there, or a bundler
 *   took the package apart
 */
export async function startEngine(request: StartEngineOptions = {}): Promise<Runtime> {
  checkRequest(request, 'startEngine', {
    device: optional(oneOf('auto', 'cpu', 'webgpu')),
    threads: optional(aSize),
    onNotice: optional(aFunction),
  });
  const { onNotice = warn, ...options } = request;
  checkEngineOptions(options);
  const start: EngineStart = { options, telemetryForbidden: await forbidTelemetry() };
  const script = new URL('./engine-worker.js', import.meta.url);
  if (!existsSync(script)) {
    const why = `The engine's thread, ${fileURLToPath(script)}, is missing`;
    const remedy = 'Tell your bundler to leave the package fauve out of the bundle (as an external package).';
    throw new FauveError('installation', `${why}. ${remedy}`);
  }
  const worker = new Worker(script, { workerData: start, execArgv: [] });
  let closing = false;
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', (error) =>
      reject(new FauveError('engine', `The engine stopped: ${messageOf(error)}`, { cause: error })),
    );
    worker.once('exit', (code) => {
      const stopped = `The engine stopped with code ${code}. It may have run out of memory: try a smaller size.`;
      reject(new FauveError(closing ? 'request' : 'out-of-memory', closing ? engineClosed : stopped));
    });
  });
  failed.catch(() => undefined);
  const terminate = async () => {
    closing = true;
    await worker.terminate();
  };
  try {
    const runtime = await connectRuntime(nodeEndpoint(worker), failed, terminate);
    if (runtime.notice !== undefined && !told.has(onNotice)) {
      told.add(onNotice);
      onNotice(runtime.notice);
    }
    return runtime;
  } catch (error) {
    await terminate();
    throw error;
  }
}

/** Those who know that the engine is not the fast one: a program may start many. */
const told = new WeakSet<(message: string) => void>();

function warn(message: string): void {
  process.emitWarning(message, { type: 'FauveWarning', code: 'FAUVE_SLOW_ENGINE' });
}

/**
 * The engine in this thread.
 * @param telemetryForbidden when that is known already
 * @throws FauveError as {@link startEngine}
 */
export async function loadEngine(
  { device = 'auto', threads = availableParallelism() }: EngineOptions,
  telemetryForbidden?: boolean,
): Promise<Runtime> {
  const native = await loadNative(telemetryForbidden);
  if (typeof native === 'string') {
    if (device === 'webgpu') {
      const why = `webgpu needs onnxruntime-node. ${native} Or use the device cpu.`;
      throw new FauveError({ kind: 'no-device', device }, why);
    }
    return loadWasm(threads, native);
  }
  const make = (wanted: Device) =>
    createRuntime(native.ort, {
      device: wanted,
      engine: `onnxruntime-node ${native.version}, ${wanted === 'cpu' ? `${threads} thread${threads === 1 ? '' : 's'}` : wanted}`,
      threads,
      tidy: garbageCollector(),
    });
  if (device === 'cpu' || (device === 'auto' && !mayHaveGraphicsCard())) return make('cpu');
  const gpu = make('webgpu');
  const gpuTime = await probe(gpu).catch((error: unknown) => {
    if (device === 'webgpu') {
      throw new FauveError(
        { kind: 'no-device', device },
        `webgpu is not available: ${firstLine(messageOf(error))} Use the device cpu.`,
        {
          cause: error,
        },
      );
    }
    return Number.POSITIVE_INFINITY;
  });
  if (device === 'webgpu') return gpu;
  // Many machines offer a graphics card that is drawn by the processor, 50 times slower than computing there directly.
  const cpu = make('cpu');
  if (gpuTime === Number.POSITIVE_INFINITY) return cpu;
  return gpuTime < (await probe(cpu)) ? gpu : cpu;
}

/**
 * What collects this thread's garbage now. Left to itself, V8 keeps the bytes of a model, up to a hundred megabytes, until long after the
 * first step, which is when a run needs the most memory.
 */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return typeof collect === 'function' ? () => collect() : () => undefined;
}

/** @returns why not, where it cannot be used: it is an optional dependency, and has no binary for some machines */
async function loadNative(telemetryForbidden?: boolean): Promise<{ ort: OrtLike; version: string } | string> {
  try {
    const ort = await importNative(telemetryForbidden);
    ort.env.logLevel = 'fatal';
    return { ort, version: versionOf('onnxruntime-node') };
  } catch (error) {
    return whyNotNative(error);
  }
}

/** The engine that runs everywhere. @param whyNotNative why the faster one does not */
async function loadWasm(threads: number, whyNotNative: string): Promise<Runtime> {
  try {
    const ort = await import('onnxruntime-web');
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = 'fatal';
    const wasm = createRuntime(
      {
        InferenceSession: {
          create: (model, options) => ort.InferenceSession.create(model, { ...options, executionProviders: ['wasm'] }),
        },
        Tensor: ort.Tensor,
      },
      {
        device: 'cpu',
        engine: `onnxruntime-web ${versionOf('onnxruntime-web')} (WASM), ${threads} thread${threads === 1 ? '' : 's'}`,
        notice: `The engine is onnxruntime-web, several times slower than onnxruntime-node. ${whyNotNative}`,
      },
    );
    return wasm;
  } catch (error) {
    throw new FauveError(
      'machine',
      `No engine could be loaded: ${messageOf(error)}. Install Fauve again with npm install.`,
      { cause: error },
    );
  }
}

/** On Linux a graphics card shows as a render node. Asking the driver where there is none prints its complaints. */
function mayHaveGraphicsCard(): boolean {
  return process.platform !== 'linux' || existsSync('/dev/dri');
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  const entry = require.resolve(name);
  const root = entry.slice(0, entry.lastIndexOf(name) + name.length);
  return (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }).version;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/[.\s]*$/, '.');
}
