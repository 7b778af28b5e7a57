import * as ortWeb from 'onnxruntime-web';
import type { Tensor } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { importNative } from '#src/platform/node/native-engine.js';
import { createRuntime, type OrtLike, type Runtime } from '#src/runtime/runtime.js';

/** onnxruntime-node, which tests import from here alone: it must not send data about their runs. */
export const ort = await importNative();

type Values = Float32Array | Float64Array;

/** Emits the graph of the named outputs and runs it in float32 with ONNX Runtime on the CPU. Feeds that it does not need are left out. */
export async function runOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  feeds: Readonly<Record<string, Values>>,
): Promise<Record<string, Float32Array>> {
  const model = emitModel(outputs);
  const session = await ort.InferenceSession.create(model.bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const fed = Object.entries(model.inputs).map(([name, shape]) => {
    const values = feeds[name];
    if (!values) throw new Error(`The test feeds no '${name}'.`);
    return [name, new ort.Tensor('float32', Float32Array.from(values), shape)] as const;
  });
  const results = await session.run(Object.fromEntries(fed));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => {
      if (t.dims.join() !== model.outputs[name]!.join()) {
        throw new Error(`${name} has shape [${t.dims}], the model says [${model.outputs[name]}].`);
      }
      return [name, t.data as Float32Array];
    }),
  );
}

/** The engine of browsers, in this thread, with one thread. */
export function wasmEngine(): Runtime {
  ortWeb.env.wasm.numThreads = 1;
  const { InferenceSession, Tensor } = ortWeb;
  const create: OrtLike['InferenceSession']['create'] = (bytes, options) =>
    InferenceSession.create(bytes, { ...options, executionProviders: ['wasm'] });
  return createRuntime({ InferenceSession: { create }, Tensor }, { device: 'cpu', engine: 'wasm' });
}
