import { FauveError } from '../errors.js';
import { input } from '../graph/tensor.js';
import { activeLayers, type LossSettings, levelsOf, styleTarget, styleTargets } from '../losses/total.js';
import type { LossNetwork } from '../networks/vgg.js';
import type { Values } from '../runtime/runtime.js';
import { gramOfLayer } from './compress.js';
import type { LayerStyle, NetworkStyle, Style } from './style-file.js';

/**
 * The targets of a style file, as a painting of that size would give them. Between two sizes of the file both the Gram matrices
 * and the channel statistics are mixed, linearly in the logarithm of the size; outside of them the nearest counts.
 * @param size longer side of the painting in pixels
 * @throws FauveError as {@link requireStyle}
 */
export function targetsOfStyle(style: Style, network: LossNetwork, settings: LossSettings, size: number): Values {
  const { sizes } = requireStyle(style, network, settings);
  return Object.assign({}, ...levelsOf(settings).map((level) => targetsAt(sizes, settings, size / 2 ** level, level)));
}

/** The targets at one size. @param level of their names */
function targetsAt(sizes: NetworkStyle['sizes'], settings: LossSettings, size: number, level: number): Values {
  const above = sizes.findIndex((each) => each.size >= size);
  const upper = sizes[above < 0 ? sizes.length - 1 : above]!;
  const lower = above > 0 ? sizes[above - 1]! : upper;
  const share = lower === upper ? 0 : Math.log(size / lower.size) / Math.log(upper.size / lower.size);
  const mixed = (parts: (layer: LayerStyle) => Float32Array[], layer: string): Float32Array[] => {
    const from = parts(lower.layers[layer]!);
    if (share === 0) return from;
    const to = parts(upper.layers[layer]!);
    return from.map((values, part) => values.map((value, i) => value + share * (to[part]![i]! - value)));
  };
  const parts = settings.styleStatistics === 'gram' ? gramParts : statisticsParts;
  return Object.fromEntries(
    activeLayers(settings).style.flatMap((layer) =>
      mixed(parts, layer).map((values, part) => [styleTarget(layer, part, level), values] as const),
    ),
  );
}

const gramParts = (layer: LayerStyle): Float32Array[] => [gramOfLayer(layer)];

function statisticsParts({ statistics: { shape, data } }: LayerStyle): Float32Array[] {
  const channels = shape[1]!;
  return [data.slice(0, channels), data.slice(channels)];
}

/**
 * Makes sure that a style file can serve as the style of a run.
 * @returns what it holds for the network
 * @throws FauveError `usage` when the file does not hold the network or a layer; `input` when it was captured with other weights,
 * or does not fit them
 */
export function requireStyle(style: Style, network: LossNetwork, settings: LossSettings): NetworkStyle {
  const { name, networks } = style;
  const found = networks.find((each) => each.network === network.name);
  if (!found) {
    const known = networks.map((each) => each.network);
    throw new FauveError(
      'request',
      `The style ${name} was captured for ${known.join(' and ')}, not for ${network.name}. Use the painting itself as an image, or the network ${known[0]}.`,
    );
  }
  if (found.sha256 !== network.sha256) {
    throw new FauveError(
      'input',
      `The style ${name} was captured with other weights of ${network.name} (SHA-256 ${found.sha256.slice(0, 12)}…) than these (${network.sha256.slice(0, 12)}…). Capture the painting again, or use it as an image.`,
    );
  }
  if (network.pooling !== 'max') {
    throw new FauveError(
      'request',
      `The style ${name} was captured with max pooling, received pooling '${network.pooling}'. Use the painting itself as an image.`,
    );
  }
  const held = found.sizes[0]!.layers;
  const wanted = activeLayers(settings).style;
  const missing = wanted.find((layer) => !(layer in held));
  if (missing !== undefined) {
    throw new FauveError(
      'request',
      `The style ${name} has no layer ${missing} of ${network.name}; it has ${Object.keys(held).join(', ')}. Use these, or the painting itself as an image.`,
    );
  }
  const least = network.minimumSize(wanted);
  const expected = styleTargets(network, input('image', [1, 3, least, least]), { ...settings, styleSizes: 1 });
  for (const layer of wanted) {
    const { factor, statistics } = held[layer]!;
    const received = settings.styleStatistics === 'gram' ? [factor.shape[0], factor.shape[0]] : [statistics.shape[1]];
    const { shape } = expected[styleTarget(layer, 0)]!;
    if (received.join() !== shape.join()) {
      throw new FauveError(
        'input',
        `The style ${name} is damaged: ${layer} is [${received}], ${network.name} needs [${shape}]. Capture the painting again.`,
      );
    }
  }
  return found;
}
