import { encodeImage, encodeRecipe, type JobSpecOf, type OutputFormat, type Recipe } from 'fauve';
import type { ExportFact, Mix, PictureFormat, ResultFact } from './api.js';
import type { BrowserDevice } from './engines.js';
import type { Opened } from './photos.js';
import { photoBeside } from './photos.js';
import { bitmapOf, imageOf, mixed, type Pixels } from './pixels.js';

/** A picture that was made, and what is needed to save it. */
export interface Made {
  readonly kind: ResultFact['kind'];
  readonly photo: Opened;
  readonly pixels: Pixels;
  readonly engine: string;
  readonly seconds: number;
  readonly steps?: number;
  readonly stopped?: true;
  /** How it was made, without the mix. */
  readonly recipe: Recipe;
  /** Of an instant one whose photo is larger than it: how to make it in full. */
  readonly again?: { readonly device: BrowserDevice; readonly spec: JobSpecOf<'apply'> };
}

const THUMBNAIL = 128;

/** The results of a session, by number. */
export class Results {
  readonly #made = new Map<number, Made>();
  #next = 1;

  async add(made: Made): Promise<ResultFact> {
    const id = this.#next++;
    this.#made.set(id, made);
    const { kind, pixels, engine, seconds, steps, stopped } = made;
    const { width, height } = pixels;
    return {
      ...{ id, kind, width, height, engine, seconds },
      ...(steps === undefined ? {} : { steps }),
      ...(stopped ? { stopped } : {}),
      bitmap: await bitmapOf(pixels),
      thumbnail: await bitmapOf(pixels, THUMBNAIL),
    };
  }

  get(id: number): Made {
    const found = this.#made.get(id);
    if (!found) throw new Error(`There is no result ${id}.`);
    return found;
  }

  forget(id: number): void {
    this.#made.delete(id);
  }

  async show(id: number, mix: Mix): Promise<ImageBitmap> {
    const { photo, pixels } = this.get(id);
    return bitmapOf(mixed(photoBeside(photo, pixels), pixels, mix));
  }
}

/** A picture as a file, mixed, with its recipe. */
export async function fileOf(
  photo: Pixels,
  result: Pixels,
  { mix, format, quality }: { readonly mix: Mix; readonly format: PictureFormat; readonly quality: number },
  recipe: Recipe,
): Promise<ExportFact> {
  const pixels = mixed(photo, result, mix);
  const changed = mix.strength !== 1 || mix.luminance !== 1 || mix.colour !== 1;
  const lossy = format === 'png' ? {} : { quality };
  const text = encodeRecipe({ ...recipe, ...lossy, ...(changed ? { mix: { ...mix } } : {}) });
  const bytes = await encodeImage(imageOf(pixels), format satisfies OutputFormat, {
    recipe: text,
    ...lossy,
  });
  const blob = new Blob([bytes], { type: `image/${format}` });
  return { blob, width: pixels.width, height: pixels.height };
}
