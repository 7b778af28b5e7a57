import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { startStudio } from '#server/server.js';
import { chromiumPath } from './browser.js';

/** A photo that comes with the project. */
export const examplePhoto = (name: string) =>
  fileURLToPath(new URL(`../../examples/photos/${name}.jpg`, import.meta.url));

/** The built page in a browser. */
export interface StudioPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly browser: Browser;
  /** Of the page. */
  readonly url: string;
  /** Every address that was asked for. */
  readonly requests: readonly string[];
  /** What the page's scripts did not catch, and what the browser refused. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** Opens a page in a browser of its own. @param url where it is served */
export async function visit(url: string, options: BrowserContextOptions = {}): Promise<StudioPage> {
  const browser = await launch();
  try {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const requests: string[] = [];
    const complaints: string[] = [];
    context.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A page on plain files asks for the local server, too, and a missing graphics card is no failure.
      if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
    });
    await page.goto(url);
    await page.getByLabel('Device').waitFor();
    return { page, context, browser, url, requests, complaints, close: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** The page as `fauve studio` serves it. */
export async function openStudioPage(options: BrowserContextOptions = {}): Promise<StudioPage> {
  const studio = await startStudio({ engine: { device: 'cpu', threads: 1 } });
  try {
    const opened = await visit(studio.url, options);
    const close = async () => {
      await opened.close();
      await studio.close();
    };
    return { ...opened, close };
  } catch (error) {
    await studio.close();
    throw error;
  }
}

/** Opens a photo from a file, and waits until it is seen. */
export async function openPhoto(page: Page, files: Parameters<Page['setInputFiles']>[1]): Promise<void> {
  await page.setInputFiles('[data-photo-input]', files);
  await page.getByRole('img', { name: 'Photo', exact: true }).waitFor();
}

/** Computes on the processor, in the browser. */
export async function useProcessor(page: Page): Promise<void> {
  await page.getByLabel('Device').selectOption('wasm');
}

/** Waits until nothing is being computed. */
export async function untilIdle(page: Page, timeout = 240_000): Promise<void> {
  await page.locator('progress').waitFor({ state: 'detached', timeout });
}

/** Sets sliders of Paint, by the technical names of their options. */
export async function setOptions(page: Page, values: Readonly<Record<string, number>>): Promise<void> {
  await page.locator('details.more').evaluate((element) => element.setAttribute('open', ''));
  for (const [name, value] of Object.entries(values)) {
    await page
      .locator('.field', { has: page.locator(`code:text-is("${name}")`) })
      .locator('input')
      .fill(String(value));
  }
}

/** Presses Download, and reads the file. */
export async function download(page: Page): Promise<{ readonly name: string; readonly path: string }> {
  const [file] = await Promise.all([
    page.waitForEvent('download', { timeout: 240_000 }),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  return { name: file.suggestedFilename(), path: await file.path() };
}
