import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { grad } from '#src/graph/grad.js';
import { add, conv, mul, relu } from '#src/graph/ops.js';
import { constant, input } from '#src/graph/tensor.js';
import { lossGraph } from '#src/losses/total.js';
import { vgg } from '#src/networks/vgg.js';
import { emitModel } from '#src/onnx/model.js';
import { loadEngine, startEngine } from '#src/platform/node/engine.js';
import { engineFiles } from '#src/runtime/engine-files.js';
import { probe } from '#src/runtime/probe.js';
import { connectRuntime, serveRuntime } from '#src/runtime/remote.js';
import { createRuntime, type OrtLike, type Runtime, type RuntimeOptions } from '#src/runtime/runtime.js';
import { loadOracle } from './oracle/oracle.js';
import { everyTerm } from './support/loss-settings.js';
import { relativeError } from './support/numbers.js';
import { ort as ortNode, wasmEngine } from './support/ort.js';
import { random } from './support/random.js';
import { oracleWeights } from './support/tiny-vgg.js';

const [a, b] = [input('a', [2, 3]), input('b', [2, 3])];
/** sum = a + b, product = a · b. */
const arithmetic = () => emitModel({ sum: add(a, b), product: mul(a, b) });
const [ones, twos] = [new Float32Array(6).fill(1), new Float32Array(6).fill(2)];

