import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { engineWords } from '#src/runtime/engine-words.js';
import { floats, foreignModel, kernelOf } from './support/foreign-model.js';
import { wasmEngine } from './support/ort.js';
import { openEngine } from './support/restyling.js';

const engines = { 'onnxruntime-node': openEngine(), 'onnxruntime-web': Promise.resolve(wasmEngine()) };
afterAll(async () => {
  for (const engine of Object.values(engines)) await (await engine).close();
});

const conv = foreignModel({ node: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }], initializer: [kernelOf(3)] });
const add = foreignModel({
  node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
  initializer: [floats('w', [1, 3, 1, 1], new Float32Array(3))],
});
const short = foreignModel({
  node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
  initializer: [floats('w', [1, 3, 1, 2], new Float32Array(3))],
});
const op = (opType: string) => [{ opType, input: ['x'], output: ['y'] }];

describe.each(['onnxruntime-node', 'onnxruntime-web'] as const)('what %s says', (name) => {
  it.each<[string, Uint8Array, RegExp]>([
    [
      'of an unknown operation',
      foreignModel({ node: op('Foo') }),
      /it uses the operation Foo, which the engine does not/,
    ],
    ['of a new opset', foreignModel({ node: op('Relu'), opset: 99 }), /in opset 99 of ONNX.*opsets up to \d+\. Export/],
    ['of a new format', foreignModel({ node: op('Relu'), irVersion: 99 }), /in version 99 of the ONNX format/],
    ['of no model', Uint8Array.of(1, 2, 3), /it is damaged, or no ONNX model/],
    ['of weights that are missing in part', short, /Initializer 'w': raw_data size \(12 bytes\)/],
    ['of a wrong number of channels', conv, /failed: Input channels C is not equal to kernel channels/],
    ['from a place in its source', add, /: (its Add failed: )?Attempting to broadcast/],
  ])('%s is one clean sentence', async (_, bytes, message) => {
    const runtime = await engines[name];
    const error = await runtime
      .openFile(bytes)
      .then((session) => session.run({ x: { shape: [1, 16, 12, 3], data: new Float32Array(576) } }, ['y']))
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^The engine (could not|cannot) [^\n\p{Cc}]+\.$/u);
    expect(error.message).not.toMatch(/onnxruntime|::|\.(cc|h):\d|ERROR_|ONNXRuntimeError|was false/);
  });

  it('is not printed', () => {
    const script = `
      const ort = await import('${name}');
      const { createRuntime } = await import('#src/runtime/runtime.js');
      const create = (bytes, options) =>
        ort.InferenceSession.create(bytes, { ...options, executionProviders: ['${name === 'onnxruntime-web' ? 'wasm' : 'cpu'}'] });
      const { Tensor } = ort;
      const runtime = createRuntime({ InferenceSession: { create }, Tensor }, { device: 'cpu', engine: '', threads: 1 });
      for (const each of process.argv.slice(1)) {
        const session = await runtime.openFile(new Uint8Array(Buffer.from(each, 'base64'))).catch(() => undefined);
        const x = { shape: [1, 16, 12, 3], data: new Float32Array(576) };
        await session?.run({ x }, ['y']).catch(() => console.log('failed'));
      }
      process.exit(0);`;
    const models = [conv, add, short].map((each) => Buffer.from(each).toString('base64'));
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, ...models], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
    });
    expect([stdout, stderr]).toEqual(['failed\nfailed\n', '']);
  });
});

describe('the words', () => {
  it.each([
    ['std::bad_alloc', 'it ran out of memory. Use a smaller size.'],
    ['\u001b[1;31mNo kernel\u001b[m\n', 'No kernel.'],
    [
      'Exception: C:\\a\\onnxruntime\\core\\x.cc:12 onnxruntime::Foo::operator () (int (*)(), const A<B> &) const [with T = float] a.size() == 1 was false. Too many axes.',
      'Exception: Too many axes.',
    ],
    ['/a/b.h:1 void a::B(', 'it does not say why.'],
  ])('of %j', (said, words) => {
    expect(engineWords(new Error(said))).toBe(words);
  });

  it('are few, however much the engine says', () => {
    expect(engineWords('x'.repeat(1e6)).length).toBeLessThan(3000);
  });
});
