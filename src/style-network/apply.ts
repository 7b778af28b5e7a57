import { aMemoryLimit, anObject, aSignal, checkRequest, optional, stopIfAborted } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { finishColours, isGrey, luminanceImage } from '../image/colour.js';
import { checkImage, createImage, type Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import type { Size } from '../image/size.js';
import { outputSize } from '../image/size.js';
import { type NamedStyle, someNames, styleShares } from './code.js';
import { largestApplicable, requireApplyMemory } from './memory.js';
import { checkOpenStyleNetwork, type StyleNetwork } from './open.js';
import { type ApplyOptions, type ApplyOptionsInput, defaultApplyOptions, resolveApplyOptions } from './options.js';

/** A photo and the network that restyles it. */
export interface ApplyRequest {
  readonly image: Image;
  readonly transformer: StyleNetwork;
  /** Which of the network's styles; several are mixed. May be left out where there is only one. */
  readonly styles?: readonly NamedStyle[];
  readonly options?: ApplyOptionsInput;
  /** Bytes that it may take; without it nothing is refused. The same for all pictures of a run: the engine keeps its memory. */
  readonly memoryLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A restyled photo. */
export interface ApplyResult {
  /** Of the photo's size, or the one that was asked for. Alpha is the photo's. */
  readonly image: Image;
  readonly seconds: number;
}

/**
 * Restyles a photo with a trained network, in one forward pass (Johnson et al. 2016). The photo may have any size: a small one is
 * mirrored beyond its border and cut out again. Normalisation takes its statistics from the whole picture, so a photo that does not
 * fit the memory cannot be done in tiles without seams.
 * @throws FauveError `usage` for options or styles that are not there; `input` when the network gives what is no picture; `system` when
 *   the memory does not suffice, with the largest size that fits; `aborted` when the signal fires before the picture is there
 */
export async function apply(request: ApplyRequest): Promise<ApplyResult> {
  checkApplyRequest(request);
  const { image, transformer, styles = [], memoryLimit, signal } = request;
  const start = performance.now();
  const options = resolveApplyOptions(request.options ?? {});
  const shares = styleShares(transformer.styles, styles, transformer.fileName);
  const { width, height } = sizeFor(image, transformer, options, memoryLimit);
  requireApplyMemory(transformer, { width, height }, image, memoryLimit);
  stopIfAborted(signal, STOPPED);
  const colourless = isGrey(image) && onlyGreyStyles(transformer, shares);
  const seen = colourless ? luminanceImage(image) : image;
  const photo = image.width === width && image.height === height ? seen : resizeImage(seen, width, height);
  const data = await transformer.run(photo, shares);
  stopIfAborted(signal, STOPPED);
  const picture = finishColours(createImage(width, height, data), photo, options.colours, colourless);
  return {
    image: mixed(photo, picture, options.strength),
    seconds: (performance.now() - start) / 1000,
  };
}

/** Whether all styles that have a share are without colour. Of another program's network nothing is known. */
const onlyGreyStyles = ({ styles }: StyleNetwork, shares: Float32Array): boolean =>
  styles.length > 0 && styles.every(({ grey }, i) => grey || shares[i] === 0);

/** @throws FauveError `system` for `auto` where no size fits, `usage` for `auto` without a limit */
function sizeFor(
  image: Image,
  transformer: StyleNetwork,
  { size }: Pick<ApplyOptions, 'size'>,
  limit: number | undefined,
): Size {
  if (size !== 'auto') return outputSize(image, size);
  if (limit === undefined) throw new FauveError('usage', "size 'auto' needs a memoryLimit in bytes.");
  // Where none fits, the error of the memory check says so.
  return largestApplicable(transformer, image, limit) ?? image;
}

/** (1 − strength) · photo + strength · picture, in sRGB; alpha is that of the picture. */
function mixed(photo: Image, picture: Image, strength: number): Image {
  if (strength === 1) return picture;
  const data = picture.data.map((value, i) => photo.data[i]! + strength * (value - photo.data[i]!));
  return createImage(picture.width, picture.height, data, picture.alpha);
}

const STOPPED = 'Stopped before the picture was finished.';

function checkApplyRequest(request: unknown): void {
  const fields = {
    image: checkImage,
    transformer: checkOpenStyleNetwork,
    styles: optional(someNames),
    options: optional(anObject),
    memoryLimit: aMemoryLimit,
    signal: optional(aSignal),
  };
  checkRequest(request, 'apply', fields, Object.keys(defaultApplyOptions));
}
