import {
  defaultNetworkName,
  encodeImage,
  encodeRecipe,
  FauveError,
  freeMemory,
  type Image,
  loadNetworkWeights,
  type NamedStyle,
  polishNetworkName,
  StylizeAborted,
  type StylizeEvent,
  type StylizeOptions,
  type StylizeRequest,
  sha256Hex,
  styleShares,
  stylize,
  stylizeRecipe,
  version,
} from 'fauve';
import type { Engine } from './engine.js';
import type { Report, Work } from './job.js';
import { type ReadStyle, readPhoto, readShippedStyle, readUploadedStyle, type UploadedFile } from './pictures.js';

/** A photo to restyle by optimisation. All that can be checked without work was checked. */
export interface PaintRequest {
  readonly photo: UploadedFile;
  /** The name of a style that comes with Fauve, or a painting. */
  readonly styles: readonly { readonly from: string | UploadedFile; readonly weight: number }[];
  readonly options: StylizeOptions;
}

/** Milliseconds from one picture of the work to the next, at least. */
const PREVIEW_PACE = 1000;

type StartEvent = Extract<StylizeEvent, { type: 'start' }>;

/** Restyles a photo as `fauve stylize` does: the same options and pictures give the same picture. */
export function paintWork({ photo, styles: asked, options }: PaintRequest, engine: Engine): Work {
  return async (report, signal) => {
    // Both engines at once may be more than the memory holds.
    await engine.releaseStyleNetwork();
    const { image: content, sha256 } = await readPhoto(photo);
    const styles: (ReadStyle & { readonly weight: number })[] = [];
    for (const { from, weight } of asked) {
      const style = typeof from === 'string' ? await readShippedStyle(from) : await readUploadedStyle(from);
      styles.push({ ...style, weight });
    }
    const weights = await loadNetworkWeights(defaultNetworkName);
    const polishWeights = options.polish > 0 ? await loadPolishWeights() : undefined;
    const fast = options.init === 'fast' ? await fastStart(asked, engine) : undefined;
    const runtime = await engine.runtime();
    let started: StartEvent | undefined;
    /** @param step of a picture that is not finished */
    const encode = (image: Image, step?: number) => {
      const recipe = stylizeRecipe({
        ...{ fauve: version, engine: runtime.engine, step, weights, polishWeights, fast: fast?.named },
        content: { path: photo.name, sha256 },
        styles: styles.map(({ path, sha256, weight, shipped }) => ({ path, sha256, weight, shipped })),
        ...{ options, size: started! },
      });
      return encodeImage(image, 'png', { recipe: encodeRecipe(recipe) });
    };
    const previews = startPreviews(report, encode);
    const onProgress = async (event: StylizeEvent) => {
      if (event.type === 'start') {
        started = event;
        const { steps, scales } = event;
        const { width, height } = scales[0]!;
        report.progress({ step: 0, steps, width, height, seconds: 0 });
      }
      if (event.type !== 'step') return;
      const { step, loss, terms, seconds } = event;
      const { width, height } = started!.scales[event.scale]!;
      report.progress({ step, steps: started!.steps, width, height, loss, terms, seconds });
      await previews.offer(step, event.image);
    };
    try {
      const request = {
        ...{ content, styles, weights, runtime, options },
        ...(polishWeights ? { polishWeights } : {}),
        ...(fast ? { fast: fast.start } : {}),
      };
      const result = await stylize({ ...request, memoryLimit: freeMemory(), signal, onProgress });
      await previews.end();
      const { width, height } = result.image;
      const step = result.history.length;
      return { step, width, height, seconds: result.seconds, png: await encode(result.image) };
    } catch (error) {
      await previews.end();
      if (error instanceof StylizeAborted) {
        report.picture({ step: error.steps, png: await encode(error.image, error.steps) });
      }
      throw error;
    }
  };
}

/** What `init: 'fast'` starts with. @throws FauveError `usage` for a style that the trained network does not know */
async function fastStart(
  asked: PaintRequest['styles'],
  engine: Engine,
): Promise<{ readonly start: NonNullable<StylizeRequest['fast']>; readonly named: { name: string; sha256: string } }> {
  const transformer = await engine.network();
  const styles = asked.map(({ from, weight }): NamedStyle => {
    if (typeof from === 'string') return { name: from, weight };
    throw new FauveError(
      'usage',
      "init 'fast' knows the styles of its network only, received a picture. Use another init.",
    );
  });
  styleShares(transformer.styles, styles, transformer.fileName);
  return {
    start: { transformer, styles },
    named: { name: transformer.fileName, sha256: await sha256Hex(transformer.bytes) },
  };
}

/** @throws FauveError as `loadNetworkWeights`, with the option that asks for it */
function loadPolishWeights() {
  return loadNetworkWeights(polishNetworkName).catch((error: unknown) => {
    if (!(error instanceof FauveError)) throw error;
    const why = `polish ends with steps of ${polishNetworkName}. ${error.message}`;
    throw new FauveError(error.code, why, { cause: error });
  });
}

/** Encodes pictures of the work beside it, one at a time and not too often, so that it hardly slows down. */
function startPreviews(report: Report, encode: (image: Image, step: number) => Promise<Uint8Array>) {
  let next = 0;
  let encoding: Promise<void> | undefined;
  return {
    /** @param image of this step, valid until the promise is fulfilled */
    async offer(step: number, image: () => Promise<Image>): Promise<void> {
      if (encoding || performance.now() < next) return;
      const taken = await image();
      encoding = encode(taken, step)
        .then((png) => report.picture({ step, png }))
        // One that cannot be written is told of at the end, when it is the result.
        .catch(() => undefined)
        .finally(() => {
          next = performance.now() + PREVIEW_PACE;
          encoding = undefined;
        });
    },
    /** Waits until nothing is being encoded. */
    end: async () => encoding,
  };
}
