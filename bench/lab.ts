import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';

/** Of the project, from `dist/bench/`. */
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A Chromium of this machine; the environment variable `FAUVE_CHROMIUM` names another. */
export const chromiumPath = [
  process.env.FAUVE_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== '' && existsSync(path));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

export interface LabOptions {
  /** Whether the server sends the headers that threads need; true by default. */
  readonly isolated?: boolean;
  /** What the address of the page says; with another name than that of this machine it is no secure context. */
  readonly host?: string;
  readonly flags?: readonly string[];
}

/** A page with Fauve's browser door, whose workers do what the tests ask. */
export interface Lab {
  readonly page: Page;
  readonly origin: string;
  /** Of Chromium. */
  readonly version: string;
  /** Every address that the page asked for. */
  readonly requests: readonly string[];
  /** Serves bytes under `/data/NAME`, and gives that address. */
  serve(name: string, bytes: Uint8Array | string): string;
  /** Runs a job of `tests/browser/worker.ts` in the worker of this name. @throws Error with the words of the job's error */
  run<T>(worker: string, job: string, ...args: readonly unknown[]): Promise<T>;
  close(): Promise<void>;
}

/** Bundles the page of `tests/browser/`, serves it from this machine, and opens it in Chromium ({@link chromiumPath}). */
export async function openLab({ isolated = true, host = '127.0.0.1', flags = [] }: LabOptions = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'fauve-browser-'));
  await build({
    root: join(root, 'tests/browser'),
    configFile: false,
    logLevel: 'error',
    base: './',
    worker: { format: 'es' },
    resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'] },
    build: { outDir: folder, emptyOutDir: true, target: 'es2023', minify: false, modulePreload: false },
  });
  const data = new Map<string, Uint8Array | string>();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    void answer(path === '/' ? '/index.html' : path, response);
  });
  const answer = async (path: string, response: ServerResponse) => {
    const file = path.startsWith('/engine/')
      ? join(root, 'node_modules/onnxruntime-web/dist', path.slice('/engine/'.length))
      : path.startsWith('/models/')
        ? join(root, path)
        : join(folder, path);
    const bytes = path.startsWith('/data/')
      ? data.get(path.slice('/data/'.length))
      : await readFile(file).catch(() => undefined);
    response.writeHead(bytes === undefined ? 404 : 200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      ...(isolated
        ? { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
        : {}),
      ...(bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }),
    });
    response.end(bytes ?? 'not found');
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`;
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    browser = await chromium.launch({
      executablePath: chromiumPath!,
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        // A page that nobody sees is no reason to compute more slowly.
        '--disable-renderer-backgrounding',
        `--host-resolver-rules=MAP ${host} 127.0.0.1`,
        ...flags,
      ],
    });
    const page = await (await browser.newContext()).newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => console.error(`In the page: ${error.message}`));
    await page.goto(origin);
    return {
      page,
      origin,
      version: browser.version(),
      requests,
      serve(name, bytes) {
        data.set(name, bytes);
        return `/data/${name}`;
      },
      async run<T>(worker: string, job: string, ...args: readonly unknown[]) {
        const outcome = await page.evaluate(
          ([name, work, given]) =>
            (
              globalThis as unknown as { run: (...args: unknown[]) => Promise<{ value?: unknown; error?: string }> }
            ).run(name, work, given),
          [worker, job, args] as const,
        );
        if (outcome.error !== undefined) throw new Error(outcome.error);
        return outcome.value as T;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
