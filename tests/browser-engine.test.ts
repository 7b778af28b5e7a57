import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resize } from '#src/graph/ops.js';
import { input } from '#src/graph/tensor.js';
import { psnr } from '#src/image/metrics.js';
import { quantise } from '#src/image/quantise.js';
import { shippedNetworkNames } from '#src/networks/registry.js';
import { emitModel } from '#src/onnx/model.js';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';
import { startEngine } from '#src/platform/node/engine.js';
import { loadNetworkWeights } from '#src/platform/node/model-store.js';
import { shippedNetwork, shippedStyleNetworks } from '#src/platform/node/shipped.js';
import { listStyles } from '#src/platform/node/style-store.js';
import { engineFiles } from '#src/runtime/engine-files.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { apply } from '#src/style-network/apply.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import type { ShippedStyle } from '#src/styles/shipped.js';
import { type LossReport, measureLosses } from '#src/stylize/measure-losses.js';
import { fromPlain, type PlainImage } from './browser/plain.js';
import { type Lab, openLab, skipped } from './support/browser.js';
import { picture } from './support/cli.js';
import { tinyFile } from './support/tiny-style-network.js';

// A browser starts slowly, and Chromium's software card computes slowly, on machines that may be busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

interface Started {
  readonly engine: string;
  readonly device: string;
  readonly progress: readonly { readonly loaded: number; readonly total: number }[];
}

interface Loaded {
  readonly sha256: string;
  readonly progress: Started['progress'];
}

/** As they come out of their files. */
const pictures = {
  photo: quantise(picture(40, 36, 1)),
  style: quantise(picture(40, 36, 2)),
  other: quantise(picture(40, 36, 3)),
};