/** The code and the message of what was thrown. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  return `${error.code}: ${error.message}`;
}

describe.each<[string, () => Promise<Runtime>]>([
  ['in this thread', () => loadEngine({ device: 'cpu', threads: 1 })],
  ['in a worker', () => startEngine({ device: 'cpu', threads: 1 })],
])('the engine %s', (_, start) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await start();
  });
  afterAll(() => runtime.close());

  it('says what it is', () => {
    expect(runtime.device).toBe('cpu');
    expect(runtime.engine).toMatch(/^onnxruntime-node \d+\.\d+\.\d+, 1 thread$/);
  });

  it('runs a model, and returns what is asked for', async () => {
    const session = await runtime.open(arithmetic());
    expect(session.model).toEqual({ inputs: { a: [2, 3], b: [2, 3] }, outputs: { sum: [2, 3], product: [2, 3] } });
    const values = await session.run({ a: ones, b: twos }, ['sum']);
    expect(values).toEqual({ sum: new Float32Array(6).fill(3) });
    await session.close();
  });

  it('keeps what was written; what is fed holds for one run', async () => {
    const session = await runtime.open(arithmetic());
    await session.write({ a: ones, b: ones });
    const sum = async (feeds: Record<string, Float32Array>) => (await session.run(feeds, ['sum'])).sum![0];
    expect(await sum({})).toBe(2);
    expect(await sum({ b: twos })).toBe(3);
    expect(await sum({})).toBe(2);
    expect(await session.read(['a', 'b'])).toEqual({ a: ones, b: ones });
    await session.write({ b: twos });
    expect(await sum({})).toBe(3);
    await session.close();
  });

  it('carries outputs into the inputs of the next run', async () => {
    const session = await runtime.open(arithmetic());
    await session.write({ a: ones, b: ones });
    // Fibonacci: both carried values are those from before the run.
    const sums: number[] = [];
    for (let i = 0; i < 6; i++) sums.push((await session.run({}, ['sum'], { a: 'sum' })).sum![0]!);
    expect(sums).toEqual([2, 3, 4, 5, 6, 7]);
    await session.write({ a: twos, b: twos });
    await session.run({}, [], { a: 'sum', b: 'product' });
    await session.run({}, [], { a: 'product', b: 'sum' });
    expect(await session.read(['a', 'b'])).toEqual({ a: new Float32Array(6).fill(16), b: new Float32Array(6).fill(8) });
    await session.close();
  });

  it('opens models and runs them all at once, each with its own values', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => runtime.open(arithmetic())));
    const runs = Array.from({ length: 12 }, (_, i) =>
      sessions[i % 6]!.run({ a: new Float32Array(6).fill(i), b: ones }, ['sum']),
    );
    expect((await Promise.all(runs)).map(({ sum }) => sum![0])).toEqual(runs.map((_, i) => i + 1));
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('refuses wrong names and sizes, and goes on', async () => {
    const session = await runtime.open(arithmetic());
    expect(await failure(session.write({ c: ones }))).toBe("usage: The model has no input 'c'. It has a, b.");
    expect(await failure(session.run({ a: ones, c: ones }, ['sum']))).toMatch(/^usage: The model has no input 'c'/);
    expect(await failure(session.write({ a: new Float32Array(5) }))).toBe(
      "input: 'a' needs 6 values [2,3], received 5.",
    );
    expect(await failure(session.run({ a: ones }, ['sum']))).toBe("usage: The input 'b' was neither written nor fed.");
    expect(await failure(session.read(['b']))).toBe("usage: 'b' was not written to this session.");
    expect((await session.run({ a: ones, b: ones }, ['sum'])).sum![0]).toBe(2);
    await session.close();
  });

  it('says when a model cannot be opened', async () => {
    const broken = { ...arithmetic(), bytes: new Uint8Array(40).fill(7) };
    expect(await failure(runtime.open(broken))).toMatch(/^system: The engine could not prepare the network: /);
  });

  it('runs no closed session, and closes it once', async () => {
    const session = await runtime.open(arithmetic());
    await session.close();
    expect(await failure(session.run({ a: ones, b: ones }, ['sum']))).toMatch(/^(usage|system): /);
    await session.close();
  });
});

describe('one model on several engines', () => {
  const { networks, images } = loadOracle().losses;
  const network = vgg(oracleWeights(networks.caffe));
  const image = input('image', images.generated.shape);
  const { total, targets } = lossGraph(network, image, everyTerm);
  const model = () => emitModel({ total, gradient: grad(total, [image])[0]! });
  const values = random(81);
  const feeds: Record<string, Float32Array> = { image: Float32Array.from(images.generated.data) };
  for (const [name, shape] of Object.entries(targets)) feeds[name] = values.uniform(shape, 0, 1);

  async function results(runtime: Runtime) {
    const session = await runtime.open(model());
    const received = await session.run(feeds, ['total', 'gradient']);
    await runtime.close();
    return received;
  }

  it('a worker computes to the last bit what this thread computes', async () => {
    const here = await results(await loadEngine({ device: 'cpu', threads: 1 }));
    const there = await results(await startEngine({ device: 'cpu', threads: 1 }));
    expect(here.gradient!.some((value) => value !== 0)).toBe(true);
    expect(there).toEqual(here);
  });

  it('WebAssembly agrees within 1e-4', async () => {
    const received = await results(wasmEngine());
    const native = await results(createRuntime(ortNode, { device: 'cpu', engine: 'native', threads: 1 }));
    expect(relativeError(received.total!, native.total!)).toBeLessThan(1e-4);
    expect(relativeError(received.gradient!, native.gradient!)).toBeLessThan(1e-4);
  });
});

describe('the worker', () => {
  it('leaves this thread free while it computes', async () => {
    const runtime = await startEngine({ device: 'cpu', threads: 1 });
    const x = input('x', [1, 32, 160, 160]);
    const kernel = constant(random(82).uniform([32, 32, 3, 3], -0.1, 0.1), [32, 32, 3, 3]);
    let y = relu(x);
    for (let i = 0; i < 24; i++) y = relu(conv(y, kernel, undefined, { pads: [1, 1, 1, 1] }));
    const session = await runtime.open(emitModel({ y }));
    await session.write({ x: random(83).uniform(x.shape) });
    let [last, longest] = [performance.now(), 0];
    const tick = () => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    };
    const start = performance.now();
    const timer = setInterval(tick, 2);
    await session.run({}, ['y']);
    tick();
    clearInterval(timer);
    const duration = performance.now() - start;
    expect(duration).toBeGreaterThan(50);
    expect(longest).toBeLessThan(duration / 2);
    await runtime.close();
  });

  it('is probed as an engine in this thread is', async () => {
    const runtime = await startEngine({ device: 'cpu', threads: 1 });
    expect(await probe(runtime)).toBeGreaterThan(0);
    await runtime.close();
  });

  it('ends when it is closed, with what was under way', async () => {
    const runtime = await startEngine({ device: 'cpu', threads: 1 });
    const session = await runtime.open(arithmetic());
    await runtime.close();
    const after = await Promise.race([
      failure(session.run({ a: ones, b: ones }, ['sum'])),
      new Promise<string>((resolve) => setTimeout(resolve, 1000, 'nothing')),
    ]);
    expect(after).toMatch(/^(usage|system): /);
  });
});

it('closing the engine in this thread closes its sessions', async () => {
  const runtime = await loadEngine({ device: 'cpu', threads: 1 });
  const session = await runtime.open(arithmetic());
  await runtime.close();
  expect(await failure(session.run({ a: ones, b: ones }, ['sum']))).toMatch(
    /^usage: The engine is closed\. Start another/,
  );
});

describe('the files of the engine for browsers', () => {
  it.each(Object.entries(engineFiles))('%s are there, of the size that is said', (_, { script, wasm, bytes }) => {
    const folder = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm')));
    expect(statSync(join(folder, wasm)).size).toBe(bytes);
    expect(statSync(join(folder, script)).size).toBeLessThan(100_000);
  });
});

describe('an error of the engine', () => {
  const broken = (explain?: NonNullable<RuntimeOptions['explain']>) =>
    createRuntime(
      {
        ...ortNode,
        InferenceSession: { create: () => Promise.reject(new Error('Something odd')) },
      } as unknown as OrtLike,
      { device: 'cpu', engine: 'none', ...(explain ? { explain } : {}) },
    );

  it('is told in its own words', async () => {
    expect(await failure(broken().open(arithmetic()))).toBe(
      'system: The engine could not prepare the network: Something odd.',
    );
    expect(await failure(broken().openFile(new Uint8Array(1)))).toMatch(
      /^input: The engine cannot run this model: Something odd\.$/,
    );
  });

  it('is told in better ones where there are some, and then the model is not to blame', async () => {
    const runtime = broken((error) =>
      String(error).includes('odd') ? { kind: 'out-of-memory', why: 'it ran out of memory.' } : undefined,
    );
    const said = 'system: The engine could not prepare the network: it ran out of memory.';
    expect(await failure(runtime.open(arithmetic()))).toBe(said);
    expect(await failure(runtime.openFile(new Uint8Array(1)))).toBe(said);
  });

  it('keeps its reason between threads', async () => {
    const { port1, port2 } = new MessageChannel();
    try {
      serveRuntime(port1, Promise.resolve(broken(() => ({ kind: 'out-of-memory', why: 'it ran out of memory.' }))));
      const runtime = await connectRuntime(port2, new Promise(() => {}), async () => {});
      const error = await runtime.open(arithmetic()).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(FauveError);
      expect(error).toMatchObject({ code: 'system', reason: { kind: 'out-of-memory' } });
    } finally {
      port1.close();
      port2.close();
    }
  });

  it('has a reason that JSON and a structured clone keep', () => {
    const { reason } = new FauveError({ kind: 'memory', need: 2e9, free: 1e9, largest: '640' }, 'It does not fit.');
    expect(JSON.parse(JSON.stringify(reason))).toEqual(reason);
    expect(structuredClone(reason)).toEqual(reason);
  });
});
