import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createImage, type Image } from '#src/image/image.js';
import { quantise } from '#src/image/quantise.js';
import { fitLongerSide, resizeImage } from '#src/image/resize.js';
import { decodeDistilled } from '#src/networks/distilled.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import { decodeWeights } from '#src/networks/weights.js';
import { loadNetworkWeights } from '#src/platform/node/model-store.js';
import { shippedNetwork } from '#src/platform/node/shipped.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { openImageOptimiser } from '#src/stylize/image-optimiser.js';
import { measureLosses } from '#src/stylize/measure-losses.js';
import { stepGraph, stepModel } from '#src/stylize/objective.js';
import { lossSettings, resolveStylizeOptions } from '#src/stylize/options.js';
import { stylize } from '#src/stylize/stylize.js';
import { measureTargets } from '#src/stylize/targets.js';

/** A network that pictures are made with. */
export interface Contestant {
  readonly name: string;
  readonly weights: NetworkWeights;
  /** Of its file. */
  readonly bytes: number;
}

/** What the teacher, VGG-19, says of a picture: weighted losses that add up to the total. */
export interface Judgement {
  readonly total: number;
  readonly content: number;
  readonly style: number;
  readonly smoothness: number;
}

/** A picture that was made with one network. */
export interface Made {
  readonly judgement: Judgement;
  readonly seconds: number;
  readonly image: Image;
}

/** Median seconds with one network at one size. */
export interface StepSeconds {
  /** A whole step of L-BFGS with a full memory. */
  readonly step: number;
  /** Losses and gradient once, without the optimiser. */
  readonly evaluation: number;
}

/** A network that comes with Fauve, by its name, or the file of any distilled network. */
export async function student(name: string): Promise<Contestant> {
  if (!name.endsWith('.safetensors')) {
    return { name, weights: await loadNetworkWeights(name), bytes: (await shippedNetwork(name)).bytes };
  }
  const bytes = readFileSync(name);
  return { name: basename(name, '.safetensors'), weights: await decodeDistilled(bytes), bytes: bytes.byteLength };
}

/** VGG-19: what is installed, or what lies in the shared folder. */
export async function teacher(shared: string): Promise<Contestant> {
  const weights = await loadNetworkWeights('vgg19').catch(() =>
    decodeWeights(readFileSync(join(shared, 'weights/vgg19.safetensors')), 'vgg19'),
  );
  const values = [...weights.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { name: 'vgg19', weights, bytes: 4 * values };
}

/** Makes pictures of one pair, and has the teacher judge them as they are written to a file: with 8 bits. */
export function contest(runtime: Runtime, judge: NetworkWeights, content: Image, painting: Image, size: number) {
  const styles = [{ image: painting, weight: 1 }];
  const judgement = async (generated: Image): Promise<Judgement> => {
    const report = await measureLosses({ runtime, weights: judge, content, styles, generated: quantise(generated) });
    const of = (kind: string) =>
      report.terms.filter((term) => term.kind === kind).reduce((sum, term) => sum + term.weight * term.value, 0);
    return { total: report.total, content: of('content'), style: of('style'), smoothness: of('total variation') };
  };
  return {
    /** The photo as it is. */
    start(): Promise<Judgement> {
      const { width, height } = fitLongerSide(content.width, content.height, size);
      return judgement(resizeImage(content, width, height));
    },
    /** The default optimiser from the photo, all steps at the full size. */
    async make({ weights }: Contestant, steps: number): Promise<Made> {
      const { image, seconds } = await stylize({
        runtime,
        weights,
        content,
        styles,
        options: { size, scales: 1, steps },
      });
      const opaque = createImage(image.width, image.height, image.data);
      return { judgement: await judgement(opaque), seconds, image: opaque };
    },
  };
}

/** Times steps with each network in turn, so that what disturbs the machine disturbs all of them. */
export async function timeSteps(
  runtime: Runtime,
  contestants: readonly Contestant[],
  content: Image,
  painting: Image,
  size: number,
  rounds: number,
): Promise<Record<string, StepSeconds>> {
  const options = resolveStylizeOptions({ size, scales: 1, steps: 10_000 });
  const settings = lossSettings(options);
  const picture = resizeImage(content, ...sides(content, size));
  const jobs: { name: string; kind: keyof StepSeconds; run: () => Promise<unknown> }[] = [];
  const closing: (() => Promise<void>)[] = [];
  for (const { name, weights } of contestants) {
    const network = vgg(weights);
    const scale = { width: picture.width, height: picture.height, steps: options.steps };
    const styles = [{ image: painting, weight: 1 }];
    const targets = await measureTargets(runtime, network, settings, picture, styles, 1);
    const optimiser = await openImageOptimiser(
      { runtime, network, settings, options, size: scale, targets },
      picture.data,
    );
    const session = await runtime.open(stepModel(stepGraph(network, settings, options, scale).outputs, 'cpu'));
    await session.write(targets);
    jobs.push({ name, kind: 'step', run: () => optimiser.step() });
    jobs.push({ name, kind: 'evaluation', run: () => session.run({ image: picture.data }, ['total', 'gradient']) });
    closing.push(
      () => optimiser.close(),
      () => session.close(),
    );
    // Until the memory of L-BFGS is full.
    for (let i = 0; i <= options.history; i++) await optimiser.step();
  }
  const seconds = jobs.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, job] of jobs.entries()) {
      const start = performance.now();
      await job.run();
      // The first round warms up.
      if (round > 0) seconds[i]!.push((performance.now() - start) / 1000);
    }
  }
  for (const close of closing) await close();
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const of = (name: string, kind: keyof StepSeconds) =>
    median(seconds[jobs.findIndex((job) => job.name === name && job.kind === kind)]!);
  return Object.fromEntries(
    contestants.map(({ name }) => [name, { step: of(name, 'step'), evaluation: of(name, 'evaluation') }]),
  );
}

function sides({ width, height }: Image, size: number): [number, number] {
  const fitted = fitLongerSide(width, height, size);
  return [fitted.width, fitted.height];
}
