import { parentPort, workerData } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { serveRuntime } from '../runtime/remote.js';
import { type EngineOptions, loadEngine } from './engine-node.js';

serveRuntime(nodeEndpoint(parentPort!), loadEngine(workerData as EngineOptions));
