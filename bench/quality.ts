import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StylizeOptionsInput } from '#src/pipelines/options.js';
import { stylize } from '#src/pipelines/stylize.js';
import { startEngine } from '#src/platform/engine-node.js';
import { readImage } from '#src/platform/images.js';
import { loadNetworkWeights } from '#src/platform/model-store.js';

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
  readonly reference: QualityResult;
  readonly standard: QualityResult;
  /** The reference's step after which its loss was first as low as the other's. */
  readonly sameLossAt: number | undefined;
}

/** L-BFGS as in the literature: from the content, all steps at full size, no preconditioner; bounded, or its 8-bit picture scores worse. */
const reference: StylizeOptionsInput = { optimiser: 'lbfgs', scales: 1, preconditioner: 'none', history: 20 };

/** Makes one pair both ways, one after the other. Says why when it cannot. */
export async function compareQuality(
  name: string,
  paintings: string,
  size: number,
  referenceSteps: number,
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
  const quick = await run({});
  const full = await run({ ...reference, steps: referenceSteps });
  const summary = ({ history, seconds, loss }: typeof full): QualityResult => ({
    steps: history.length,
    seconds,
    loss,
  });
  return {
    name,
    size,
    reference: summary(full),
    standard: summary(quick),
    sameLossAt: full.history.find(({ loss }) => loss <= quick.loss)?.step,
  };
}
