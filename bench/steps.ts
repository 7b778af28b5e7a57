import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { input } from '#src/graph/tensor.js';
import { noiseImage } from '#src/image/noise.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { caffePreprocessing, convLayers, networkSpec } from '#src/networks/registry.js';
import { vgg } from '#src/networks/vgg.js';
import { emitModel } from '#src/onnx/model.js';
import { loadEngine, startEngine } from '#src/platform/node/engine.js';
import { openImageOptimiser } from '#src/stylize/image-optimiser.js';
import { stepGraph, stepModel } from '#src/stylize/objective.js';
import { defaultStylizeOptions, lossSettings } from '#src/stylize/options.js';
import { measureTargets } from '#src/stylize/targets.js';

/** Median seconds at one size. */
export interface StepTimes {
  readonly size: number;
  /** VGG-19 to relu5_1. */
  readonly forward: number;
  /** Losses and their gradient, forward and backward. */
  readonly step: number;
  /** A whole step with the optimiser and the worker thread around it. */
  readonly adam: number;
  readonly lbfgs: number;
}

/** Random weights: the time does not depend on their values, and they need no download. He et al. 2015 keeps the features finite. */
export function randomVgg19(): NetworkWeights {
  const noise = noiseImage(1024, 1024, 1).data;
  let next = 0;
  const tensors = new Map(
    convLayers(networkSpec('vgg19'))
      .slice(0, 13)
      .flatMap(({ name, inChannels, outChannels }) => {
        const scale = Math.sqrt(2 / (9 * inChannels)) / 0.145;
        const data = Float32Array.from(
          { length: outChannels * inChannels * 9 },
          () => (noise[next++ % noise.length]! - 0.5) * scale,
        );
        const weight = { shape: [outChannels, inChannels, 3, 3], data };
        const bias = { shape: [outChannels], data: new Float32Array(outChannels) };
        return [[`${name}.weight`, weight] as const, [`${name}.bias`, bias] as const];
      }),
  );
  return { name: 'vgg19', tensors, preprocessing: caffePreprocessing, sha256: 'random' };
}

/** Times the parts of a step, in turn, so that what disturbs the machine disturbs all of them. */
export async function measureSteps(size: number, rounds: number): Promise<StepTimes> {
  const options = { ...defaultStylizeOptions, steps: 10_000 };
  const settings = lossSettings(options);
  const network = vgg(randomVgg19());
  const scale = { width: size, height: size, steps: options.steps };
  const [content, style] = [noiseImage(size, size, 2), noiseImage(size, size, 3)];

  const here = await loadEngine({ device: 'cpu' });
  const worker = await startEngine({ device: 'cpu' });
  const targets = await measureTargets(here, network, settings, content, [{ image: style, weight: 1 }], 1);
  // As it is run where it is run once: minimal filtering would not pay.
  const forward = await here.open(emitModel(network.features(input('image', [1, 3, size, size]), ['relu5_1'])));
  const step = await here.open(stepModel(stepGraph(network, settings, options, scale).outputs, 'cpu'));
  await step.write(targets);
  const open = (optimiser: 'adam' | 'lbfgs') =>
    openImageOptimiser(
      { runtime: worker, network, settings, options: { ...options, optimiser }, size: scale, targets },
      content.data,
    );
  const [adam, lbfgs] = [await open('adam'), await open('lbfgs')];

  // L-BFGS is timed with a full memory.
  for (let i = 0; i <= options.history; i++) await lbfgs.step();
  const image = { image: content.data };
  const jobs = {
    forward: () => forward.run(image, ['relu5_1']),
    step: () => step.run(image, ['total', 'gradient']),
    adam: () => adam.step(),
    lbfgs: () => lbfgs.step(),
  };
  const seconds: Record<keyof typeof jobs, number[]> = { forward: [], step: [], adam: [], lbfgs: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, job] of Object.entries(jobs) as [keyof typeof jobs, () => Promise<unknown>][]) {
      const start = performance.now();
      await job();
      // The first round warms up.
      if (round > 0) seconds[name].push((performance.now() - start) / 1000);
    }
  }
  await Promise.all([here.close(), worker.close()]);
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  return {
    size,
    forward: median(seconds.forward),
    step: median(seconds.step),
    adam: median(seconds.adam),
    lbfgs: median(seconds.lbfgs),
  };
}

/** Peak resident memory, in MB, of a process that stylises at this size. */
export function peakMemory(size: number, optimiser: 'adam' | 'lbfgs'): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./memory-child.js', import.meta.url)), [String(size), optimiser]);
    child.once('message', (megabytes) => resolve(Number(megabytes)));
    child.once('exit', (code) => reject(new Error(`The process that measures memory ended with code ${code}.`)));
  });
}
