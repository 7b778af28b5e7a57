import { FauveError } from '../errors.js';
import { input, type Tensor } from '../graph/tensor.js';
import type { Image } from '../image/image.js';
import { fitLongerSide, resizeImage } from '../image/resize.js';
import type { Size } from '../image/size.js';
import { longerSide, shapeOf, shorterSide, sizeText, smallestSize } from '../image/size.js';
import { activeLayers, blendTargets, contentTargets, type LossSettings, styleTargets } from '../losses/total.js';
import type { LossNetwork } from '../networks/vgg.js';
import { emitModel } from '../onnx/model.js';
import type { Runtime, Values } from '../runtime/runtime.js';
import type { Style } from '../styles/style-file.js';
import { requireStyle, targetsOfStyle } from '../styles/targets.js';
import { lossSettings, mostStyleScale, type StylizeOptions } from './options.js';

/** A painting, or the style that was captured from one, and its share of the blend. */
export type WeightedStyle =
  | { readonly image: Image; readonly weight: number }
  | { readonly style: Style; readonly weight: number };

/** The paintings among the styles: what there is to resize and to run through the loss network. */
export function paintings(styles: readonly WeightedStyle[]): Image[] {
  return styles.flatMap((style) => ('image' in style ? [style.image] : []));
}

/** The size at which a style is looked at: its longer side is that of the picture, times `styleScale`. */
export function styleSize(style: Size, picture: Size, styleScale: number): Size {
  return fitLongerSide(style.width, style.height, Math.round(longerSide(picture) * styleScale));
}

/**
 * Runs the loss network on the references: the content's features and the styles' statistics, ready to be fed to the loss graph.
 * @param content of the size that is optimised
 * @param stop is called before each of them, and may throw
 */
export async function measureTargets(
  runtime: Runtime,
  network: LossNetwork,
  settings: LossSettings,
  content: Image,
  styles: readonly WeightedStyle[],
  styleScale: number,
  stop: () => void = () => {},
): Promise<Values> {
  const measured: { targets: Values; weight: number }[] = [];
  for (const style of styles) {
    stop();
    const { weight } = style;
    if ('style' in style) {
      const size = styleSize(content, content, styleScale);
      const targets = targetsOfStyle(style.style, network, settings, Math.max(size.width, size.height));
      measured.push({ targets, weight });
      continue;
    }
    const { width, height } = styleSize(style.image, content, styleScale);
    const resized = resizeImage(style.image, width, height);
    measured.push({ targets: await runOn(runtime, resized, (x) => styleTargets(network, x, settings)), weight });
  }
  stop();
  return {
    ...(await runOn(runtime, content, (x) => contentTargets(network, x, settings))),
    ...blendTargets(measured),
  };
}

async function runOn(runtime: Runtime, image: Image, build: (x: Tensor) => Record<string, Tensor>): Promise<Values> {
  const outputs = build(input('image', [1, 3, image.height, image.width]));
  // A weight of 0 leaves nothing to measure.
  if (Object.keys(outputs).length === 0) return {};
  const session = await runtime.open(emitModel(outputs));
  try {
    return await session.run({ image: image.data }, Object.keys(outputs));
  } finally {
    await session.close();
  }
}

/** Layers that any of the losses looks at. */
export function usedLayers(options: StylizeOptions): string[] {
  const { content, style } = activeLayers(lossSettings(options));
  return [...new Set([...content, ...style])];
}

/** The least side of a painting: the style is looked at in smaller sizes, too. */
const leastForStyle = (network: LossNetwork, options: StylizeOptions): number =>
  network.minimumSize(activeLayers(lossSettings(options)).style) * 2 ** (options.styleSizes - 1);

/** The least side of a picture. */
const leastFor = (network: LossNetwork, options: StylizeOptions): number =>
  Math.max(network.minimumSize(usedLayers(options)), leastForStyle(network, options));

/** Whether a picture of this size is large enough for the layers, and so are the paintings beside it. */
export function isLargeEnough(
  network: LossNetwork,
  options: StylizeOptions,
  picture: Size,
  styles: readonly WeightedStyle[],
): boolean {
  if (shorterSide(picture) < leastFor(network, options)) return false;
  const least = leastForStyle(network, options);
  return paintings(styles).every((image) => shorterSide(styleSize(image, picture, options.styleScale)) >= least);
}

/**
 * Makes sure that every picture is large enough for the layers that look at it, and that the captured styles are for this network
 * and these layers.
 * @param picture its size, which the option `size` decides unless the picture is there already (`given`)
 * @throws FauveError `input` that names the picture, the deepest layer, and the least that would do; as {@link requireStyle}
 */
export function checkPictures(
  network: LossNetwork,
  options: StylizeOptions,
  picture: Size,
  content: Size,
  styles: readonly WeightedStyle[],
  { given = false }: { readonly given?: boolean } = {},
): void {
  const larger = 'Use a larger image.';
  const check = (what: string, size: Size, layers: readonly string[], remedy: () => string, least: number) => {
    if (shorterSide(size) >= least) return;
    const deepest = layers.find((layer) => network.minimumSize([layer]) === network.minimumSize(layers));
    const { width, height } = size;
    throw new FauveError(
      { kind: 'too-small', received: { width, height }, least },
      `${what} is ${width}×${height}; ${deepest} needs at least ${least}×${least}. ${remedy()}`,
    );
  };
  const enough = (size: Size) => isLargeEnough(network, options, size, styles);
  const sizeRemedy = () => {
    if (given) return 'a larger picture';
    const size = smallestSize(shapeOf(picture, content), enough);
    return size ? `a size of ${sizeText(size, content)} or more` : undefined;
  };
  const settings = lossSettings(options);
  const { style } = activeLayers(settings);
  const [least, leastStyle] = [leastFor(network, options), leastForStyle(network, options)];
  check('The content image', content, usedLayers(options), () => larger, network.minimumSize(usedLayers(options)));
  for (const image of paintings(styles))
    check('The style image', image, style, () => larger, network.minimumSize(style));
  check('The picture', picture, usedLayers(options), () => use(sizeRemedy()), least);
  for (const image of paintings(styles)) {
    const { width, height } = picture;
    const what = `Beside a picture of ${width}×${height}, at style scale ${options.styleScale}, the style image`;
    const scale = smallestStyleScale(image, picture, leastStyle);
    check(what, styleSize(image, picture, options.styleScale), style, () => use(sizeRemedy(), scale), leastStyle);
  }
  for (const each of styles) if ('style' in each) requireStyle(each.style, network, settings);
}

const use = (...remedies: readonly (string | undefined)[]): string => {
  const possible = remedies.filter((remedy) => remedy !== undefined);
  return possible.length > 0 ? `Use ${possible.join(', or ')}.` : 'Crop it to a less narrow shape.';
};

/** The smallest style scale at which a painting is large enough, if the option can be so large. */
function smallestStyleScale(painting: Size, picture: Size, least: number): string | undefined {
  const needed = smallestSize(painting, (size) => shorterSide(size) >= least);
  // Up to the next hundredth, so that nobody has to type more.
  const scale = needed && Math.ceil((100 * longerSide(needed)) / longerSide(picture)) / 100;
  return scale !== undefined && scale <= mostStyleScale ? `a style scale of ${scale} or more` : undefined;
}
