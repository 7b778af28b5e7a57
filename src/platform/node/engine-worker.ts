import { parentPort, workerData } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { serveRuntime } from '../../runtime/remote.js';
import { type EngineStart, loadEngine } from './engine.js';

const { options, telemetryForbidden } = workerData as EngineStart;
serveRuntime(nodeEndpoint(parentPort!), loadEngine(options, telemetryForbidden));
