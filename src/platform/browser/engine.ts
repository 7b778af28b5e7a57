import type * as Ort from 'onnxruntime-web';
import { aFunction, anAddress, aSignal, aSize, checkRequest, oneOf, optional } from '../../checks/checks.js';
import { FauveError, messageOf } from '../../errors.js';
import { type EngineBuild, engineFiles } from '../../runtime/engine-files.js';
import { probe, wake } from '../../runtime/probe.js';
import { createRuntime, type Device, type EngineFailure, type Runtime } from '../../runtime/runtime.js';
import { requireThreads } from '../../runtime/threads.js';
import { download, type LoadOptions } from './download.js';

/** Where to compute. `auto` takes the graphics card when there is one and it is faster than the processor. */
export type DeviceChoice = Device | 'auto';

export interface BrowserEngineOptions extends LoadOptions {
  readonly device?: DeviceChoice;
  /** Threads on the processor, at most as many as there are cores; by default as many as these suggest. More than one need a cross-origin isolated page. */
  readonly threads?: number;
  /** The folder that serves the files of {@link engineFiles}, of the page's own origin; absolute, or relative to the worker's script. */
  readonly assets: string | URL;
}

/** ONNX Runtime as one of its builds, loaded. */
interface LoadedOrt {
  readonly ort: typeof Ort;
  readonly threads: number;
}

type BuildName = keyof typeof engineFiles;

/** A worker loads each build once: what it was started with holds until the worker ends. */
const loaded = new Map<BuildName, Promise<LoadedOrt>>();

/**
 * The engine in this thread, which should be a web worker's: it blocks while it computes. Loads the smallest build that will do, with
 * progress. A second call in the same worker finds the build there, with the threads of the first.
 * @throws FauveError `usage` for more threads than cores, `system` when the engine cannot be loaded or the device is not there, `aborted`
 */
export async function loadEngine(options: BrowserEngineOptions): Promise<Runtime> {
  checkRequest(options, 'loadEngine', {
    device: optional(oneOf('auto', 'cpu', 'webgpu')),
    threads: optional(aSize),
    assets: anAddress,
    signal: optional(aSignal),
    onProgress: optional(aFunction),
  });
  const { device = 'auto', threads } = options;
  requireThreads(threads, navigator.hardwareConcurrency);
  if (device === 'cpu') return onProcessor(options);
  const adapter = await findAdapter();
  if (device === 'webgpu') {
    if (!adapter) {
      throw new FauveError(
        { kind: 'no-device', device: 'webgpu' },
        'This browser offers no graphics card through WebGPU. Use the processor: device cpu.',
      );
    }
    return onGraphicsCard(options);
  }
  // A card that is drawn by the processor is tens of times slower than the processor itself.
  if (!adapter || adapter.info.isFallbackAdapter) return onProcessor(options);
  const card = await onGraphicsCard(options).catch((error: unknown) => {
    if (error instanceof FauveError && error.code === 'aborted') throw error;
    return undefined;
  });
  const cardTime = card && (await probe(card).catch(() => undefined));
  if (!card || cardTime === undefined) return onProcessor(options);
  // The build for graphics cards computes on the processor, too: enough to compare without another download.
  const rival = overOrt(await loadOrt(cardBuild(), options), 'cpu');
  return cardTime < (await probe(rival)) ? card : onProcessor(options);
}

async function onProcessor(options: BrowserEngineOptions): Promise<Runtime> {
  return overOrt(await loadOrt('wasm', options), 'cpu');
}

async function onGraphicsCard(options: BrowserEngineOptions): Promise<Runtime> {
  const build = await loadOrt(cardBuild(), options);
  let lost: GPUDeviceLostInfo | undefined;
  const runtime = overOrt(build, 'webgpu', () => lost);
  await wake(runtime);
  const card = (await build.ort.env.webgpu.device) as GPUDevice;
  void card.lost.then((info) => {
    lost = info;
  });
  return runtime;
}

/** JSPI makes for a smaller build and for faster code. */
const cardBuild = (): BuildName => ('Suspending' in WebAssembly ? 'jspi' : 'asyncify');

