import type { GramMatrix, Image, JobHost, JobSpecOf, WeightedStyle } from 'fauve';
import { gramMatrices } from 'fauve/pictures';
import type { GramFact, RunEvent } from './api.js';
import type { Job } from './job.js';
import { styleLayerNames } from './layers.js';
import { paint } from './paint.js';
import { bitmapOf, pixelsOf } from './pixels.js';

/** What the lab's experiments work with. */
export interface Bench {
  /** Its pictures are small. */
  readonly host: JobHost;
  readonly spec: JobSpecOf<'stylize'>;
}

/** Sides of the experiments' pictures: seconds each, on a processor. */
const REBUILD_SIZE = 192;
const REBUILD_STEPS = 80;
const STRIP_SIZE = 144;
const STRIP_STEPS = 40;

/** The Gram matrices of style, photo and result at one layer. */
export async function measureGram({ host, spec }: Bench, layer: string, result: Image | undefined): Promise<GramFact> {
  const { image: photo } = await host.picture(spec.content, 'Photo');
  const styles: WeightedStyle[] = [];
  for (const { weight = 1, ...style } of spec.styles) styles.push({ ...(await host.style(style)), weight });
  const [weights, runtime] = [await host.lossNetwork(spec.network!), await host.runtime()];
  const of = async (measured: readonly WeightedStyle[]): Promise<GramMatrix> => {
    const found = await gramMatrices({
      ...{ styles: measured, layers: [layer], beside: result ?? photo, weights, runtime },
    });
    return found[layer]!;
  };
  return {
    layer,
    style: await of(styles),
    photo: await of([{ image: photo, weight: 1 }]),
    ...(result ? { result: await of([{ image: result, weight: 1 }]) } : {}),
  };
}

/**
 * A picture from noise that a layer cannot tell from the photo, or from the style (Gatys et al. 2016, figure 1; the content:
 * Mahendran & Vedaldi 2015). The style counts at all layers up to this one, as in the paper's figure.
 */
export async function rebuild(
  { host, spec }: Bench,
  from: 'photo' | 'style',
  layer: string,
  job: Job,
  onEvent: (event: RunEvent) => void,
): Promise<ImageBitmap> {
  const upTo = styleLayerNames.filter((name) => name <= layer);
  const losses =
    from === 'photo'
      ? { contentWeight: 1, styleWeight: 0, contentLayers: { [layer]: 1 }, tvWeight: 0.2 }
      : {
          contentWeight: 0,
          styleWeight: 1,
          styleLayers: Object.fromEntries(upTo.map((name) => [name, 1])),
          tvWeight: 0.1,
        };
  const options = { ...losses, init: 'noise', size: REBUILD_SIZE, scales: 1, steps: REBUILD_STEPS } as const;
  const { image } = await paint({ ...spec, options }, host, job, onEvent);
  return bitmapOf(pixelsOf(image));
}

/** The same photo and style, with other weights. @param ratio content weight over style weight */
export async function weighted(
  { host, spec }: Bench,
  ratio: number,
  job: Job,
  onEvent: (event: RunEvent) => void,
): Promise<ImageBitmap> {
  // Their product stays, so that the smoothness keeps its part.
  const options = {
    contentWeight: Math.sqrt(ratio),
    styleWeight: 1 / Math.sqrt(ratio),
    size: STRIP_SIZE,
    scales: 1,
    steps: STRIP_STEPS,
  };
  const { image } = await paint({ ...spec, options }, host, job, onEvent);
  return bitmapOf(pixelsOf(image));
}
