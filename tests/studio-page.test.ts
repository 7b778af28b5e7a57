import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { psnr } from '#src/image/metrics.js';
import { decodeImage } from '#src/platform/node/codec.js';
import { startEngine } from '#src/platform/node/engine.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { apply } from '#src/style-network/apply.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import type { ApplyOptionsInput } from '#src/style-network/options.js';
import { chromiumPath, skipped } from './support/browser.js';
import { recipeOf } from './support/recipes.js';
import {
  download,
  examplePhoto,
  openPhoto,
  openStudioPage,
  type StudioPage,
  setOptions,
  untilIdle,
  useProcessor,
} from './support/studio-page.js';

const slow = 400_000;
const photo = examplePhoto('chelsea');

describe.skipIf(!chromiumPath)(`the studio's page${skipped}`, () => {
  let studio: StudioPage;
  beforeAll(async () => {
    studio = await openStudioPage({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  }, slow);
  afterAll(() => studio?.close());

  it('is usable after at most 300 KB', async () => {
    const { page, requests, url } = studio;
    await page.waitForLoadState('networkidle');
    // The page itself is the first entry.
    const sizes = await page.evaluate<number[]>('performance.getEntries().map((entry) => entry.decodedBodySize ?? 0)');
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(50_000);
    expect(total).toBeLessThan(300_000);
    expect(requests.filter((address) => /\.(wasm|onnx|safetensors|style)$/.test(address))).toEqual([]);
    expect(requests).toContain(url);
  });

  it('restyles a photo at once, as fauve apply does, and mixes it as the library does', { timeout: slow }, async () => {
    const { page } = studio;
    await openPhoto(page, photo);
    await useProcessor(page);
    await page.getByRole('radio', { name: 'The Great Wave off Kanagawa' }).check({ force: true });
    await page.getByRole('button', { name: 'Instant', exact: true }).click();
    await page.getByRole('img', { name: 'Result' }).waitFor({ timeout: slow });
    const { name, path } = await download(page);
    expect(name).toBe('chelsea-the-great-wave-off-kanagawa.png');

    const made = await decode(path);
    const expected = await applied({});
    expect([made.image.width, made.image.height]).toEqual([451, 300]);
    expect(psnr(made.image, expected)).toBeGreaterThan(40);
    expect(JSON.parse(made.recipe!)).toMatchObject({
      content: { path: 'chelsea.jpg' },
      transformer: { path: 'fast', shipped: true },
      styles: [{ name: 'great-wave' }],
    });

    await page.getByLabel('Colour from the style').fill('0');
    const luminance = await decode((await download(page)).path);
    expect(psnr(luminance.image, await applied({ colours: 'luminance' }))).toBeGreaterThan(38);
    expect(JSON.parse(luminance.recipe!)).toMatchObject({ mix: { colour: 0 } });

    await page.getByRole('button', { name: 'Reset the mix' }).click();
    await page.getByLabel('Strength', { exact: true }).fill('0.4');
    const weak = await decode((await download(page)).path);
    expect(psnr(weak.image, await applied({ strength: 0.4 }))).toBeGreaterThan(40);
  });

  it('paints: the loss falls, and the chart has its points', { timeout: slow }, async () => {
    const { page } = studio;
    await setOptions(page, { size: 128, steps: 30, scales: 1 });
    await page.getByRole('button', { name: 'Loss lab' }).click();
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await untilIdle(page, slow);
    const chart = page.locator('[data-points]');
    expect(await chart.getAttribute('data-points')).toBe('30');
    const total = page.getByRole('row', { name: /^total \d/ });
    const [first, last] = (await total.getByRole('cell').allTextContents()).map(Number);
    expect(last).toBeLessThan(first! / 2);
    // Content, five layers of style, total variation and their total: each can be hidden.
    const toggles = page.getByRole('table').getByRole('button');
    expect(await toggles.count()).toBe(8);
    await toggles.first().click();
    expect(await chart.getAttribute('aria-label')).toContain('7 lines');
    await expect(page.getByText('128 × 85 pixels').count()).resolves.toBe(1);
  });

  it('waits, goes on, and keeps the picture when it is stopped', { timeout: slow }, async () => {
    const { page } = studio;
    await setOptions(page, { steps: 400 });
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    const step = async () => Number(/Step (\d+)/.exec((await page.locator('.status').textContent()) ?? '')?.[1] ?? -1);
    await expect.poll(step, { timeout: slow }).toBeGreaterThan(2);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).first().waitFor();
    const points = () => page.locator('[data-points]').getAttribute('data-points').then(Number);
    // The step that was being computed is still counted.
    await expect.poll(async () => (await points()) === (await wait(1500, points)), { timeout: slow }).toBe(true);
    const waiting = await points();
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect.poll(points, { timeout: slow }).toBeGreaterThan(waiting);
    await page.getByRole('button', { name: 'Stop' }).click();
    await untilIdle(page);
    await page.getByText(/^Stopped after step \d+/).waitFor();
    const { image } = await decode((await download(page)).path);
    expect([image.width, image.height]).toEqual([128, 85]);
    // Back through the results of the session.
    const back = page.getByRole('button', { name: 'Previous result' });
    await back.click();
    await back.click();
    await page.getByText('451 × 300 pixels').waitFor();
  });

  it('takes a picture of yours as the style, which the instant network does not know', { timeout: slow }, async () => {
    const { page } = studio;
    await page.setInputFiles('[data-style-input]', examplePhoto('coffee'));
    expect(await page.getByRole('radio', { name: 'coffee.jpg' }).isChecked()).toBe(true);
    await page.getByText('For a picture of yours, use Paint.').waitFor();
    expect(await page.getByRole('button', { name: 'Instant', exact: true }).getAttribute('aria-disabled')).toBe('true');
    await setOptions(page, { steps: 5 });
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await untilIdle(page, slow);
    const { recipe } = await decode((await download(page)).path);
    // It can be made again, by fauve redo.
    const { styles, options, network } = recipeOf('stylize', recipe);
    expect(styles).toMatchObject([{ path: 'coffee.jpg', weight: 1 }]);
    expect(options).toMatchObject({ steps: 5, size: '128x85' });
    expect(network.name).toBe('distilled-small');
    await page.getByRole('radio', { name: 'The Great Wave off Kanagawa' }).check({ force: true });
  });

  it('computes with the native engine of this computer, too', { timeout: slow }, async () => {
    const { page } = studio;
    await page.getByLabel('Device').selectOption('native');
    await page.getByRole('button', { name: 'Instant', exact: true }).click();
    await untilIdle(page, slow);
    await page.getByText(/451 × 300 pixels · onnxruntime-node/).waitFor();
    const instant = await decode((await download(page)).path);
    expect(psnr(instant.image, await applied({}))).toBeGreaterThan(50);
    expect(recipeOf('apply', instant.recipe)).toMatchObject({
      transformer: { path: 'fast', shipped: true },
      content: { path: 'chelsea.jpg' },
      styles: [{ name: 'great-wave' }],
    });
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await untilIdle(page, slow);
    await page.getByText(/128 × 85 pixels · onnxruntime-node/).waitFor();
    expect(await page.locator('[data-points]').getAttribute('data-points')).toBe('5');
    const painted = recipeOf('stylize', (await decode((await download(page)).path)).recipe);
    expect(painted).toMatchObject({ content: { path: 'chelsea.jpg' }, network: { name: 'distilled' } });
    expect(painted.styles).toMatchObject([{ path: 'great-wave', shipped: true }]);
    await useProcessor(page);
  });

  // It measures time, so it is for an idle machine: FAUVE_TIMED=1 npx vitest run tests/studio-page.test.ts
  it.skipIf(!process.env.FAUVE_TIMED)('stays responsive while it works', { timeout: slow }, async () => {
    const { page, browser } = studio;
    await setOptions(page, { steps: 12 });
    await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
    await page.getByRole('button', { name: 'Instant', exact: true }).click();
    await untilIdle(page);
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await untilIdle(page);
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    const main = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
    // The time of the processor, not of the clock: what others do on this machine is not the page's fault.
    const tasks = traceEvents.filter(
      ({ name, pid, tid, tdur }) =>
        name.endsWith('RunTask') && tdur !== undefined && main.some((each) => each.pid === pid && each.tid === tid),
    );
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks.filter(({ tdur }) => tdur! > 100_000)).toEqual([]);
  });

  it('asks nobody but its own server, and nothing is refused', () => {
    const { requests, complaints, url } = studio;
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.filter((address) => !address.startsWith(url) && !address.startsWith(`blob:${url}`))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

/** Of a trace of Chromium; times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Time of the thread. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

async function decode(path: string) {
  return decodeImage(await readFile(path), { what: 'The download', fileName: path });
}

/** What `fauve apply` makes of the photo. */
async function applied(options: ApplyOptionsInput) {
  const runtime = await startEngine({ device: 'cpu' });
  try {
    const network = await openStyleNetwork(runtime, await loadStyleNetwork('fast'));
    const { image } = await decode(photo);
    return (await apply({ image, network, styles: [{ name: 'great-wave' }], options })).image;
  } finally {
    await runtime.close();
  }
}

async function wait<T>(milliseconds: number, then: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return then();
}