describe.skipIf(skipped)(`an engine in a browser${skipped}`, () => {
  let lab: Lab;
  let native: Runtime;
  const urls: Record<string, string> = {};
  /** By the number of threads, in the workers `wasm1` and `wasm2`. */
  const started: Record<number, Started> = {};

  beforeAll(async () => {
    lab = await openLab({ flags: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] });
    native = await startEngine({ device: 'cpu', threads: 1 });
    for (const [name, each] of Object.entries(pictures)) urls[name] = lab.serve(name, await encodeImage(each, 'png'));
    for (const threads of [1, 2]) started[threads] = await lab.run(`wasm${threads}`, 'start', 'cpu', threads);
  });
  afterAll(async () => {
    await native?.close();
    await lab?.close();
  });

  describe('on the processor', () => {
    it.each([1, 2])('computes with %i threads, and follows its download', (threads) => {
      const { engine, device, progress } = started[threads]!;
      expect(engine).toMatch(threads === 1 ? /^onnxruntime-web 1\.\d+\.\d+ \(WASM\), 1 thread$/ : / 2 threads$/);
      expect(device).toBe('cpu');
      expect(progress.length).toBeGreaterThan(3);
      const { bytes } = engineFiles.wasm;
      expect(progress.at(-1)).toEqual({ loaded: bytes, total: bytes });
      expect(progress.every(({ loaded }, i) => i === 0 || loaded >= progress[i - 1]!.loaded)).toBe(true);
    });

    it('loads neither what graphics cards need nor anything from elsewhere', () => {
      expect(
        lab.requests.filter((url) => url.includes('/engine/')).every((url) => /threaded\.(mjs|wasm)$/.test(url)),
      ).toBe(true);
      expect(lab.requests.filter((url) => !url.startsWith(lab.origin) && !url.startsWith('data:'))).toEqual([]);
    });
  });

  describe('finds the losses that Node finds', () => {
    let expected: LossReport;
    beforeAll(async () => {
      expected = await measureLosses({
        content: pictures.photo,
        styles: [{ image: pictures.style, weight: 1 }],
        generated: pictures.other,
        weights: await loadNetworkWeights('distilled-small'),
        runtime: native,
      });
    });

    const compare = async (worker: string) => {
      const { total, terms } = await lab.run<LossReport>(worker, 'losses', urls.photo, urls.style, urls.other);
      expect(terms.map(({ name }) => name)).toEqual(expected.terms.map(({ name }) => name));
      expect(terms.length).toBe(7);
      for (const [i, { name, value }] of terms.entries()) {
        const wanted = expected.terms[i]!.value;
        expect(wanted).toBeGreaterThan(0);
        expect(Math.abs(value / wanted - 1), name).toBeLessThan(1e-3);
      }
      expect(Math.abs(total / expected.total - 1)).toBeLessThan(1e-3);
    };

    it.each(['wasm1', 'wasm2'])('in %s', compare);

    it('on a graphics card', async (test) => {
      const card = await lab.run<Started>('card', 'start', 'webgpu').catch((error: Error) => {
        // Chromium's own software card is not in all of its builds.
        if (error.message.includes('offers no graphics card')) return undefined;
        throw error;
      });
      if (!card) return test.skip('this Chromium offers no WebGPU adapter, not even SwiftShader');
      expect(card).toMatchObject({ device: 'webgpu' });
      expect(card.engine).toMatch(/webgpu$/);
      await compare('card');
    });
  });

  it('takes the processor where the graphics card is drawn by it', async () => {
    expect(await lab.run<Started>('auto', 'start', 'auto')).toMatchObject({ device: 'cpu' });
  });

  it('restyles a photo as Node does', async () => {
    const bytes = tinyFile(5, { channels: [0, 8, 16], blocks: 2, kernels: [5, 3] });
    const url = lab.serve('tiny.onnx', bytes);
    const styles = [{ name: 'wave', weight: 2 }, { name: 'scream' }];
    const styleNetwork = await openStyleNetwork(native, { fileName: 'tiny.onnx', bytes });
    const expected = await apply({ image: pictures.photo, network: styleNetwork, styles });
    await styleNetwork.close();
    const restyled = await lab.run<{ image: PlainImage }>('wasm2', 'apply', url, urls.photo, styles);
    expect(psnr(expected.image, pictures.photo)).toBeLessThan(30);
    expect(psnr(fromPlain(restyled.image), expected.image)).toBeGreaterThan(60);
  });

  it.each([
    // Where the last digits differ, another integer is next, and all after it differ a little.
    ['int8', 38],
    ['float32', 60],
  ] as const)('restyles a photo with the network that comes with Fauve as Node does: %s', async (precision, least) => {
    const bytes = await readFile(new URL('../models/fast.onnx', import.meta.url));
    const photo = await readFile(new URL('../examples/photos/chelsea.jpg', import.meta.url));
    const styles = [{ name: 'great-wave' }];
    const styleNetwork = await openStyleNetwork(native, { fileName: 'fast', bytes }, { precision });
    const decoded = await decodeImage(photo, { what: 'Photo', fileName: 'chelsea.jpg' });
    const expected = await apply({ image: decoded.image, network: styleNetwork, styles });
    await styleNetwork.close();
    const url = lab.serve('chelsea.jpg', photo);
    const path = '/models/fast.onnx';
    const restyled = await lab.run<{ image: PlainImage }>('wasm2', 'apply', path, url, styles, 1, precision);
    expect(psnr(fromPlain(restyled.image), expected.image)).toBeGreaterThan(least);
  });

  it('paints: the loss falls', async () => {
    const { losses } = await lab.run<{ losses: number[] }>('wasm2', 'stylize', urls.photo, 'starry-night', {
      size: 64,
      steps: 6,
      scales: 1,
    });
    expect(losses.length).toBeGreaterThanOrEqual(6);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });

  describe('loads what comes with Fauve', () => {
    it('by lists that are those of Node', async () => {
      const [networks, styleNetworks, styles] = await lab.run<[unknown[], unknown[], ShippedStyle[]]>('lists', 'lists');
      expect(networks).toEqual(await Promise.all(shippedNetworkNames.map((name) => shippedNetwork(name))));
      expect(styleNetworks).toEqual(await shippedStyleNetworks());
      const place = (path: string) => `${lab.origin}/models/styles/${basename(path)}`;
      expect(styles).toEqual(
        (await listStyles()).map((style) => ({ ...style, path: place(style.path), swatch: place(style.swatch!) })),
      );
    });

    it('with progress', async () => {
      const { sha256, progress } = await lab.run<Loaded>('lists', 'network', 'distilled-small', '/models');
      const { bytes, ...shipped } = await shippedNetwork('distilled-small');
      expect(sha256).toBe(shipped.sha256);
      expect(progress.at(-1)).toEqual({ loaded: bytes, total: bytes });
    });

    it('and nothing else', async () => {
      const manifest = await readFile(new URL('../models/manifest.json', import.meta.url));
      const network = await readFile(new URL('../models/distilled-small.safetensors', import.meta.url));
      const half = network.subarray(0, network.length >> 1);
      const { sha256 } = await shippedNetwork('distilled-small');
      for (const [folder, bytes, message] of [
        [
          'other',
          network.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)),
          new RegExp(`has SHA-256 [0-9a-f]{64}, expected ${sha256} of ${network.length} bytes`),
        ],
        ['half', half, new RegExp(`is not the file that was shipped: .* of ${half.length} bytes, expected `)],
        ['none', undefined, /could not be loaded: .*distilled-small\.safetensors answered 404\. Reload the page/],
      ] as const) {
        lab.serve(`${folder}/manifest.json`, manifest);
        if (bytes) lab.serve(`${folder}/distilled-small.safetensors`, bytes);
        const loading = lab.run('lists', 'network', 'distilled-small', `/data/${folder}/`);
        await expect(loading).rejects.toThrow(message);
      }
      await expect(lab.run('lists', 'network', 'vgg19', '/models/')).rejects.toThrow(
        /^usage: There is no loss network 'vgg19' here\. Use one of distilled, distilled-small\.$/,
      );
      lab.serve('odd/manifest.json', '{"networks": {"distilled-small": {"file": "../secret"}}}');
      await expect(lab.run('lists', 'network', 'distilled-small', '/data/odd/')).rejects.toThrow(
        /^system: The networks of this page are not complete: \S+\/data\/odd\/manifest.json does not describe distilled-small/,
      );
      lab.serve('page/manifest.json', '<!doctype html>');
      await expect(lab.run('lists', 'network', 'distilled', '/data/page/')).rejects.toThrow(
        /^system: The list of networks is not JSON/,
      );
    });
  });

  it('says what is wrong with a network that it cannot run', async () => {
    const url = lab.serve('broken.onnx', await readFile(new URL('../package.json', import.meta.url)));
    await expect(lab.run('wasm1', 'apply', url, urls.photo, [])).rejects.toThrow(/^input: .*broken\.onnx/);
  });

  it('says that the memory does not suffice, and goes on', async () => {
    const huge = resize(input('input1', [1, 3, 24, 24]), [200, 200]);
    const url = lab.serve('huge.onnx', emitModel({ output1: huge }, { anySize: ['input1', 'output1'] }).bytes);
    await expect(lab.run('wasm1', 'apply', url, urls.photo, [])).rejects.toThrow(
      /^system: .*: it ran out of memory\. Load the engine again and choose a smaller size\.$/,
    );
    await lab.run('wasm1', 'apply', '/models/fast.onnx', urls.photo, [{ name: 'udnie' }]);
  });

  it('says that the graphics card was lost', async (test) => {
    const card = await lab.run<Started>('lost', 'start', 'webgpu').catch(() => undefined);
    if (!card) return test.skip('this Chromium offers no WebGPU adapter');
    const devtools = await lab.page.context().browser()!.newBrowserCDPSession();
    // The process that computes for the card ends, with its connection.
    await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
    const restyling = lab.run('lost', 'apply', '/models/fast.onnx', urls.photo, [{ name: 'udnie' }]);
    await expect(restyling.then(() => 'a picture')).rejects.toThrow(
      /^system: .*: the graphics card was taken away.*\. Reload the page, or use the device cpu\.$/,
    );
  });

  it('says that its files are missing', async () => {
    await expect(lab.run('missing', 'start', 'cpu', 1, '/nowhere/')).rejects.toThrow(
      /^system: The engine could not be loaded: .*\/nowhere\/ort-wasm-simd-threaded\.wasm answered 404/,
    );
    // Another try may find them.
    expect(await lab.run<Started>('missing', 'start', 'cpu', 1)).toMatchObject({ device: 'cpu' });
  });
});

describe.skipIf(skipped)(`a page on plain http${skipped}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({ isolated: false, host: 'fauve.test' });
    expect(await lab.page.evaluate('isSecureContext')).toBe(false);
  });
  afterAll(() => lab?.close());

  it('computes with one thread and says so', async () => {
    const { engine } = await lab.run<Started>('plain', 'start', 'cpu', 2);
    expect(engine).toMatch(/ 1 thread, because this page is not cross-origin isolated$/);
  });

  it('checks what it loads, without the help of the browser', async () => {
    const { sha256 } = await lab.run<{ sha256: string }>('plain', 'network', 'distilled-small', '/models/');
    expect(sha256).toBe((await loadNetworkWeights('distilled-small')).sha256);
  });

  it('says that there is no graphics card', async () => {
    await expect(lab.run('card', 'start', 'webgpu')).rejects.toThrow(/^system: This browser offers no graphics card/);
  });
});
