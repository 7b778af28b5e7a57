import { aMemoryLimit, anObject, aSignal, checkRequest, optional } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { isGrey } from '../image/colour.js';
import { checkImage, type Image } from '../image/image.js';
import type { Size } from '../image/size.js';
import { outputSize } from '../image/size.js';
import { type NamedStyle, type StyleCode, someNames } from './code.js';
import { largestApplicable, requireApplyMemory } from './memory.js';
import { checkOpenStyleNetwork, type StyleNetwork } from './network.js';
import { type ApplyOptions, type ApplyOptionsInput, defaultApplyOptions, resolveApplyOptions } from './options.js';

/** A photo and the network that restyles it. */
export interface ApplyRequest {
  readonly image: Image;
  readonly network: StyleNetwork;
  /** Which of the network's styles; several are mixed. May be left out where there is only one. */
  readonly styles?: readonly NamedStyle[];
  readonly options?: ApplyOptionsInput;
  /** Bytes that it may take; without it nothing is refused. The same for all pictures of a run: the engine keeps its memory. */
  readonly memoryLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All that is decided before the pass. Decisions are frozen; the photo and the network are those of the request. */
export interface ApplyPlan {
  readonly photo: Image;
  readonly network: StyleNetwork;
  readonly options: Readonly<ApplyOptions>;
  /** Of the picture. */
  readonly size: Readonly<Size>;
  /** Bytes that the pass is predicted to take at most. */
  readonly memory: number;
  readonly code: StyleCode;
  /** Whether the photo and its styles are without colour: then so is the picture. */
  readonly colourless: boolean;
}

/**
 * Decides everything about a pass, and checks that it can be met.
 * @throws FauveError `usage` and `system` as `apply`
 */
export async function planApply(request: ApplyRequest): Promise<ApplyPlan> {
  checkApplyRequest(request);
  const { image: photo, network, styles = [], memoryLimit } = request;
  const options = resolveApplyOptions(request.options ?? {});
  const code = await network.encoder.encode(styles);
  const { width, height } = sizeFor(photo, network, options, memoryLimit);
  const size = Object.freeze({ width, height });
  const memory = requireApplyMemory(network, size, photo, memoryLimit);
  return Object.freeze({
    photo,
    network,
    options: Object.freeze(options),
    size,
    memory,
    code,
    colourless: isGrey(photo) && network.encoder.areGrey(styles),
  });
}

/** @throws FauveError `system` for `auto` where no size fits, `usage` for `auto` without a limit */
function sizeFor(photo: Image, network: StyleNetwork, { size }: ApplyOptions, limit: number | undefined): Size {
  if (size !== 'auto') return outputSize(photo, size);
  if (limit === undefined) throw new FauveError('request', "size 'auto' needs a memoryLimit in bytes.");
  // Where none fits, the error of the memory check says so.
  return largestApplicable(network, photo, limit) ?? photo;
}

function checkApplyRequest(request: unknown): void {
  const fields = {
    image: checkImage,
    network: checkOpenStyleNetwork,
    styles: optional(someNames),
    options: optional(anObject),
    memoryLimit: aMemoryLimit,
    signal: optional(aSignal),
  };
  checkRequest(request, 'apply', fields, Object.keys(defaultApplyOptions));
}
