import { basename } from 'node:path';
import {
  type ApplyOptions,
  apply,
  applyRecipe,
  encodeImage,
  encodeRecipe,
  type NamedStyle,
  sha256Hex,
  version,
} from 'fauve';
import type { Engine } from './engine.js';
import type { Work } from './job.js';
import { readPhoto, type UploadedFile } from './pictures.js';

/** A photo to restyle with the trained network. All that can be checked without work was checked. */
export interface InstantRequest {
  readonly photo: UploadedFile;
  /** Of the network's. */
  readonly styles: readonly NamedStyle[];
  readonly options: ApplyOptions;
}

/** Restyles a photo as `fauve apply` does: the same options and photo give the same picture. */
export function instantWork({ photo, styles, options }: InstantRequest, engine: Engine): Work {
  return async (report, signal) => {
    const { image, sha256 } = await readPhoto(photo);
    report.progress({ step: 0, steps: 1, width: image.width, height: image.height, seconds: 0 });
    const { result, transformer } = await engine.withStyleNetwork(async ({ transformer, memoryLimit }) => ({
      result: await apply({ image, transformer, styles, options, memoryLimit, signal }),
      transformer,
    }));
    const { width, height } = result.image;
    const { fileName, bytes, shipped } = await engine.network();
    const recipe = applyRecipe({
      ...{ fauve: version, engine: transformer.engine, content: { path: photo.name, sha256 } },
      network: { path: shipped ? fileName : basename(fileName), sha256: await sha256Hex(bytes), shipped },
      ...{ transformer, styles, options, size: result.image },
    });
    const png = await encodeImage(result.image, 'png', { recipe: encodeRecipe(recipe) });
    return { step: 1, width, height, seconds: result.seconds, png };
  };
}
