/** The engine of a training run that is timed: adds the milliseconds inside of ONNX Runtime to the number that it shares. */
import { parentPort, workerData } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { importNative } from '#src/platform/node/native-engine.js';
import { serveRuntime } from '#src/runtime/remote.js';
import { createRuntime, type OrtLike } from '#src/runtime/runtime.js';

const { shared, threads } = workerData as { readonly shared: SharedArrayBuffer; readonly threads: number };
const ort = await importNative();
const spent = new Float64Array(shared);

const timed: OrtLike = {
  Tensor: ort.Tensor,
  InferenceSession: {
    async create(model, options) {
      const session = await ort.InferenceSession.create(model, options);
      const run = session.run.bind(session);
      session.run = (async (...args: Parameters<typeof run>) => {
        const start = performance.now();
        try {
          return await run(...args);
        } finally {
          spent[0]! += performance.now() - start;
        }
      }) as typeof run;
      return session;
    },
  },
};

const runtime = createRuntime(timed, { device: 'cpu', engine: `onnxruntime-node, ${threads} threads`, threads });
serveRuntime(nodeEndpoint(parentPort!), Promise.resolve(runtime));
