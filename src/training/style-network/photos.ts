import { FauveError, messageOf } from '../../errors.js';
import { cropOf, type PictureSource, type Random, type Surroundings } from '../crops.js';

/** A picture that training leaves out, and why. */
export interface SkippedPhoto {
  readonly name: string;
  readonly reason: string;
}

/** Shorter sides below this share of a crop would be blown up too far. */
const LEAST_SHARE = 0.5;

/** Photos to train on. What cannot be used is noticed when it is first drawn, left out from then on, and told. */
export interface TrainingPhotos {
  readonly count: number;
  /**
   * A random crop of a random photo, [3,size,size], or larger by what is to be seen around it.
   * @param randomOf random numbers of each attempt: one that meets a photo which cannot be used is followed by the next
   * @throws FauveError `input` when no photo can be used
   */
  crop(randomOf: (attempt: number) => Random, around?: Surroundings): Promise<Float32Array>;
}

/**
 * @param size side of the crops in pixels
 * @param onSkipped told once for each picture that is left out
 */
export function trainingPhotos(
  pictures: readonly PictureSource[],
  size: number,
  onSkipped: (photo: SkippedPhoto) => void,
): TrainingPhotos {
  const skipped = new Set<PictureSource>();
  const skip = (picture: PictureSource, reason: string) => {
    if (skipped.has(picture)) return;
    skipped.add(picture);
    onSkipped({ name: picture.name, reason });
  };
  return {
    count: pictures.length,
    async crop(randomOf, around) {
      // Which attempt succeeds depends on the pictures alone, not on what was found out before: a resumed run draws the same crops.
      for (let attempt = 0; attempt < 20 * pictures.length; attempt++) {
        const random = randomOf(attempt);
        const picture = pictures[Math.floor(random() * pictures.length)]!;
        if (skipped.has(picture)) continue;
        try {
          const { width, height, colours } = await picture.size();
          if (Math.min(width, height) < LEAST_SHARE * size) {
            skip(picture, `${width}×${height} is too small for crops of ${size}`);
          } else if (colours !== 'rgb') {
            skip(picture, colours === 'grey' ? 'it has no colours' : 'its colours are CMYK');
          } else return await cropOf([picture], size, random, around);
        } catch (error) {
          skip(picture, messageOf(error));
        }
        if (skipped.size === pictures.length) break;
      }
      throw new FauveError(
        'input',
        `None of the ${pictures.length} pictures can be trained on. Use colour photos of at least ${Math.ceil(LEAST_SHARE * size)} pixels on the shorter side.`,
      );
    },
  };
}
