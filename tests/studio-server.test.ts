import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobEvent } from '#server/server.js';
import { decodeRecipe } from '#src/jobs/recipe.js';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';
import { loadEngine } from '#src/platform/node/engine.js';
import { loadNetworkWeights } from '#src/platform/node/model-store.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { loadStyle, readStyle, stylesFolder } from '#src/platform/node/style-store.js';
import { apply } from '#src/style-network/apply.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import { encodeStyle } from '#src/styles/style-file.js';
import { stylize } from '#src/stylize/stylize.js';
import { picture } from './support/cli.js';
import { recipeOf } from './support/recipes.js';
import { blocksOf, builtPage, type OpenStudio, openStudio, removePage } from './support/studio.js';
import { tinyFile } from './support/tiny-style-network.js';

// The engine shares the machine with other tests.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let page: string;
let studio: OpenStudio;
beforeAll(async () => {
  page = await builtPage();
  studio = await openStudio(page);
});
afterAll(async () => {
  await studio.close();
  await removePage(page);
  expect(studio.logged).toEqual([]);
});

/** Options that are done in no time. */
const quick = { size: 48, scales: 1, contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1, relu2_1: 1 } };
const paint = (steps: number) => ({
  kind: 'stylize',
  styles: [{ shipped: 'starry-night' }],
  options: { ...quick, steps },
});
const endless = paint(100_000);

async function all(id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of studio.events(id)) events.push(event);
  return events;
}

/** The first event that is as expected; the stream is left then. */
async function first(id: string, expected: (event: JobEvent) => boolean): Promise<JobEvent> {
  for await (const event of studio.events(id)) if (expected(event)) return event;
  throw new Error('The stream ended.');
}

const started = (event: JobEvent) => event.type === 'progress' && 'step' in event.data && event.data.step > 1;

async function decoded(response: Response) {
  expect(response.headers.get('Content-Type')).toBe('image/png');
  return decodeImage(new Uint8Array(await response.arrayBuffer()), { what: 'Picture', fileName: 'of the job' });
}

async function refused(response: Response, status: number, message: RegExp): Promise<void> {
  const body = await response.json();
  expect(body).toMatchObject({ message: expect.stringMatching(message) });
  expect(response.status).toBe(status);
}

describe('files', () => {
  it('the page is served with what threads of WASM need, and may load nothing from elsewhere', async () => {
    for (const path of ['', 'index.html']) {
      const { status, headers } = await studio.ask(path);
      expect(status).toBe(200);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      const policy = headers.get('Content-Security-Policy')!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
      expect(policy).toContain("worker-src 'self' blob:;");
      expect(policy).not.toMatch(/https?:|\*|'unsafe-inline'|'unsafe-eval'/);
    }
  });

  it.each([
    ['assets/main.js', 'text/javascript; charset=utf-8'],
    ['models/manifest.json', 'application/json'],
    ['models/distilled-small.safetensors', 'application/octet-stream'],
    ['models/styles/starry-night.style', 'application/octet-stream'],
    ['models/styles/starry-night.webp', 'image/webp'],
    ['ort/ort-wasm-simd-threaded.mjs', 'text/javascript; charset=utf-8'],
    ['ort/ort-wasm-simd-threaded.wasm', 'application/wasm'],
  ])('%s is %s, and not sent again when it has not changed', async (path, type) => {
    const response = await studio.ask(path);
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, type]);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (path.startsWith('models/')) {
      expect(sha256(bytes)).toBe(sha256(await readFile(new URL(`../${path}`, import.meta.url))));
    }
    const etag = response.headers.get('ETag')!;
    const again = await studio.ask(path, { headers: { 'If-None-Match': etag } });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
    const other = await studio.ask(path, { headers: { 'If-None-Match': '"other"' } });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, bytes.byteLength]);
  });

  it('HEAD says how large a file is', async () => {
    const { size } = await stat(new URL('../models/distilled.safetensors', import.meta.url));
    const response = await studio.ask('models/distilled.safetensors', { method: 'HEAD' });
    expect(response.headers.get('Content-Length')).toBe(String(size));
    expect(await response.text()).toBe('');
  });

  it.each(['.secret', 'ort/ort.mjs', 'models/', 'assets', 'server.ts'])('%s is not served', async (path) => {
    await refused(await studio.ask(path), 404, /nothing at this address/);
  });
});

