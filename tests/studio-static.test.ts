import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, skipped } from './support/browser.js';
import { examplePhoto, openPhoto, type StudioPage, visit } from './support/studio-page.js';

const slow = 400_000;
const root = fileURLToPath(new URL('../', import.meta.url));

describe.skipIf(!chromiumPath)(`the page as plain files below a path${skipped}`, () => {
  let host: Server;
  let studio: StudioPage;
  beforeAll(async () => {
    host = await plainHost('/art/studio/');
    studio = await visit(`http://127.0.0.1:${(host.address() as AddressInfo).port}/art/studio/`);
  }, slow);
  afterAll(async () => {
    await studio?.close();
    host.closeAllConnections();
    host.close();
  });

  it('offers no engine but those of the browser, and says why it is slow', async () => {
    const { page } = studio;
    const device = page.getByLabel('Device');
    expect(await device.locator('option').allTextContents()).toEqual([
      expect.stringMatching(/^Processor · one thread \(1\d MB\)$/),
    ]);
    expect(await page.locator('#device-note').textContent()).toContain('COOP and COEP');
  });

  it('restyles there, with one thread', { timeout: slow }, async () => {
    const { page, requests, url } = studio;
    await openPhoto(page, examplePhoto('chelsea'));
    // What the first picture needs is loaded before it is asked for.
    const loaded = (ending: string) => () => requests.some((address) => address.endsWith(ending));
    await expect.poll(loaded('.wasm'), { timeout: slow }).toBe(true);
    await expect.poll(loaded('/fast.onnx'), { timeout: slow }).toBe(true);
    await page.getByRole('button', { name: 'Instant', exact: true }).click();
    await page.getByRole('img', { name: 'Result' }).waitFor({ timeout: slow });
    await page.getByText(/451 × 300 pixels · .*1 thread/).waitFor();
    const outside = requests.filter((address) => !address.startsWith(url) && !address.startsWith('blob:'));
    expect(outside).toEqual([]);
  });

  it('works without a network after that', { timeout: slow }, async () => {
    const { page, context } = studio;
    // From the second visit on the service worker has seen what was loaded.
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    await page.reload();
    await page.getByLabel('Device').waitFor();
    const instant = async () => {
      await page.getByRole('button', { name: 'A cat' }).click();
      await page.getByRole('img', { name: 'Photo', exact: true }).waitFor();
      await page.getByRole('button', { name: 'Instant', exact: true }).click();
      await page.getByRole('img', { name: 'Result' }).waitFor({ timeout: slow });
    };
    await instant();
    await context.setOffline(true);
    host.closeAllConnections();
    await page.reload();
    await page.getByLabel('Device').waitFor();
    await instant();
    // A style that was not used is not there, and the page says so.
    await page.getByRole('radio', { name: 'Cotopaxi' }).check({ force: true });
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await expect
      .poll(() => page.getByRole('alert').textContent(), { timeout: slow })
      .toMatch(/could not be loaded.*connection/);
  });
});

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
};

/** A web host as there are many: files below a path, and no header that anybody asked for. */
async function plainHost(prefix: string): Promise<Server> {
  const folders: Readonly<Record<string, string>> = {
    models: join(root, 'models'),
    ort: join(root, 'node_modules/onnxruntime-web/dist'),
  };
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    const below = path.startsWith(prefix) ? path.slice(prefix.length) || 'index.html' : '..';
    const [first = '', ...rest] = below.split('/');
    const folder = folders[first];
    const file = folder ? join(folder, ...rest) : join(root, 'dist/studio', below);
    readFile(file).then(
      (bytes) => {
        const type = TYPES[extname(file)] ?? 'application/octet-stream';
        response.writeHead(200, { 'content-type': type, 'content-length': bytes.byteLength }).end(bytes);
      },
      () => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
