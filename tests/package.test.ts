import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** What npm sets for the scripts of this project is not for another: its folder, and the setting that a user has to make. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle)_.*|npm_config_(local_prefix|onnxruntime.*)|ONNXRUNTIME_.*|NODE_OPTIONS)$/i.test(name),
  ),
);

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell: program.endsWith('.cmd') });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    text.stdout += data;
  });
  child.stderr.on('data', (data) => {
    text.stderr += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...text }));
  });
}

let folder: string;
let packed: { readonly filename: string; readonly files: readonly { readonly path: string }[] };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fauve-package-'));
  // Without its scripts: they would build anew under the tests that run beside this one.
  const pack = await run(npm, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  [packed] = JSON.parse(pack.stdout);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

it('the package holds what its users need, and nothing of the workshop', () => {
  const paths = packed.files.map(({ path }) => path);
  const needed = [
    'dist/bin/fauve.js',
    'dist/bin/engine-worker.js',
    'dist/src/index.node.js',
    'dist/src/index.node.d.ts',
  ];
  const alsoNeeded = [
    'dist/src/index.browser.d.ts',
    'dist/src/platform/node/engine-worker.js',
    'dist/studio/index.html',
  ];
  const models = ['models/manifest.json', 'models/fast.onnx', 'models/styles/great-wave.style', 'NOTICE.md'];
  expect(paths).toEqual(expect.arrayContaining([...needed, ...alsoNeeded, ...models]));
  const allowed = /^(dist\/(bin|src|studio)\/|models\/|(README|LICENSE|NOTICE|CHANGELOG)(\.md)?$|package\.json$)/;
  expect(paths.filter((path) => !allowed.test(path) || /tsbuildinfo|\.test\./.test(path))).toEqual([]);
});

describe('in an empty project', { timeout: 120_000 }, () => {
  let problem = '';
  const node = (...args: string[]) => run(process.execPath, args, folder);
  const install = async (...args: string[]): Promise<string> => {
    // What the installation of this project left in npm's cache will do.
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=0'];
    const { code, stderr } = await run(npm, ['install', ...flags, ...args], folder);
    if (code === 0) return '';
    if (!/E(NOTFOUND|TIMEDOUT|CONNREFUSED|CONNRESET|AI_AGAIN|NOTCACHED|NETUNREACH)|network/.test(stderr))
      throw new Error(stderr);
    return 'npm cannot reach its registry here';
  };
  let installing: Promise<string> | undefined;
  /** What the project of a user has beside Fauve; nothing of this project needs it. */
  const tools = () => {
    installing ??= install('--no-save', 'typescript@7', 'esbuild');
    return installing;
  };
  const program = (source: string) => writeFile(join(folder, 'program.mjs'), source);
  const apply = (output: string) => {
    const args = `apply fast photo.jpg --style great-wave --size 64 -o ${output}`;
    return node('node_modules/fauve/dist/bin/fauve.js', ...args.split(' '));
  };

  beforeAll(async () => {
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    // As docs/library.md says.
    await writeFile(join(folder, '.npmrc'), 'onnxruntime-node-install=skip\n');
    await cp(join(root, 'examples/photos/chelsea.jpg'), join(folder, 'photo.jpg'));
    problem = await install(join(folder, packed.filename));
  }, 120_000);

  it('the command and the library run, with the fast engine', async (test) => {
    if (problem) return test.skip(problem);
    const { code, stderr } = await apply('out.png');
    expect(stderr).toMatch(/^fast; onnxruntime-node 1\.\S+, \d+ threads?\nout\.png {2}64×43, \d+ ms\n$/);
    expect(code).toBe(0);
    await program(`
      import { loadStyle } from 'fauve/node';
      import { startEngine } from 'fauve/node';
      const runtime = await startEngine({ device: 'cpu', threads: 1 });
      console.log(runtime.engine, runtime.notice, (await loadStyle('great-wave')).style.title !== '');
      await runtime.close();`);
    const library = await node('program.mjs');
    expect(library).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^onnxruntime-node \S+ 1 thread undefined true\n$/),
      stderr: '',
    });
  });

  it('TypeScript 7 checks the types, strictly and those of the package, too', async (test) => {
    const missing = problem || (await tools());
    if (missing) return test.skip(missing);
    await writeFile(
      join(folder, 'program.ts'),
      `import { stylize, type StylizeResult } from 'fauve';
import { startEngine } from 'fauve/node';
      export const made: (request: Parameters<typeof stylize>[0]) => Promise<StylizeResult> = stylize;
      const runtime = await startEngine({ threads: 1, onNotice: (message) => message.toUpperCase() });
      // @ts-expect-error There is no such option.
      await startEngine({ treads: 1 });
      const engine: string = runtime.engine;
      export { engine };`,
    );
    const flags = '--strict --noEmit --target es2023 --module nodenext --skipLibCheck false --types'.split(' ');
    const checked = await node('node_modules/typescript/bin/tsc', ...flags, '', 'program.ts');
    expect(checked).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('a bundle finds the engine when the package stays outside, and says so when it does not', async (test) => {
    const missing = problem || (await tools());
    if (missing) return test.skip(missing);
    await program(`
      import { startEngine } from 'fauve/node';
      startEngine({ device: 'cpu', threads: 1 }).then((runtime) => {
        console.log(runtime.engine);
        return runtime.close();
      }, (error) => console.log(error.message));`);
    const bundle = async (...external: string[]) => {
      const options = {
        entryPoints: ['program.mjs'],
        outfile: 'bundle/program.mjs',
        bundle: true,
        platform: 'node',
        format: 'esm',
      };
      const build = `await (await import('esbuild')).build(${JSON.stringify({ ...options, external, logLevel: 'warning' })})`;
      const built = await node('--input-type=module', '--eval', build);
      expect(built).toEqual({ code: 0, stdout: '', stderr: '' });
      return (await node('bundle/program.mjs')).stdout;
    };
    expect(await bundle('fauve')).toMatch(/^onnxruntime-node \S+ 1 thread\n$/);
    expect(await bundle('onnxruntime-node', 'onnxruntime-web', 'sharp')).toMatch(
      /^The engine's thread, .*engine-worker\.js, is missing\. .*out of the bundle/,
    );
  });

  it('without the fast engine it says why, once, and what to do', async (test) => {
    if (problem) return test.skip(problem);
    await rm(join(folder, 'node_modules/onnxruntime-node'), { recursive: true });
    const notice =
      'The engine is onnxruntime-web, several times slower than onnxruntime-node. It is not installed: put the line onnxruntime-node-install=skip into the .npmrc of your project and run npm install again.';
    const text = await apply('slow.png');
    expect(text.stderr).toMatch(/^note: [^\n]*\nfast; onnxruntime-web [^\n]*\nslow\.png {2}64×43, \d+ ms\n$/);
    expect(text.stderr).toContain(`note: ${notice}\n`);
    await program(`
      import { startEngine } from 'fauve/node';
      for (const onNotice of [undefined, undefined, console.log]) {
        const runtime = await startEngine({ device: 'cpu', threads: 1, ...(onNotice && { onNotice }) });
        await runtime.close();
      }`);
    const library = await node('program.mjs');
    expect(library.stdout).toBe(`${notice}\n`);
    expect(library.stderr.split('FAUVE_SLOW_ENGINE')).toHaveLength(2);
    expect(library.stderr).toContain(notice);
  });
});

it('the line for .npmrc is the one that this project uses itself, and that the documentation has', async () => {
  const line = 'onnxruntime-node-install=skip';
  expect(await readFile(join(root, '.npmrc'), 'utf8')).toContain(`\n${line}\n`);
  expect(await readFile(join(root, 'docs/library.md'), 'utf8')).toContain(`\n${line}\n`);
});
