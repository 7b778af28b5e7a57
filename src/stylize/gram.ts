import { aText, checkRequest, listOf } from '../checks/checks.js';
import { checkImage, type Image } from '../image/image.js';
import { styleTarget } from '../losses/total.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { vgg } from '../networks/vgg.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { lossSettings, resolveStylizeOptions } from './options.js';
import { someStyles, type WeightedStyleInput, weightedStyles } from './request.js';
import { checkPictures, measureTargets } from './targets.js';

/** Which features of a layer occur together, and how strongly: symmetric, row by row. */
export interface GramMatrix {
  readonly channels: number;
  /** [channels, channels], divided by C·H·W of the features. */
  readonly data: Float32Array;
}

/**
 * The Gram matrices that the style loss compares (Gatys et al. 2016, eq. 3): of a picture, of a captured style, or of a blend of
 * them. Those of a distilled network are over its own channels, in its teacher's units.
 * @param request.beside the picture that they are compared with: they are looked at in its size
 * @returns layer → matrix
 * @throws FauveError `usage` for a style that was not captured for the network or the layers, `input` for a picture that is too small
 */
export async function gramMatrices(request: {
  readonly styles: readonly WeightedStyleInput[];
  readonly layers: readonly string[];
  readonly beside: Image;
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
}): Promise<Record<string, GramMatrix>> {
  checkRequest(request, 'gramMatrices', {
    styles: someStyles,
    layers: listOf(aText, 'layers'),
    beside: checkImage,
    weights: checkWeights,
    runtime: checkRuntime,
  });
  const { layers, beside, weights, runtime } = request;
  const styles = weightedStyles(request.styles);
  const options = resolveStylizeOptions({
    contentWeight: 0,
    tvWeight: 0,
    styleLayers: Object.fromEntries(layers.map((layer) => [layer, 1])),
  });
  const network = vgg(weights, options.pooling);
  checkPictures(network, options, beside, beside, styles, { given: true });
  const targets = await measureTargets(runtime, network, lossSettings(options), beside, styles, options.styleScale);
  return Object.fromEntries(
    layers.map((layer) => {
      const data = targets[styleTarget(layer, 0)]!;
      return [layer, { channels: Math.sqrt(data.length), data }];
    }),
  );
}