describe('jobs', () => {
  it('health says which engine there is', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const response = await studio.ask('api/health');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toEqual({
      fauve: version,
      engine: expect.stringMatching(/^onnxruntime-(node|web) 1\..*1 thread/),
      device: 'cpu',
    });
  });

  it('paint: progress, pictures and the end, and a picture with its recipe', async () => {
    const style = await encodeImage(picture(40, 56, 2), 'png');
    const job = {
      kind: 'stylize',
      styles: [
        { file: 0, weight: 2 },
        { shipped: 'starry-night', weight: 1 },
      ],
      options: { ...quick, steps: 5 },
    };
    const id = await studio.start(job, { styles: [style] });
    const events = await all(id);
    const steps = events.flatMap(({ type, data }) => (type === 'progress' && 'step' in data ? [data] : []));
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(steps.at(-1)).toMatchObject({ steps: 5, width: 48, height: 36, seconds: expect.any(Number) });
    expect(steps[5]!.loss!).toBeLessThan(steps[1]!.loss!);
    expect(Object.keys(steps[1]!.terms!)).toEqual([
      'content relu2_1',
      'style relu1_1',
      'style relu2_1',
      'total variation',
    ]);
    const url = `api/jobs/${id}/picture?step=5`;
    expect(events.slice(-2)).toEqual([
      { type: 'picture', data: { url } },
      { type: 'done', data: { url, width: 48, height: 36, seconds: expect.any(Number) } },
    ]);
    const { image, recipe } = await decoded(await studio.ask(url));
    expect([image.width, image.height]).toEqual([48, 36]);
    expect(decodeRecipe(recipe!)).toMatchObject({
      network: { name: 'distilled' },
      content: { path: 'photo.png', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      styles: [
        { path: 'style-0.png', sha256: sha256(style), weight: 2 },
        { path: 'starry-night', weight: 1, shipped: true },
      ],
      options: { size: '48x36', steps: 5 },
    });
  });

  it('paint gives what the library gives', async () => {
    const id = await studio.start(paint(4));
    await all(id);
    const { image } = await decoded(await studio.ask(`api/jobs/${id}/picture`));
    const runtime = await loadEngine({ device: 'cpu', threads: 1 });
    const photo = await decodeImage(await encodeImage(picture(64, 48, 1), 'png'), { what: 'Photo', fileName: 'photo' });
    const { style } = await loadStyle('starry-night');
    const expected = await stylize({
      content: photo.image,
      styles: [{ style, weight: 1 }],
      weights: await loadNetworkWeights('distilled'),
      runtime,
      options: { ...quick, steps: 4 },
    });
    await runtime.close();
    const bytes = await encodeImage(expected.image, 'png');
    expect(image).toEqual((await decodeImage(bytes, { what: 'Picture', fileName: 'it' })).image);
  });

  it("paint starts with the network's picture, where it knows the style", async () => {
    const fast = { ...paint(1), options: { ...quick, steps: 1, init: 'fast' } };
    await refused(await studio.send(fast), 400, /has not learned the style starry-night/);
    const other = await openStudio(page, { loadNetwork: () => loadStyleNetwork('fast') });
    try {
      const id = await other.start(fast);
      for await (const { type } of other.events(id)) if (type === 'done') break;
      const { recipe } = await decoded(await other.ask(`api/jobs/${id}/picture`));
      expect(recipeOf('stylize', recipe)).toMatchObject({ fast: { name: 'fast' }, options: { init: 'fast' } });
    } finally {
      await other.close();
    }
  });

  it('paint takes style files, too', async () => {
    const { style } = await readStyle(`${stylesFolder}/great-wave.style`);
    const job = { ...paint(1), styles: [{ file: 0 }] };
    const events = await all(await studio.start(job, { styles: [encodeStyle(style)] }));
    expect(events.at(-1)!.type).toBe('done');
  });

  it('instant gives what the library gives', async () => {
    const job = {
      kind: 'apply',
      styles: [{ name: 'wave', weight: 3 }, { name: 'night' }],
      options: { strength: 0.8 },
    };
    for (let time = 0; time < 2; time++) {
      const id = await studio.start(job);
      const events = await all(id);
      expect(events.at(-1)).toMatchObject({ type: 'done', data: { width: 64, height: 48 } });
      const { image, recipe } = await decoded(await studio.ask(`api/jobs/${id}/picture`));
      const runtime = await loadEngine({ device: 'cpu', threads: 1 });
      const styleNetwork = await openStyleNetwork(runtime, { fileName: 'tiny.onnx', bytes: tinyFile(3) });
      const photo = await decodeImage(await encodeImage(picture(64, 48, 1), 'png'), {
        what: 'Photo',
        fileName: 'photo',
      });
      const { styles, options } = job;
      const expected = await apply({ image: photo.image, network: styleNetwork, styles, options });
      const rounded = await decodeImage(await encodeImage(expected.image, 'png'), { what: 'Picture', fileName: 'it' });
      await runtime.close();
      expect(image).toEqual(rounded.image);
      expect(recipeOf('apply', recipe)).toMatchObject({
        transformer: { path: 'tiny.onnx', sha256: sha256(tinyFile(3)) },
        content: { path: 'photo.png' },
        styles: [
          { name: 'wave', weight: 3 },
          { name: 'night', weight: 1 },
        ],
        options: { strength: 0.8, size: 'original' },
        precision: 'int8',
      });
    }
  });

  it('a cancelled one keeps its last picture, and the next one has its turn', async () => {
    const id = await studio.start(endless);
    await first(id, started);
    expect((await studio.ask(`api/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    const events = await all(id);
    expect(events.at(-1)).toEqual({ type: 'cancelled', data: {} });
    expect(events.map(({ type }) => type)).toContain('picture');
    const { image, recipe } = await decoded(await studio.ask(`api/jobs/${id}/picture`));
    expect([image.width, recipeOf('stylize', recipe).options.steps]).toEqual([48, 100_000]);
    expect(recipeOf('stylize', recipe).step).toBeGreaterThan(0);
    expect((await studio.ask(`api/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await all(await studio.start(paint(1)))).at(-1)!.type).toBe('done');
  });

  it('one at a time: others wait and are told so, and too many are refused', async () => {
    const running = await studio.start(endless);
    await first(running, started);
    const waiting: string[] = [];
    for (let i = 0; i < 4; i++) waiting.push(await studio.start(paint(1)));
    await refused(await studio.send(paint(1)), 503, /waiting already/);
    for (const [index, id] of waiting.entries()) {
      expect(await first(id, () => true)).toEqual({ type: 'progress', data: { waiting: true, ahead: index + 1 } });
    }
    await refused(await studio.ask(`api/jobs/${waiting[0]}/picture`), 404, /no picture of this job yet/);
    await studio.ask(`api/jobs/${waiting[1]}`, { method: 'DELETE' });
    expect((await all(waiting[1]!)).at(-1)).toEqual({ type: 'cancelled', data: {} });
    expect(await first(waiting[2]!, () => true)).toMatchObject({ data: { ahead: 2 } });
    await studio.ask(`api/jobs/${running}`, { method: 'DELETE' });
    for (const id of [waiting[0]!, waiting[2]!, waiting[3]!]) expect((await all(id)).at(-1)!.type).toBe('done');
  });

  it('who comes late is told where it stands', async () => {
    const id = await studio.start(paint(3));
    await all(id);
    const url = `api/jobs/${id}/picture?step=3`;
    expect(await all(id)).toMatchObject([
      { type: 'progress', data: { step: 3, steps: 3 } },
      { type: 'picture', data: { url } },
      { type: 'done', data: { url } },
    ]);
  });

  it('who stops listening makes room for others', async () => {
    const id = await studio.start(endless);
    const path = `api/jobs/${id}/events`;
    await first(id, started);
    for (let i = 0; i < 8; i++) expect((await studio.ask(path, { method: 'HEAD' })).status).toBe(200);
    // The server hears of it soon, not at once.
    for (let i = 0; i < 10; i++) await vi.waitFor(() => first(id, started), { timeout: 30_000 });
    await studio.ask(`api/jobs/${id}`, { method: 'DELETE' });
  });

  it('several listen to one, and too many are refused', async () => {
    const id = await studio.start(endless);
    const streams = Array.from({ length: 9 }, () => studio.events(id));
    const answers = await Promise.allSettled(streams.map((stream) => stream.next()));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
    const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []));
    expect(reasons).toEqual([expect.stringMatching(/429.*Too many/)]);
    await studio.ask(`api/jobs/${id}`, { method: 'DELETE' });
    for (const stream of streams.filter((_, i) => answers[i]!.status === 'fulfilled')) {
      let last: JobEvent | undefined;
      for await (const event of stream) last = event;
      expect(last).toEqual({ type: 'cancelled', data: {} });
    }
  });

  it('a photo that is none fails with its sentence', async () => {
    const text = new TextEncoder().encode('This is no picture.\n');
    for (const kind of ['stylize', 'apply']) {
      const styles = [kind === 'stylize' ? { shipped: 'starry-night' } : { name: 'wave' }];
      expect((await all(await studio.start({ kind, styles }, { photo: text }))).at(-1)).toEqual({
        type: 'failed',
        data: {
          message: expect.stringMatching(/^(Photo|Content image) photo\.png is not a picture that can be read.*\.$/),
          reason: { kind: 'input' },
        },
      });
    }
    const job = { ...paint(1), styles: [{ file: 0 }] };
    const events = await all(await studio.start(job, { styles: [text] }));
    expect(events.at(-1)).toMatchObject({ data: { message: expect.stringMatching(/^Style image style-0\.png/) } });
  });

  it('what does not fit the memory fails with the largest size that does', async () => {
    const job = { ...paint(1), options: { ...quick, size: 16_000 } };
    const message = /^16000×12000 needs about .*; .* are free\. The size \d+ fits\.$/;
    const events = await all(await studio.start(job));
    expect(events.at(-1)).toEqual({
      type: 'failed',
      data: {
        message: expect.stringMatching(message),
        reason: { kind: 'memory', need: expect.any(Number), free: expect.any(Number), largest: expect.any(String) },
      },
    });
    // The engine starts afresh.
    expect((await all(await studio.start(paint(1)))).at(-1)!.type).toBe('done');
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown option', { ...paint(1), options: { stepps: 1 } }, /no option 'stepps'/],
    ['an option out of range', { ...paint(1), options: { steps: 0 } }, /steps: expected at least 1; received 0/],
    ['an unknown style', { ...paint(1), styles: [{ shipped: 'sunflower' }] }, /no style 'sunflower'/],
    ['a path as a style', { ...paint(1), styles: [{ shipped: '../../package' }] }, /no style/],
    ['no style', { ...paint(1), styles: [] }, /at styles: expected at least one style/],
    ['a file that was not sent', { ...paint(1), styles: [{ file: 1 }] }, /style-1\.png was not sent/],
    ['a negative weight', { ...paint(1), styles: [{ shipped: 'starry-night', weight: -1 }] }, /at styles\.0/],
    ['an option of the other kind', { kind: 'apply', styles: [{ name: 'wave' }], options: { steps: 1 } }, /'steps'/],
    ['an unknown style of the network', { kind: 'apply', styles: [{ name: 'starry-night' }] }, /It has wave, scream/],
    ['a picture for instant', { kind: 'apply', styles: [{ file: 0 }] }, /in styles\.0/],
    ['an unknown kind', { ...paint(1), kind: 'magic' }, /kind of a job is one of/],
    ['no object', 7, /kind of a job is one of/],
    ['a path', { ...paint(1), content: { path: '/etc/passwd' } }, /sent as a part/],
    ['bytes in the text', { ...paint(1), content: { name: 'a.png', bytes: 'AAAA' } }, /sent as a part/],
    ['a network of the user', { ...paint(1), network: 'vgg19' }, /loss network is one of/],
    ['a kind that is not for the page', { kind: 'capture', styles: [] }, /The job/],
    ['a file that the job does not name', { ...paint(1), content: undefined }, /at content/],
  ])('%s is refused before it starts', async (_, job, message) => {
    await refused(await studio.send(job), 400, message);
  });
});

