import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createImage, type Image } from '#src/image/image.js';
import { quantise } from '#src/image/quantise.js';
import { fitLongerSide, resizeImage } from '#src/image/resize.js';
import type { NetworkWeights } from '#src/networks/network.js';
import { vgg } from '#src/networks/vgg.js';
import { Lbfgs } from '#src/optim/lbfgs.js';
import { startEngine } from '#src/platform/node/engine.js';
import { readImage, writeImage } from '#src/platform/node/images.js';
import { loadNetworkWeights } from '#src/platform/node/model-store.js';
import { stepGraph, stepModel } from '#src/stylize/objective.js';
import { defaultStylizeOptions, lossSettings, type StylizeOptionsInput } from '#src/stylize/options.js';
import { type StylizeResult, stylize } from '#src/stylize/stylize.js';
import { measureTargets } from '#src/stylize/targets.js';

/** Photos of this project with paintings that are not part of it. */
export const qualityPairs = [
  { name: 'astronaut', painting: 'vincent-van-gogh--the-starry-night.jpg' },
  { name: 'coffee', painting: 'katsushika-hokusai--the-great-wave-off-kanagawa.jpg' },
  { name: 'chelsea', painting: 'henri-matisse--woman-with-a-hat.jpg' },
] as const;

/** One way to make a picture, and what came of it. */
export interface QualityResult {
  readonly steps: number;
  /** From the pictures in memory to the finished one, with everything that takes. */
  readonly seconds: number;
  /** Total VGG-19 loss of the 8-bit picture. */
  readonly loss: number;
}

export interface PairResult {
  readonly name: string;
  readonly size: number;
  /** L-BFGS within the bounds [0,1]. */
  readonly reference: QualityResult;
  /** L-BFGS without bounds, clipped when the picture is written. */
  readonly unbounded?: QualityResult;
  readonly standard: QualityResult;
  /** The reference's step after which its loss was first as low as the other's. */
  readonly sameLossAt: number | undefined;
}

/** L-BFGS from the content, all steps at full size, without the preconditioner. The bounds are part of it: {@link unboundedLbfgs} is worse. */
const reference: StylizeOptionsInput = { optimiser: 'lbfgs', scales: 1, preconditioner: 'none', history: 20 };

/** How to compare. */
export interface QualityOptions {
  readonly paintings: string;
  readonly size: number;
  readonly referenceSteps: number;
  /** Also makes the picture by L-BFGS without bounds. */
  readonly unbounded: boolean;
  /** Writes the pictures into this folder. */
  readonly pictures?: string | undefined;
}

/** Makes one pair each way, one after the other. Says why when it cannot. */
export async function compareQuality(
  name: string,
  { paintings, size, referenceSteps, unbounded, pictures }: QualityOptions,
): Promise<PairResult | undefined> {
  const pair = qualityPairs.find((candidate) => candidate.name === name);
  if (!pair) throw new Error(`There is no pair '${name}'. Use ${qualityPairs.map((p) => p.name).join(', ')}.`);
  const painting = join(paintings, pair.painting);
  if (!existsSync(painting)) {
    console.log(`${name}: skipped, there is no ${painting}. Give its folder with --paintings.`);
    return undefined;
  }
  const photo = fileURLToPath(new URL(`../../examples/photos/${name}.jpg`, import.meta.url));
  const [content, image, weights] = [
    await readImage(photo),
    await readImage(painting),
    await loadNetworkWeights('vgg19'),
  ];
  const run = async (options: StylizeOptionsInput) => {
    const runtime = await startEngine({ device: 'cpu' });
    try {
      return await stylize({
        content,
        styles: [{ image, weight: 1 }],
        weights,
        runtime,
        options: { ...options, size },
      });
    } finally {
      await runtime.close();
    }
  };
  const save = async (label: string, picture: Image) => {
    if (pictures !== undefined) await writeImage(join(pictures, `${name}-${label}.png`), picture);
  };
  const summary = ({ history, seconds, loss }: StylizeResult): QualityResult => ({
    steps: history.length,
    seconds,
    loss,
  });
  const quick = await run({});
  await save('defaults', quick.image);
  const full = await run({ ...reference, steps: referenceSteps });
  await save('reference', full.image);
  const result: PairResult = {
    name,
    size,
    reference: summary(full),
    standard: summary(quick),
    sameLossAt: full.history.find(({ loss }) => loss <= quick.loss)?.step,
  };
  if (!unbounded) return result;
  const free = await unboundedLbfgs(content, image, weights, size, referenceSteps);
  await save('unbounded', free.image);
  return { ...result, unbounded: { steps: referenceSteps, seconds: free.seconds, loss: free.loss } };
}

/** L-BFGS as public implementations run it: nothing keeps a value within [0,1], and the picture is clipped when it is written. */
async function unboundedLbfgs(photo: Image, painting: Image, weights: NetworkWeights, size: number, steps: number) {
  const runtime = await startEngine({ device: 'cpu' });
  const start = performance.now();
  const { width, height } = fitLongerSide(photo.width, photo.height, size);
  const content = resizeImage(photo, width, height);
  const settings = lossSettings(defaultStylizeOptions);
  const network = vgg(weights);
  const targets = await measureTargets(runtime, network, settings, content, [{ image: painting, weight: 1 }], 1);
  const { outputs } = stepGraph(network, settings, defaultStylizeOptions, { width, height });
  const session = await runtime.open(stepModel(outputs, 'cpu'));
  await session.write(targets);
  const evaluate = async (image: Float32Array) => {
    const { total, gradient } = await session.run({ image }, ['total', 'gradient']);
    return { loss: total![0]!, gradient: gradient!, extra: undefined };
  };
  const lbfgs = new Lbfgs<undefined>(content.data, { history: defaultStylizeOptions.history });
  for (let step = 0; step < steps; step++) {
    if ((await lbfgs.step(evaluate)).outcome === 'converged') break;
  }
  const image = quantise(createImage(width, height, lbfgs.x));
  const { loss } = await evaluate(image.data);
  await runtime.close();
  return { image, loss, seconds: (performance.now() - start) / 1000 };
}
