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

/**
 * The pairs of `bench/held-out.json`. Its photos are in `examples/photos` or in `photos` of the shared folder, its paintings in
 * `paintings` of the shared folder.
 * @throws Error that names the first file that is not there
 */
export function heldOutPairs(shared: string): HeldOutPair[] {
  const list = JSON.parse(readFileSync(join(root, 'bench/held-out.json'), 'utf8')) as {
    readonly pairs: readonly (readonly [photo: string, painting: string])[];
  };
  return list.pairs.map(([photo, painting]) => {
    const example = join(root, 'examples/photos', photo);
    const files = {
      photo: existsSync(example) ? example : join(shared, 'photos', photo),
      painting: join(shared, 'paintings', painting),
    };
    for (const file of Object.values(files)) {
      if (!existsSync(file)) throw new Error(`There is no ${file}. Give the folder of the pictures with --shared.`);
    }
    const bare = (file: string) => file.replace(/^n\d+_|\.jpg$/g, '');
    return { ...files, name: `${bare(photo)}, ${bare(painting)}` };
  });
}