async function findAdapter(): Promise<GPUAdapter | undefined> {
  // Absent in many browsers, and on pages that came over plain http.
  const gpu: GPU | undefined = navigator.gpu;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)) ?? undefined;
}

function loadOrt(build: BuildName, options: BrowserEngineOptions): Promise<LoadedOrt> {
  const found = loaded.get(build);
  if (found) return found;
  const loading = startOrt(build, options).catch((error: unknown) => {
    // For another try.
    loaded.delete(build);
    if (error instanceof FauveError) throw error;
    throw new FauveError(
      'engine',
      `The engine could not be loaded: ${messageOf(error)}. Reload the page, or use a current version of Firefox, Chrome, Edge or Safari.`,
      { cause: error },
    );
  });
  loaded.set(build, loading);
  return loading;
}

async function startOrt(build: BuildName, options: BrowserEngineOptions): Promise<LoadedOrt> {
  const files: EngineBuild = engineFiles[build];
  const folder = new URL(String(options.assets).replace(/\/?$/, '/'), location.href);
  const [ort, binary] = await Promise.all([
    importOrt(build),
    download(new URL(files.wasm, folder), 'The engine', files.bytes, options),
  ]);
  const threads = crossOriginIsolated ? (options.threads ?? coresToUse()) : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.wasmPaths = { mjs: new URL(files.script, folder), wasm: new URL(files.wasm, folder) };
  // Its warnings are of nodes that it moves to the processor on purpose, and its errors are told where they are caught.
  ort.env.logLevel = 'fatal';
  await (await wake(overOrt({ ort, threads }, 'cpu'))).close();
  // It is compiled now: the bytes would only take memory.
  delete ort.env.wasm.wasmBinary;
  return { ort, threads };
}

async function importOrt(build: BuildName): Promise<typeof Ort> {
  switch (build) {
    case 'wasm':
      return import('onnxruntime-web/wasm');
    case 'jspi':
      return import('onnxruntime-web/jspi');
    case 'asyncify':
      return import('onnxruntime-web/webgpu');
  }
}

/** Half of the cores where there are many: they count hyperthreads, and a tab has other things to do. */
function coresToUse(): number {
  const cores = navigator.hardwareConcurrency;
  return cores <= 2 ? cores : Math.min(8, Math.ceil(cores / 2));
}

function overOrt(
  { ort, threads }: LoadedOrt,
  device: Device,
  lost: () => GPUDeviceLostInfo | undefined = () => undefined,
): Runtime {
  const executionProviders = [device === 'cpu' ? 'wasm' : 'webgpu'];
  const create = (model: Uint8Array, options?: Ort.InferenceSession.SessionOptions) =>
    ort.InferenceSession.create(model, { ...options, executionProviders });
  const explain = (error: unknown) => {
    const info = lost();
    return info ? cardLost(info) : outOfMemory(error);
  };
  return createRuntime(
    { InferenceSession: { create }, Tensor: ort.Tensor },
    { device, engine: words(ort, device, threads), explain },
  );
}

function words(ort: typeof Ort, device: Device, threads: number): string {
  const version = `onnxruntime-web ${ort.env.versions.web}`;
  if (device === 'webgpu') return `${version}, webgpu`;
  const alone = crossOriginIsolated ? '' : ', because this page is not cross-origin isolated';
  return `${version} (WASM), ${threads} thread${threads === 1 ? alone : 's'}`;
}

const cardLost = ({ message }: GPUDeviceLostInfo): EngineFailure => ({
  kind: 'device-lost',
  why: `the graphics card was taken away${message ? ` (${message})` : ''}. Reload the page, or use the device cpu.`,
});

/**
 * Memory that could not be had shows in many ways: a plain number is an exception in C++ that nobody caught, and sizes that 32 bits do not
 * hold overflow before anything is asked for.
 */
function outOfMemory(error: unknown): EngineFailure | undefined {
  const signs =
    /bad_alloc|out of memory|\bOOM\b|failed to allocate|memory access|SafeIntOnOverflow|shape is too large|^\d+$/i;
  return typeof error === 'number' || signs.test(messageOf(error))
    ? { kind: 'out-of-memory', why: 'it ran out of memory. Load the engine again and choose a smaller size.' }
    : undefined;
}
