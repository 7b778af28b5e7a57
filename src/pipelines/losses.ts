import { FauveError } from '../errors.js';
import { input } from '../graph/tensor.js';
import { luminanceImage } from '../image/colour.js';
import type { Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import { type LossTerm, lossGraph } from '../losses/total.js';
import type { NetworkWeights } from '../networks/network.js';
import { vgg } from '../networks/vgg.js';
import { emitModel } from '../onnx/model.js';
import type { Runtime } from '../runtime/runtime.js';
import { prepareColours } from './colours.js';
import { requireMemoryToMeasure } from './memory.js';
import { lossSettings, resolveStylizeOptions, type StylizeOptionsInput } from './options.js';
import { checkPictures, measureTargets, type WeightedStyle } from './targets.js';

export interface LossReport {
  /** Σ weight · value. */
  readonly total: number;
  readonly terms: readonly (LossTerm & { readonly value: number })[];
}

/**
 * The losses of a picture, layer by layer: what `stylize` minimises. The references are brought to the picture's size, as they are
 * when it is made, and `colours` are looked at as they are then.
 * @throws FauveError `usage` without a style, `input` for pictures that are too small for the layers
 */
export async function measureLosses(request: {
  readonly content: Image;
  readonly styles: readonly WeightedStyle[];
  readonly generated: Image;
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
  readonly options?: StylizeOptionsInput;
  /** Bytes that it may take; without it nothing is checked. */
  readonly memoryLimit?: number;
}): Promise<LossReport> {
  const { runtime } = request;
  if (request.styles.length === 0)
    throw new FauveError('usage', 'There is no style. Give at least one: a painting, or a captured style.');
  const options = resolveStylizeOptions(request.options ?? {});
  const settings = lossSettings(options);
  const { content, styles, grey } = prepareColours(request.content, request.styles, options.colours);
  const generated = grey ? luminanceImage(request.generated) : request.generated;
  const { width, height, data } = generated;
  const network = vgg(request.weights, options.pooling);
  checkPictures(network, options, generated, content, styles, { given: true });
  const graph = lossGraph(network, input('image', [1, 3, height, width]), settings);
  requireMemoryToMeasure(network, options, generated, styles, request.memoryLimit);
  const resized = resizeImage(content, width, height);
  const targets = await measureTargets(runtime, network, settings, resized, styles, options.styleScale);
  const outputs = { total: graph.total, ...Object.fromEntries(graph.terms.map(({ name, value }) => [name, value])) };
  const session = await runtime.open(emitModel(outputs));
  try {
    const values = await session.run({ image: data, ...targets }, Object.keys(outputs));
    return {
      total: values.total![0]!,
      terms: graph.terms.map(({ value: _, ...term }) => ({ ...term, value: values[term.name]![0]! })),
    };
  } finally {
    await session.close();
  }
}
