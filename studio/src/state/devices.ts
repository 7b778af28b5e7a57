import shipped from 'virtual:shipped';
import { bytes, texts } from '../texts.js';
import type { DeviceName } from '../worker/api.js';
import { networkFor } from '../worker/network-for.js';

/** A device that can be chosen. */
export interface DeviceFact {
  readonly name: DeviceName;
  /** What computes, in words. */
  readonly engine: string;
  /** Bytes that choosing it loads, once. */
  readonly bytes: number;
}

/** What there is to compute with, the fastest first. */
export async function findDevices(): Promise<DeviceFact[]> {
  const [server, card] = await Promise.all([findServer(), hasCard()]);
  const size = (path: string) => shipped.sizes[path] ?? 0;
  const engine = (kind: string) => size(`ort/ort-wasm-simd-threaded${kind}.wasm`);
  const network = (device: DeviceName) => size(`models/${networkFor(device)}.safetensors`);
  const devices: DeviceFact[] = [];
  if (server) devices.push({ name: 'native', engine: server, bytes: 0 });
  if (card) {
    // As the library chooses: browsers whose WebAssembly can wait for promises get the smaller build.
    const kind = 'Suspending' in WebAssembly ? '.jspi' : '.asyncify';
    devices.push({ name: 'webgpu', engine: 'WebGPU', bytes: engine(kind) + network('webgpu') });
  }
  devices.push({
    name: 'wasm',
    engine: crossOriginIsolated ? texts.device.threads : texts.device.thread,
    bytes: engine('') + network('wasm'),
  });
  return devices;
}

/** The engine of the local server behind the page; nothing where the page is plain files. */
async function findServer(): Promise<string | undefined> {
  try {
    const response = await fetch(new URL('api/health', document.baseURI));
    if (!response.ok || !response.headers.get('content-type')?.includes('json')) return undefined;
    const { engine } = (await response.json()) as { readonly engine?: unknown };
    return typeof engine === 'string' ? engine : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is a graphics card, and not one that the processor draws. */
async function hasCard(): Promise<boolean> {
  // Absent in many browsers, and on pages that came over plain http.
  const gpu: GPU | undefined = navigator.gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter != null && !adapter.info.isFallbackAdapter;
}

/** What a device is called, and what it loads. */
export function deviceWords({ name, engine, bytes: size }: DeviceFact): string {
  const loads = size > 0 ? ` (${bytes(size)})` : '';
  return `${texts.device.names[name]} · ${engine}${loads}`;
}
