import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { networkSpec } from '#src/networks/registry.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { openWorkplace, picture, type Workplace } from './support/cli.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
let server: Server | undefined;
beforeAll(async () => {
  place = await openWorkplace();
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});
afterAll(() => place.remove());

describe('fauve models', () => {
  it('imports a file, lists and verifies what is there', async () => {
    const env = { FAUVE_CACHE: place.at('imported') };
    const empty = await place.fauve(['models', 'list'], { env });
    expect(empty.stdout).toMatch(/vgg19 +not here; fauve models pull vgg19 gets 80\.1 MB\n/);
    expect(await place.fauve(['models', 'verify', 'vgg19'], { env })).toMatchObject({ code: 1 });
    const imported = await place.fauve(['models', 'import', 'weights.safetensors', '--name', 'vgg19'], { env });
    expect(imported).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('as deep as relu2_1') });
    const listed = await place.fauve(['models', 'list'], { env });
    expect(listed.stdout).toMatch(/vgg19 +0\.5 MB, plain \.safetensors, as deep as relu2_1\nvgg16 +not here/);
    const verified = await place.fauve(['models', 'verify', 'vgg19'], { env });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^vgg19: .*: all right\n$/) });
    const pulled = await place.fauve(['models', 'pull', 'vgg19'], { env });
    expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining('vgg19 is already there') });
  });

  it('finds damaged weights', async () => {
    await cp(place.cache, place.at('damaged'), { recursive: true });
    const file = place.at('damaged/networks/vgg19.safetensors');
    const bytes = await readFile(file);
    await writeFile(file, bytes.with(bytes.length - 1, bytes[bytes.length - 1]! ^ 1));
    const { code, stderr } = await place.fauve(['models', 'verify', 'vgg19'], {
      env: { FAUVE_CACHE: place.at('damaged') },
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^fauve: .* are damaged: .*fauve models pull vgg19.*\n$/),
    ]);
  });

  it.each<[string, readonly string[], number, RegExp]>([
    ['a file that holds no weights', ['photo.png', '--name', 'vgg19'], 1, /photo\.png holds no weights/],
    ['a missing file', ['none.h5', '--name', 'vgg19'], 1, /none\.h5 does not exist/],
    ['an unknown network', ['weights.safetensors', '--name', 'vgg11'], 2, /no network 'vgg11'/],
    ['no name', ['weights.safetensors'], 2, /'--name <network>' not specified/],
  ])('refuses to import %s', async (_, args, code, message) => {
    const outcome = await place.fauve(['models', 'import', ...args]);
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
    expect(outcome.stderr).toMatch(/^fauve: [^\n]+\n$/);
  });

  it('pulls, shows bytes, stops at Ctrl-C, resumes, and refuses a file with a wrong checksum', async () => {
    const { bytes, path } = networkSpec('vgg16').source;
    const ranges: (string | undefined)[] = [];
    let hold = true;
    server = createServer((request, response) => {
      expect(request.url).toBe(`/mirror/${path}`);
      ranges.push(request.headers.range);
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = `bytes ${from}-${bytes - 1}/${bytes}`;
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes - from, 'content-range': range });
      // At first only a part, and then nothing more.
      if (hold) response.write(Buffer.alloc(10_000_000));
      else response.end(Buffer.alloc(bytes - from));
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as AddressInfo).port;
    const env = { FAUVE_CACHE: place.at('pulled'), FAUVE_MODELS_URL: `http://127.0.0.1:${port}/mirror` };

    let interrupted = false;
    const stopped = await place.fauve(['models', 'pull', 'vgg16'], {
      env,
      onStderr: (text, child) => {
        if (interrupted || !/^vgg16: [1-9]\d*\.\d MB of 58\.9 MB$/m.test(text)) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(
      /fauve: The download of vgg16 was stopped at \d+\.\d of 58\.9 MB\. The next attempt resumes there\.\n$/,
    );

    hold = false;
    const wrong = await place.fauve(['models', 'pull', 'vgg16'], { env });
    expect([ranges[0], ranges[1]]).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/vgg16: 58\.9 MB of 58\.9 MB\nfauve: The download .* expected MD5 6d6bbae.*\n$/);
  });
});

describe('fauve losses', () => {
  const layers = ['--content-layers', 'relu2_1:1', '--style-layers', 'relu1_1,relu2_1:3', '--threads', '1'];
  const styles = ['--style', 'style.png', '--style', 'other.png:0.5'];
  const args = ['losses', '--content', 'photo.png', ...styles, '--network', 'vgg19', ...layers];

  it('prints a table by layer whose shares add up', async () => {
    const { code, stdout, stderr } = await place.fauve([...args, 'other.png']);
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows.map(([name]) => name)).toEqual([
      ...['term', 'content relu2_1', 'style relu1_1', 'style relu2_1', 'total variation', 'total'],
    ]);
    const shares = rows.slice(1, -1).map((row) => Number.parseFloat(row.at(-1)!));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
  });

  it('prints JSON, where a picture is at no distance from its own content', async () => {
    const { code, stdout } = await place.fauve([...args, 'photo.png', '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ picture: 'photo.png', width: 64, height: 48, network: { name: 'vgg19' } });
    const [content, first, second, tv] = report.terms;
    expect(content).toMatchObject({ kind: 'content', layer: 'relu2_1', value: 0, share: 0 });
    expect(second.weight).toBeCloseTo(3 * first.weight);
    expect(first.weighted + second.weighted + tv.weighted).toBeCloseTo(report.total, 5);
  });

  it('refuses pictures that are missing or too small', async () => {
    await writeFile(place.at('dot.png'), await encodeImage(picture(1, 1, 1), 'png'));
    const missing = await place.fauve([...args, 'nowhere.png']);
    expect(missing).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Picture nowhere.png') });
    const small = await place.fauve([...args, 'dot.png', '--json']);
    expect(small).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('relu2_1 needs at least 2×2') });
  });
});
