import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openWorkplace, type RunOptions, type Workplace } from './support/cli.js';
import { builtPage, removePage } from './support/studio.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });

let place: Workplace;
let page: string;
beforeAll(async () => {
  place = await openWorkplace();
  page = await builtPage();
});
afterAll(async () => {
  await removePage(page);
  await place.remove();
});

/** Runs `fauve studio`; with its address and its process, `use` is what happens while it runs. */
async function studio(
  args: readonly string[],
  use: (url: string, child: ChildProcess) => Promise<void>,
  options: RunOptions = {},
) {
  let used: Promise<void> | undefined;
  const outcome = await place.fauve(['studio', '--page', page, '--threads', '1', '--device', 'cpu', ...args], {
    ...options,
    onLine: (line, child) => {
      const [url] = /http:\/\/127\.0\.0\.1:\d+\/$/.exec(line) ?? [];
      if (url === undefined) return;
      used = use(url, child).finally(() => child.kill('SIGTERM'));
      // It is awaited, and told, when the command has ended.
      used.catch(() => undefined);
    },
  });
  await used;
  return outcome;
}

async function startJob(url: string): Promise<string> {
  const photo = await readFile(place.at('photo.png'));
  const form = new FormData();
  form.append('file', new Blob([photo]), 'file');
  const options = { size: 48, scales: 1, steps: 100_000, contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1 } };
  const content = { name: 'photo.png', sha256: createHash('sha256').update(photo).digest('hex') };
  const spec = { kind: 'stylize', content, styles: [{ shipped: 'starry-night' }], options };
  form.append('job', JSON.stringify(spec));
  const response = await fetch(`${url}api/jobs`, { method: 'POST', body: form });
  const answer = (await response.json()) as { id?: string; message?: string };
  if (answer.id === undefined) throw new Error(answer.message);
  return answer.id;
}

describe('fauve studio', () => {
  it.each([
    ['SIGINT', 'idle'],
    ['SIGINT', 'at work'],
    ['SIGTERM', 'idle'],
  ] as const)('serves the page, says where, and ends cleanly at %s, %s', async (signal, state) => {
    let seen = '';
    let events: Promise<string> | undefined;
    const { code, stdout, stderr } = await studio(['--no-open'], async (url, child) => {
      const response = await fetch(url);
      seen = `${response.status} ${await response.text()}`;
      if (state === 'at work') {
        const stream = await fetch(`${url}api/jobs/${await startJob(url)}/events`);
        const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        while (!text.includes('"loss"')) text += (await reader.read()).value ?? '';
        events = (async () => {
          for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
          return text;
        })();
      }
      child.kill(signal);
      // It is killed when this is done: not before it had the time to end.
      await new Promise((resolve) => child.once('close', resolve));
    });
    expect(seen).toContain('200 <!doctype html>');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^The studio is at http:\/\/127\.0\.0\.1:\d+\/\n$/),
      stderr: expect.stringMatching(/Ctrl-C ends it\.\nStopping/),
    });
    if (state === 'at work') expect(await events).toMatch(/event: cancelled\ndata: \{\}\n\n$/);
  });

  it('says which port is in use, and takes the one that it is told', async () => {
    await studio(['--no-open'], async (url) => {
      const { port } = new URL(url);
      const other = await place.fauve(['studio', '--page', page, '--no-open', '--port', port]);
      expect(other).toMatchObject({ code: 1, stdout: '' });
      expect(other.stderr).toMatch(new RegExp(`^fauve: The port ${port} is in use, .*--port.*\\.\\n$`));
      // Without a port two of them get along.
      let second = '';
      const { code } = await studio(['--no-open'], async (address) => {
        second = address;
      });
      expect(code).toBe(0);
      expect(second).not.toBe(url);
    });
  });

  it.each([['0'], ['65536'], ['http']])('refuses the port %s', async (port) => {
    const { code, stderr } = await place.fauve(['studio', `--port=${port}`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fauve: .*--port.*Expected a whole number from 1 to 65535\. See fauve studio --help\.\n$/);
  });

  it('says what to do where the page is not built', async () => {
    await mkdir(place.at('empty'));
    const { code, stderr } = await place.fauve(['studio', '--page', 'empty']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fauve: The page of the studio is not there: .*npm run build.*\n$/);
  });

  it.runIf(process.platform === 'linux')('opens the browser, and goes on where there is none', async () => {
    await writeFile(place.at('browser'), `#!/bin/sh\necho "$1" > '${place.at('opened')}'\n`, { mode: 0o755 });
    let opened = '';
    const env = { BROWSER: place.at('browser') };
    const { code } = await studio(
      [],
      async (url) => {
        const text = () => readFile(place.at('opened'), 'utf8').catch(() => '');
        await vi.waitFor(async () => expect(await text()).not.toBe(''), { timeout: 20_000 });
        opened = (await text()) === `${url}\n` ? 'the page' : 'something else';
      },
      { env },
    );
    expect([code, opened]).toEqual([0, 'the page']);
    const without = await studio([], async (url) => expect((await fetch(url)).status).toBe(200), {
      env: { PATH: '/nowhere' },
    });
    expect(without.code).toBe(0);
  });

  it('explains itself', async () => {
    const { code, stdout } = await place.fauve(['studio', '--help']);
    expect(code).toBe(0);
    for (const flag of ['--port <number>', '--no-open', '--threads', '$ fauve studio']) expect(stdout).toContain(flag);
    expect(stdout).not.toContain('--page');
  });
});
