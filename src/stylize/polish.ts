import { FauveError } from '../errors.js';
import type { NetworkWeights } from '../networks/network.js';
import { type LossNetwork, vgg } from '../networks/vgg.js';
import type { Style } from '../styles/style-file.js';
import type { StylizeOptions } from './options.js';
import type { WeightedStyle } from './targets.js';

/** The network that `polish` is meant for: the one that the others stand in for. */
export const polishNetworkName = 'vgg19';

/**
 * The network that the last steps of a run use, `undefined` without `polish`.
 * @throws FauveError `usage` without its weights, or for a captured style that holds nothing for this network
 */
export function polishNetwork(
  { polish, pooling }: StylizeOptions,
  weights: NetworkWeights | undefined,
  styles: readonly WeightedStyle[],
): LossNetwork | undefined {
  if (polish === 0) return undefined;
  if (!weights) {
    throw new FauveError(
      'request',
      `polish ends with ${polish} steps of another network and needs its weights; received none. Give polishWeights (${polishNetworkName}), or leave polish at 0.`,
    );
  }
  const serves = ({ networks }: Style) => networks.some(({ network }) => network === weights.name);
  const [captured] = styles.flatMap((each) => ('style' in each && !serves(each.style) ? [each.style.name] : []));
  if (captured !== undefined) {
    throw new FauveError(
      'request',
      `polish has to look at the painting with ${weights.name}, and the style ${captured} was captured for other networks. Use the painting itself as an image, or leave polish out.`,
    );
  }
  return vgg(weights, pooling);
}
