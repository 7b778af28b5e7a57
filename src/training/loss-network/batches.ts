import { joined } from '../../optim/vectors.js';
import { cropOf, distort, randomFor } from '../crops.js';
import type { Batch } from './closed-form.js';
import type { DistilOptions } from './options.js';
import type { Making, TrainingPictures } from './pool.js';

/** Pictures that least squares see at a time. */
export const BATCH = 8;

/** Crops for least squares: five photos for three paintings, each sixth distorted. */
export async function cropBatches(
  pictures: TrainingPictures,
  { crops, cropSize, seed }: DistilOptions,
  use: number,
): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let b = 0; b < Math.ceil(crops / BATCH); b++) {
    const data = await Promise.all(
      Array.from({ length: BATCH }, async (_, i) => {
        const random = randomFor(seed, use, b, i);
        const crop = await cropOf(i % 8 < 5 ? pictures.photos : pictures.paintings, cropSize, random);
        if ((b * BATCH + i) % 6 === 0) distort(crop, random);
        return crop;
      }),
    );
    batches.push({ data: joined(data), count: BATCH, size: cropSize });
  }
  return batches;
}

/** Pictures in the making; the last batch is filled up from the front. */
export function batchesOf(makings: readonly Making[], size: number): Batch[] {
  return Array.from({ length: Math.ceil(makings.length / BATCH) }, (_, b) => {
    const images = Array.from({ length: BATCH }, (_, i) => makings[(b * BATCH + i) % makings.length]!.image);
    return { data: joined(images), count: BATCH, size };
  });
}
