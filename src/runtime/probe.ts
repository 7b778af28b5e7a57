import { conv, relu } from '../graph/ops.js';
import { constant, input } from '../graph/tensor.js';
import { emitModel } from '../onnx/model.js';
import type { Runtime, Session } from './runtime.js';

/** Seconds that three small convolutions take once the engine is warm: which of two devices is the faster one. */
export async function probe(runtime: Runtime): Promise<number> {
  const x = input('x', [1, 64, 128, 128]);
  const kernel = constant(new Float32Array(64 * 64 * 9).fill(0.01), [64, 64, 3, 3]);
  const session = await runtime.open(emitModel({ y: conv(x, kernel, undefined, { pads: [1, 1, 1, 1] }) }));
  try {
    await session.write({ x: new Float32Array(64 * 128 * 128) });
    await session.run({}, ['y']);
    const start = performance.now();
    for (let i = 0; i < 3; i++) await session.run({}, ['y']);
    return (performance.now() - start) / 1000;
  } finally {
    await session.close();
  }
}

/**
 * Runs the smallest of models, so that an engine that is loaded with its first model is there, or says why it is not. The session stays
 * open: some engines let go of their device, and of all that they compiled for it, with their last session.
 */
export async function wake(runtime: Runtime): Promise<Session> {
  const session = await runtime.open(emitModel({ y: relu(input('x', [1])) }));
  await session.run({ x: new Float32Array(1) }, ['y']);
  return session;
}
