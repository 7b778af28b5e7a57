import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { FauveError, messageOf } from '../errors.js';
import { probe } from '../runtime/probe.js';
import { connectRuntime } from '../runtime/remote.js';
import { createRuntime, type Device, type OrtLike, type Runtime } from '../runtime/runtime.js';
import { requireThreads } from '../runtime/threads.js';
import { forbidTelemetry, importNative } from './native-engine.js';

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

/** What the worker thread is told. */
export interface EngineStart {
  readonly options: EngineOptions;
  /** Whether the native engine may be used: it cannot send data about its use. */
  readonly telemetryForbidden: boolean;
}

/**
 * Starts the engine in a worker thread.
 * @throws FauveError `usage` for more threads than cores, `system` when no engine can be loaded or the device is not there
 */
export async function startEngine(options: EngineOptions = {}): Promise<Runtime> {
  checkEngineOptions(options);
  const start: EngineStart = { options, telemetryForbidden: await forbidTelemetry() };
  const worker = new Worker(new URL('./engine-worker.js', import.meta.url), { workerData: start });
  let closing = false;
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', (error) =>
      reject(new FauveError('system', `The engine stopped: ${messageOf(error)}`, { cause: error })),
    );
    worker.once('exit', (code) => {
      const stopped = `The engine stopped with code ${code}. It may have run out of memory: try a smaller --size.`;
      reject(new FauveError('system', closing ? 'The engine is closed.' : stopped));
    });
  });
  failed.catch(() => undefined);
  const terminate = async () => {
    closing = true;
    await worker.terminate();
  };
  try {
    return await connectRuntime(nodeEndpoint(worker), failed, terminate);
  } catch (error) {
    await terminate();
    throw error;
  }
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
  if (!native) {
    if (device === 'webgpu') {
      throw new FauveError('system', 'webgpu needs onnxruntime-node, which is not installed here. Use --device cpu.');
    }
    return loadWasm(threads);
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
      throw new FauveError('system', `webgpu is not available: ${firstLine(messageOf(error))} Use --device cpu.`, {
        cause: error,
      });
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

async function loadNative(telemetryForbidden?: boolean): Promise<{ ort: OrtLike; version: string } | undefined> {
  try {
    const ort = await importNative(telemetryForbidden);
    ort.env.logLevel = 'fatal';
    return { ort, version: versionOf('onnxruntime-node') };
  } catch {
    // An optional dependency: absent, or no binary for this machine. The WASM engine runs everywhere.
    return undefined;
  }
}

async function loadWasm(threads: number): Promise<Runtime> {
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
      { device: 'cpu', engine: `onnxruntime-web ${versionOf('onnxruntime-web')} (WASM), ${threads} threads` },
    );
    return wasm;
  } catch (error) {
    throw new FauveError(
      'system',
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
