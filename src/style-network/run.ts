import { stopIfAborted } from '../checks/checks.js';
import { finishColours, luminanceImage } from '../image/colour.js';
import { createImage, type Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import type { ApplyPlan } from './plan.js';

/** A restyled photo. */
export interface ApplyResult {
  /** Of the photo's size, or the one that was asked for. Alpha is the photo's. */
  readonly image: Image;
  readonly seconds: number;
}

/** What a run needs beside its plan. */
export interface ApplyContext {
  readonly signal?: AbortSignal | undefined;
  /** When the planning began, as `performance.now()` tells it. */
  readonly started?: number;
}

const STOPPED = 'Stopped before the picture was finished.';

/**
 * The pass of a plan.
 * @throws FauveError `input` when the network gives what is no picture; `aborted` when the signal fires before the picture is there
 */
export async function runApply(plan: ApplyPlan, context: ApplyContext = {}): Promise<ApplyResult> {
  const { photo, network, options, size, code, colourless } = plan;
  const { signal, started = performance.now() } = context;
  stopIfAborted(signal, STOPPED);
  const { width, height } = size;
  const seen = colourless ? luminanceImage(photo) : photo;
  const content = photo.width === width && photo.height === height ? seen : resizeImage(seen, width, height);
  const data = await network.run(content, code);
  stopIfAborted(signal, STOPPED);
  const picture = finishColours(createImage(width, height, data), content, options.colours, colourless);
  return {
    image: mixed(content, picture, options.strength),
    seconds: (performance.now() - started) / 1000,
  };
}

/** (1 − strength) · photo + strength · picture, in sRGB; alpha is that of the picture. */
function mixed(photo: Image, picture: Image, strength: number): Image {
  if (strength === 1) return picture;
  const data = picture.data.map((value, i) => photo.data[i]! + strength * (value - photo.data[i]!));
  return createImage(picture.width, picture.height, data, picture.alpha);
}
