import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

// Containers may have it and forbid it.
const traced = spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']).status === 0;

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** What a program left in a new home folder, and what strace saw of it. */
interface Traces {
  readonly files: readonly string[];
  /** Files that it opened to write or made elsewhere, and its sockets; empty without strace. */
  readonly elsewhere: readonly string[];
}

/** Runs Node in an empty home folder, with nothing of the caller's settings: `CI` would keep the engine from collecting data. */
async function runAtNewHome(args: readonly string[]): Promise<Traces> {
  const folder = await mkdtemp(join(tmpdir(), 'fauve-home-'));
  folders.push(folder);
  const home = join(folder, 'home');
  await mkdir(home);
  const trace = join(folder, 'trace');
  const command = [process.execPath, ...args];
  const strace = [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-e',
    'trace=socket,openat,mkdir',
    '-e',
    'signal=none',
    '-o',
    trace,
  ];
  const [program, ...rest] = traced ? [...strace, ...command] : command;
  const { PATH } = process.env;
  const env = { PATH, HOME: home, USERPROFILE: home, LOCALAPPDATA: home, TMPDIR: home, TEMP: home, TMP: home };
  const child = spawn(program!, rest, { cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, errors).toBe(0);
  const seen = traced ? (await readFile(trace, 'utf8')).split('\n') : [];
  return {
    files: (await readdir(home, { recursive: true })).sort(),
    elsewhere: seen.filter(
      (line) =>
        /AF_(INET|NETLINK|PACKET)|mkdir\(|O_(CREAT|WRONLY|RDWR)/.test(line) &&
        !line.includes(home) &&
        // Its outputs have such a name until they are whole.
        !/"(\/dev\/|\/proc\/|\.fauve-[\w-]+\.tmp")/.test(line),
    ),
  };
}

/** A program that opens a network with the engine: in the main thread, or all of it in a worker of its own. */
const library = (inWorker: boolean) => `
  import { isMainThread, Worker } from 'node:worker_threads';
  import { openStyleNetwork } from ${JSON.stringify(new URL('../dist/src/index.node.js', import.meta.url).href)};
  import { loadStyleNetwork, startEngine } from ${JSON.stringify(new URL('../dist/src/node.js', import.meta.url).href)};
  if (${inWorker} && isMainThread) {
    // What the worker sees of the environment is not what the engine sees.
    new Worker(process.argv[1], { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } });
  } else {
    const runtime = await startEngine({ device: 'cpu', threads: 1 });
    if (!runtime.engine.startsWith('onnxruntime-node')) throw new Error(runtime.engine);
    const network = await openStyleNetwork(runtime, await loadStyleNetwork('fast'));
    await network.close();
    await runtime.close();
  }`;

const withSockets = traced ? '' : ' (files of the home folder only: strace is missing or may not be used here)';

describe(`nothing is collected or sent${withSockets}`, () => {
  it('by the command', async () => {
    const photo = at('examples/photos/chelsea.jpg');
    const apply = ['apply', 'fast', photo, '--style', 'great-wave', '--size', '64', '-o', 'out.png'];
    expect(await runAtNewHome([at('dist/bin/fauve.js'), ...apply])).toEqual({ files: ['out.png'], elsewhere: [] });
  });

  it.each([false, true])('by a program that uses the library, in a worker: %s', async (inWorker) => {
    const folder = await mkdtemp(join(tmpdir(), 'fauve-program-'));
    folders.push(folder);
    await writeFile(join(folder, 'program.mjs'), library(inWorker));
    expect(await runAtNewHome([join(folder, 'program.mjs')])).toEqual({ files: [], elsewhere: [] });
  });
});
