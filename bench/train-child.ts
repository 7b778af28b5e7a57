/** Trains for a few steps in a process of its own, and tells its parent how long they took and how much memory. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { noiseImage } from '#src/image/noise.js';
import { pictureFolder } from '#src/platform/node/picture-folder.js';
import { connectRuntime } from '#src/runtime/remote.js';
import { train } from '#src/training/style-network/train.js';
import { peakMegabytes } from './peak-memory.js';
import { student, teacher } from './students.js';
import type { StepFigures } from './train.js';

const WARM_UP = 3;

type Arguments = [name: string, size: string, batch: string, rounds: string, photos: string, shared: string];
const [name, size, batch, rounds, photos, shared] = process.argv.slice(2) as Arguments;
const spent = new Float64Array(new SharedArrayBuffer(8));
const worker = new Worker(new URL('./train-worker.js', import.meta.url), {
  workerData: { shared: spent.buffer, threads: availableParallelism() },
});
const failed = new Promise<never>((_, reject) => {
  worker.once('error', reject);
});
failed.catch(() => undefined);
const runtime = await connectRuntime(nodeEndpoint(worker), failed, async () => {
  await worker.terminate();
});

const { weights } = name === 'vgg19' ? await teacher(shared) : await student(name);
const style = { name: 'noise', title: '', artist: '', year: null };
/** When each step had ended, and how long the engine had computed until then. */
const ends: { readonly wall: number; readonly engine: number }[] = [];
await train({
  styles: [{ ...style, weight: 1, style: { image: noiseImage(Number(size), Number(size), 2) } }],
  photos: await pictureFolder(photos),
  weights,
  runtime,
  name: 'bench',
  licence: '',
  options: { iterations: WARM_UP + Number(rounds), batch: Number(batch), cropSize: Number(size), testEvery: 0 },
  onProgress: ({ type }) => {
    if (type === 'step') ends.push({ wall: performance.now(), engine: spent[0]! });
  },
});
const warm = ends.slice(WARM_UP - 1);
const seconds = warm.slice(1).map(({ wall }, i) => (wall - warm[i]!.wall) / 1000);
const [first, last] = [warm[0]!, warm.at(-1)!];
process.send?.({
  secondsPerStep: seconds.toSorted((a, b) => a - b)[seconds.length >> 1]!,
  outside: 1 - (last.engine - first.engine) / (last.wall - first.wall),
  peakMegabytes: peakMegabytes(),
} satisfies StepFigures);
await runtime.close();
