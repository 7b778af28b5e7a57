import type { PictureSource } from '../crops.js';
import { cropOf, distort, randomFor } from '../crops.js';
import type { DistilOptions } from './options.js';

/** A picture in the making: what it starts from, what it shall become, and Adam's memory of it. All [3,S,S]. */
export interface Making {
  readonly content: Float32Array;
  readonly style: Float32Array;
  readonly image: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly contentWeight: number;
  /** Steps that it has lived, and at which it is replaced. */
  age: number;
  readonly life: number;
}

/** Photos and paintings to train on. */
export interface TrainingPictures {
  readonly photos: readonly PictureSource[];
  readonly paintings: readonly PictureSource[];
}

const BETAS = [0.9, 0.99] as const;

/** A new picture in the making, for a slot of the batch at a step. It starts from its content, or from noise over it. */
export async function startMaking(
  { photos, paintings }: TrainingPictures,
  { cropSize, pictureLife, seed }: DistilOptions,
  step: number,
  slot: number,
): Promise<Making> {
  const random = randomFor(seed, 1, step, slot);
  const [content, style] = await Promise.all([
    cropOf(random() < 0.85 ? photos : paintings, cropSize, random),
    cropOf(random() < 0.85 ? paintings : photos, cropSize, randomFor(seed, 2, step, slot)),
  ]);
  const image = Float32Array.from(content);
  if (random() < 0.2) {
    const share = random();
    for (let i = 0; i < image.length; i++) image[i] = image[i]! * (1 - share) + share * random();
  }
  return {
    content,
    style,
    image,
    first: new Float32Array(image.length),
    second: new Float32Array(image.length),
    contentWeight: 0.15 * 2 ** (3 * random() - 1.5),
    age: 0,
    life: Math.max(1, Math.round(pictureLife * (0.15 + 0.85 * random()))),
  };
}

/** A picture that goes its own way from here: what never changes is shared. */
export const copyOf = (making: Making): Making => ({
  ...making,
  image: making.image.slice(),
  first: making.first.slice(),
  second: making.second.slice(),
});

/** One step of Adam on a picture, clipped to [0,1]. */
export function advance(making: Making, gradient: Float32Array, rate: number): void {
  const { image, first, second } = making;
  making.age++;
  const [b1, b2] = BETAS;
  const [c1, c2] = [1 - b1 ** making.age, 1 - b2 ** making.age];
  for (let i = 0; i < image.length; i++) {
    const g = gradient[i]!;
    first[i] = b1 * first[i]! + (1 - b1) * g;
    second[i] = b2 * second[i]! + (1 - b2) * g * g;
    const moved = image[i]! - (rate * (first[i]! / c1)) / (Math.sqrt(second[i]! / c2) + 1e-8);
    image[i] = Math.min(1, Math.max(0, moved));
  }
}

/** Other crops of a step: photos and paintings in turn, distorted in colour, contrast and with noise. */
export async function freshCrops(
  pictures: TrainingPictures,
  options: DistilOptions,
  step: number,
): Promise<Float32Array[]> {
  return Promise.all(
    Array.from({ length: options.fresh }, async (_, i) => {
      const random = randomFor(options.seed, 3, step, i);
      const crop = await cropOf((step + i) % 2 === 0 ? pictures.photos : pictures.paintings, options.cropSize, random);
      if (random() < 0.7) distort(crop, random);
      return crop;
    }),
  );
}