describe('limits', () => {
  it('a stream of events is kept alive, and ends with the server', async () => {
    const other = await openStudio(page, { keepAlive: 50 });
    const id = await other.start(endless);
    const { body } = await other.ask(`api/jobs/${id}/events`);
    const seen: string[] = [];
    for await (const block of blocksOf(body!)) {
      seen.push(block);
      if (block === ': still there' && seen.filter((each) => each.includes('"loss"')).length > 0) void other.close();
    }
    expect(seen.at(-1)).toBe('event: cancelled\ndata: {}');
    await other.close();
    await expect(other.ask('')).rejects.toThrow();
  });

  it('the oldest jobs are forgotten, by count and by bytes', async () => {
    for (const queue of [
      { waiting: 4, kept: 2, keptBytes: 1e9 },
      { waiting: 4, kept: 100, keptBytes: 1 },
    ]) {
      const other = await openStudio(page, { queue });
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) {
        ids.push(await other.start({ kind: 'apply', styles: [{ name: 'wave' }] }));
        for await (const _ of other.events(ids[i]!));
      }
      const found = await Promise.all(ids.map(async (id) => (await other.ask(`api/jobs/${id}/picture`)).status));
      expect(found).toEqual(queue.kept === 2 ? [404, 200, 200] : [404, 404, 200]);
      await other.close();
    }
  });

  it('who hangs up while a photo is sent leaves no place taken, and nobody has to be told', async () => {
    const other = await openStudio(page, { queue: { waiting: 0, kept: 1, keptBytes: 1 } });
    const form = 'Content-Type: multipart/form-data; boundary=b';
    for (const line of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
      const head = `POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\n${form}\r\n${line}\r\n\r\n3\r\n--b`;
      const socket = connect(other.port, '127.0.0.1');
      socket.write(head);
      // As long as it is being sent there is no place for another.
      await vi.waitFor(async () => expect((await other.send('no JSON')).status).toBe(503), { timeout: 10_000 });
      socket.destroy();
      await vi.waitFor(async () => expect((await other.send('no JSON')).status).toBe(400), { timeout: 10_000 });
    }
    await other.close();
    expect(other.logged).toEqual([]);
  });

  it('two servers run at once, each with its own address', async () => {
    const other = await openStudio(page);
    expect(other.port).not.toBe(studio.port);
    expect((await other.ask('')).status).toBe(200);
    const id = await other.start({ kind: 'apply', styles: [{ name: 'wave' }] });
    await refused(await studio.ask(`api/jobs/${id}/picture`), 404, /no such job/);
    await other.close();
    expect((await studio.ask('')).status).toBe(200);
  });

  it('a port that is taken, and a page that is not built, are told with what to do', async () => {
    await expect(openStudio(page, { port: studio.port })).rejects.toThrow(
      new RegExp(`^The port ${studio.port} is in use`),
    );
    await expect(openStudio(`${page}/assets`)).rejects.toThrow(/index\.html does not exist.*npm run build/);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
