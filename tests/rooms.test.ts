import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importsOf, reachable, violations } from './support/rooms.js';

const root = new URL('../', import.meta.url);

/** Every TypeScript file below a folder, from the root of the project. */
function filesBelow(folder: string): string[] {
  const url = new URL(`${folder}/`, root);
  if (!existsSync(url)) return [];
  return readdirSync(url, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => /\.tsx?$/.test(path));
}

const sources = filesBelow('src');

describe('the rooms', () => {
  it('are found', () => {
    expect(sources).toContain('src/graph/ops.ts');
    expect(sources.length).toBeGreaterThan(20);
    // A parser that sees no imports finds no violations.
    const imports = sources.flatMap((path) => importsOf(readFileSync(new URL(path, root), 'utf8')));
    expect(imports.filter(({ from }) => from.startsWith('.')).length).toBeGreaterThan(50);
  });

  it.each([...sources, ...filesBelow('cli'), ...filesBelow('server'), ...filesBelow('studio/src')])('%s', (path) => {
    expect(violations(path, readFileSync(new URL(path, root), 'utf8'))).toEqual([]);
  });
});

it('onnxruntime-node is imported in one place, which keeps it from sending data about its use', () => {
  const all = ['src', 'cli', 'studio/server', 'bench', 'tests'].flatMap(filesBelow);
  const importing = all.filter((path) =>
    importsOf(readFileSync(new URL(path, root), 'utf8')).some(
      ({ from, typeOnly }) => from === 'onnxruntime-node' && !typeOnly,
    ),
  );
  expect(importing).toEqual(['src/platform/node/native-engine.ts']);
});

describe('the doors', () => {
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
  const ofNode = (path: string) => /^src\/platform\/node\//.test(path);

  const pure = ['src/files.ts', 'src/jobs.ts', 'src/pictures.ts', 'src/training.ts'];

  it.each(pure)('%s reaches no platform', (door) => {
    const { files, packages } = reachable(door, read);
    expect(files.filter((path) => path.startsWith('src/platform/'))).toEqual([]);
    expect(packages.filter(({ from }) => /^(node:|onnxruntime|sharp)/.test(from))).toEqual([]);
  });

  it.each(['src/index.browser.ts', 'src/browser.ts'])('reach, in a browser, nothing that only Node has: %s', (door) => {
    const { files, packages } = reachable(door, read);
    expect(files).toContain('src/platform/browser/engine.ts');
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter(ofNode)).toEqual([]);
    // The plain name of onnxruntime-web is a build that brings what nobody needs.
    const forbidden = /^(node:.*|sharp|onnxruntime-node|onnxruntime-web|cli-progress|commander)$/;
    expect(packages.filter(({ from }) => forbidden.test(from))).toEqual([]);
    expect(packages.map(({ from }) => from)).toContain('onnxruntime-web/wasm');
  });

  it('reach, in Node, nothing of the browser', () => {
    const { files } = reachable('src/index.node.ts', read);
    expect(files.some(ofNode)).toBe(true);
    expect(files.filter((path) => path.startsWith('src/platform/browser/'))).toEqual([]);
  });

  it('have the same names', () => {
    const names = (door: string) =>
      new Set(
        [...read(door).matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) =>
          list!.split(',').map((name) => name.replace('type ', '').trim()),
        ),
      );
    const [node, browser] = [names('src/index.node.ts'), names('src/index.browser.ts')];
    const only = (some: Set<string>, others: Set<string>) =>
      [...some].filter((name) => name && !others.has(name)).sort();
    expect(only(browser, node)).toEqual([]);
    expect(only(node, browser)).toEqual([]);
  });
});

