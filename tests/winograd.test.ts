import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import { conv, mul, relu, square, sum } from '#src/graph/ops.js';
import { constant, input, type Pads, type Pair, type Tensor, topologicalOrder } from '#src/graph/tensor.js';
import { winograd } from '#src/graph/winograd.js';
import { emitModel } from '#src/onnx/model.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { random } from './support/random.js';
import { openEngine } from './support/restyling.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const all = { least: { channels: 1, tiles: 1 } };
const draw = random(1968);
const kernelOf = (out: number, inner: number, side = 3) =>
  constant(Float64Array.from(draw.uniform([out, inner, side, side])), [out, inner, side, side]);
const padded = { pads: [1, 1, 1, 1] as Pads };

/** Two convolutions with bias, a loss, and its derivative with respect to the image. */
function stepOf(height: number, width: number, channels: readonly [number, number, number]) {
  const x = input('x', [1, channels[0], height, width]);
  let y: Tensor = x;
  for (const i of [1, 2]) {
    const bias = constant(draw.uniform([channels[i]!]), [channels[i]!]);
    y = relu(conv(y, kernelOf(channels[i]!, channels[i - 1]!), bias, padded));
  }
  const loss = sum(square(y));
  return { y, loss, gradient: grad(loss, [x])[0]! };
}

const countOf = (outputs: Readonly<Record<string, Tensor>>, which: (t: Tensor) => boolean) =>
  topologicalOrder(Object.values(outputs)).filter(which).length;
const isPlain = (t: Tensor) => t.op === 'Conv' && t.inputs[1]!.shape[2] === 3;
const isValues = (t: Tensor) => t.op === 'Constant' && t.shape.length === 3 && t.shape[0] === 36;

function closeTo(received: ArrayLike<number>, expected: ArrayLike<number>, share: number): void {
  expect(received.length).toBe(expected.length);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const off = Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - received[i]!)), 0);
  expect(off).toBeLessThanOrEqual(share * largest);
}

describe('convolutions by minimal filtering', () => {
  it('give the same, and so do their derivatives, at any size', () => {
    const side = fc.integer({ min: 1, max: 11 });
    const channels = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(side, side, channels, channels, channels, (height, width, ...each) => {
        const step = stepOf(height, width, each);
        const fast = winograd(step, all);
        expect(countOf(step, isPlain)).toBe(4);
        expect(countOf(fast, isPlain)).toBe(0);
        const x = draw.uniform([1, each[0], height, width]);
        const names = Object.keys(step) as (keyof typeof step)[];
        const [expected, received] = [step, fast].map((outputs) =>
          evaluate(
            names.map((name) => outputs[name]!),
            { x },
          ),
        );
        for (const [i, values] of expected!.entries()) {
          expect(fast[names[i]!]!.shape).toEqual(step[names[i]!].shape);
          closeTo(received![i]!, values, 1e-11);
        }
      }),
      { seed: 1905, numRuns: 40 },
    );
  });

  it('keep the values of a kernel once, for both directions', () => {
    const fast = winograd(stepOf(8, 8, [3, 4, 5]), all);
    expect(countOf(fast, isValues)).toBe(2);
    expect(countOf(fast, (t) => t.op === 'MatMul' && (t as Tensor<'MatMul'>).attributes.transA)).toBe(2);
  });

  it('run in the engine, in float32', async () => {
    const step = stepOf(21, 30, [16, 32, 16]);
    const x = draw.uniform([1, 16, 21, 30]);
    const run = async (outputs: Readonly<Record<string, Tensor>>) => {
      const session = await runtime.open(emitModel(outputs));
      const values = await session.run({ x }, Object.keys(outputs));
      await session.close();
      return values;
    };
    const [expected, received] = [await run(step), await run(winograd(step, all))];
    for (const [name, values] of Object.entries(expected)) closeTo(received[name]!, values, 1e-5);
  });

  it.each<[string, Tensor]>([
    ['stride 2', conv(input('x', [1, 2, 9, 9]), kernelOf(2, 2), undefined, { ...padded, strides: [2, 2] as Pair })],
    ['no pads', conv(input('x', [1, 2, 9, 9]), kernelOf(2, 2))],
    ['1×1', conv(input('x', [1, 2, 9, 9]), kernelOf(2, 2, 1), undefined, padded)],
    ['several pictures', conv(input('x', [2, 2, 9, 9]), kernelOf(2, 2), undefined, padded)],
    ['a kernel that is trained', conv(input('x', [1, 2, 9, 9]), input('w', [2, 2, 3, 3]), undefined, padded)],
  ])('leave alone what they do not suit: %s', (_, y) => {
    expect(winograd({ y }, all).y).toBe(y);
  });

  it('leave alone what they would not make faster', () => {
    const narrow = conv(input('x', [1, 64, 64, 64]), kernelOf(64, 64), undefined, padded);
    const small = conv(input('x', [1, 192, 12, 12]), kernelOf(192, 192), undefined, padded);
    const wide = conv(input('x', [1, 192, 24, 24]), kernelOf(192, 192), undefined, padded);
    const outputs = { narrow, small, wide, after: mul(wide, 2) };
    const fast = winograd(outputs);
    expect([fast.narrow, fast.small]).toEqual([narrow, small]);
    expect(fast.wide).not.toBe(wide);
    expect(fast.after!.inputs[0]).toBe(fast.wide);
  });
});
