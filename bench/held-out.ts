import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A photo and a painting that no network was trained on, as files. */
export interface HeldOutPair {
  /** `astronaut, vincent-van-gogh--the-starry-night` */
  readonly name: string;
  readonly photo: string;
  readonly painting: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

interface List {
  readonly photos: readonly string[];
  readonly pairs: readonly (readonly [photo: string, painting: string])[];
}

const readList = () => JSON.parse(readFileSync(join(root, 'bench/held-out.json'), 'utf8')) as List;
const nameOf = (file: string) => file.replace(/^n\d+_|\.jpg$/g, '');

/** The first of these files that is there. @throws Error that names the last one */
function existing(...places: string[]): string {
  const file = places.find((place) => existsSync(place));
  if (file === undefined)
    throw new Error(`There is no ${places.at(-1)}. Give the folder of the pictures with --shared.`);
  return file;
}

/** Photos that come with Fauve are found first; others are in `photos` of the shared folder. */
const photoFile = (shared: string, photo: string) =>
  existing(join(root, 'examples/photos', photo), join(root, 'bench/photos', photo), join(shared, 'photos', photo));

/**
 * The pairs of `bench/held-out.json`: photos that come with Fauve, paintings in `paintings` of the shared folder.
 * @throws Error that names the first file that is not there
 */
export function heldOutPairs(shared: string): HeldOutPair[] {
  return readList().pairs.map(([photo, painting]) => ({
    name: `${nameOf(photo)}, ${nameOf(painting)}`,
    photo: photoFile(shared, photo),
    painting: existing(join(shared, 'paintings', painting)),
  }));
}

/**
 * All photos that no network was trained on, with their names.
 * @throws Error as {@link heldOutPairs}
 */
export function heldOutPhotos(shared: string): { readonly name: string; readonly file: string }[] {
  return readList().photos.map((photo) => ({ name: nameOf(photo), file: photoFile(shared, photo) }));
}