describe('the check', () => {
  it.each<[string, string]>([
    ['studio/src/worker/lab.ts', "import { run } from '../state/session.js';"],
    ['studio/src/state/keys.ts', "import { Stage } from '../view/stage.js';"],
    ['src/graph/ops.ts', "import { vgg } from '../networks/vgg.js';"],
    ['src/graph/ops.ts', "import type { Model } from '../onnx/model.js';"],
    ['src/onnx/model.ts', "import { gramMatrix } from '../losses/style.js';"],
    ['src/networks/vgg.ts', "export { lossGraph } from '../losses/total.js';"],
    ['src/networks/weights.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/image/image.ts', "import sharp, { type Sharp } from 'sharp';"],
    ['src/image/image.ts', "const sharp = await import('sharp');"],
    ['src/losses/total.ts', "import '../stylize/stylize.js';"],
    ['src/losses/total.ts', "import {\n  a,\n  b,\n} from '../optim/lbfgs.js';"],
    ['src/optim/adam.ts', "import { emitModel } from '../onnx/model.js';"],
    ['src/runtime/runtime.ts', "import { vgg } from '../networks/vgg.js';"],
    ['src/runtime/runtime.ts', "import * as ort from 'onnxruntime-node';"],
    ['src/runtime/runtime.ts', "import type * as ort from 'onnxruntime-node';"],
    ['src/stylize/stylize.ts', "import { decode } from '../platform/node/codec.js';"],
    ['src/stylize/stylize.ts', "export * from '../platform/node/codec.js';"],
    ['src/stylize/stylize.ts', "import { stylize } from '../index.node.js';"],
    ['src/platform/node.ts', "import { stylize } from '../stylize/stylize.js';"],
    ['src/platform/node.ts', "import { type StylizeOptions } from '../stylize/options.js';"],
    ['src/platform/node.ts', "import type { Tensor } from '../graph/tensor.js';"],
    ['src/errors.ts', "import { add } from './graph/ops.js';"],
    ['src/index.node.ts', "import { version } from '../package.json';"],
    ['src/networks/vgg.ts', "import { add } from '#src/graph/ops.js';"],
    ['src/training/loop.ts', "import { stylize } from 'fauve';"],
    ['cli/main.ts', "import { stylize } from '../src/stylize/stylize.js';"],
    ['cli/commands/losses.ts', "import { lossGraph } from '#src/losses/total.js';"],
    ['studio/src/worker/paint.ts', "import { stylize } from '../../../src/stylize/stylize.js';"],
    ['cli/commands/losses.ts', "import { Engine } from '#server/engine.js';"],
    ['cli/commands/studio.ts', "import { startStudio } from '../../server/server.js';"],
    ['server/app.ts', "import { version } from '../../cli/package.js';"],
    ['server/app.ts', "import { stylize } from '#src/stylize/stylize.js';"],
    ['src/graph/ops.ts', '\n'.repeat(400).concat('export {};')],
  ])('finds what is wrong in %s: %s', (path, source) => {
    expect(violations(path, source)).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['src/graph/ops.ts', "import { FauveError } from '../errors.js';\nimport { evaluateNode } from './evaluate.js';"],
    ['src/graph/ops.ts', "// import sharp from 'sharp';\n/* import { a } from '../networks/vgg.js'; */"],
    ['src/losses/total.ts', "import { add } from '../graph/ops.js';\nimport type { A } from '../networks/vgg.js';"],
    ['src/image/noise.ts', "import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';"],
    ['src/runtime/runtime.ts', "import type { Model } from '../onnx/model.js';"],
    ['src/platform/node.ts', "import type { StylizeOptions } from '../stylize/options.js';"],
    ['src/platform/node.ts', "import sharp from 'sharp';\nimport * as ort from 'onnxruntime-node';"],
    ['src/platform/worker/engine.ts', "import { emitModel } from '../../onnx/model.js';"],
    ['src/index.node.ts', "export * from './platform/node.js';\nimport 'node:fs';"],
    ['src/networks/h5.ts', 'const text = \'exports its weights from "../losses/total.js"\';'],
    ['cli/main.ts', "import { stylize } from 'fauve';\nimport { Command } from 'commander';"],
    ['studio/src/worker/paint.ts', "import { stylize } from 'fauve';\nimport { texts } from '../texts.js';"],
    ['studio/src/view/stage.tsx', "import { run } from '../state/session.js';\nimport '../look/page.css';"],
    ['cli/commands/losses.ts', "import { fail } from '../fail.js';\nimport { parseArgs } from 'node:util';"],
    ['cli/commands/studio.ts', "import { startStudio } from '#server/server.js';"],
    ['server/app.ts', "import { Hono } from 'hono';\nimport { decodeImage } from 'fauve/node';"],
    ['server/app.ts', "import { guard } from './guard.js';\nimport { readFile } from 'node:fs/promises';"],
    ['src/graph/ops.ts', '\n'.repeat(399).concat('export {};\n')],
  ])('leaves alone what is right in %s: %s', (path, source) => {
    expect(violations(path, source)).toEqual([]);
  });
});
