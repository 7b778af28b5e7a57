import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as door from '#src/index.node.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { picture } from './support/cli.js';

const root = fileURLToPath(new URL('../', import.meta.url));
/** The examples lie inside the project, where the package finds itself by its name, and work in a folder of their own. */
const scripts = `${root}out/doc-examples`;
let folder: string;
beforeAll(async () => {
  mkdirSync(scripts, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'fauve-examples-'));
  writeFileSync(join(folder, 'photo.jpg'), await encodeImage(picture(96, 64, 1), 'jpeg'));
  writeFileSync(join(folder, 'painting.jpg'), await encodeImage(picture(80, 64, 2), 'jpeg'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Name of a function or class → the example in its doc comment. */
function examples(): Map<string, string> {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' });
  const found = new Map<string, string>();
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.includes('browser'))) {
    const source = readFileSync(`${root}src/${file}`, 'utf8');
    const documented = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\nexport (?:async )?(?:function|class) (\w+)/g);
    for (const [, comment, name] of documented) {
      const code = /@example\n \* ```ts\n([\s\S]*?) \* ```/.exec(comment!)?.[1];
      if (code !== undefined) found.set(name!, code.replace(/^ \* ?/gm, ''));
    }
  }
  return found;
}

const found = examples();
const functions = Object.entries(door)
  .filter(([name, value]) => typeof value === 'function' && !/Aborted$/.test(name))
  .map(([name]) => name);

describe('the main door', () => {
  it('is small', () => {
    expect(functions.length).toBeLessThanOrEqual(40);
  });

  it.each(functions)('%s has an example that runs', { timeout: 60_000 }, async (name) => {
    const example = found.get(name);
    expect(example).toBeDefined();
    const { outputText } = transpileModule(example!, {
      compilerOptions: { target: ScriptTarget.ES2022, module: ModuleKind.ESNext },
    });
    const script = `${scripts}/${name}.mjs`;
    writeFileSync(script, outputText);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { cwd: folder });
    expect(stderr).toBe('');
    // What a comment says that a line prints is printed.
    for (const [, said] of example!.matchAll(/console\.log\(.*\); \/\/ ([\w[{].*)$/gm)) {
      if (!/^the /.test(said!)) expect(stdout).toContain(said);
    }
  });
});
