import { aMemoryLimit, checkRequest, stopIfAborted } from '../checks/checks.js';
import { input } from '../graph/tensor.js';
import { luminanceImage } from '../image/colour.js';
import { checkImage, type Image } from '../image/image.js';
import { resizeImage } from '../image/resize.js';
import { type LossTerm, lossGraph } from '../losses/total.js';
import { checkWeights, type NetworkWeights } from '../networks/network.js';
import { vgg } from '../networks/vgg.js';
import { emitModel } from '../onnx/model.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { prepareColours } from './colours.js';
import { requireMemoryToMeasure } from './memory.js';
import { lossOutputs, readLosses } from './objective.js';
import { lossSettings, resolveStylizeOptions, type StylizeOptionsInput, stylizeOptionNames } from './options.js';
import { runFields, someStyles, type WeightedStyleInput, weightedStyles } from './request.js';
import { checkPictures, measureTargets } from './targets.js';

export interface LossReport {
  /** Σ weight · value. */
  readonly total: number;
  readonly terms: readonly (LossTerm & { readonly value: number })[];
}

export interface LossRequest {
  readonly content: Image;
  readonly styles: readonly WeightedStyleInput[];
  readonly generated: Image;
  readonly weights: NetworkWeights;
  readonly runtime: Runtime;
  readonly options?: StylizeOptionsInput;
  /** Bytes that it may take; without it nothing is checked. */
  readonly memoryLimit?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The losses of a picture, layer by layer: what `stylize` minimises. The references are brought to the picture's size, as they are
 * when it is made, and `colours` are looked at as they are then.
 * @example
 * ```ts
 * import { measureLosses } from 'fauve';
 * import { loadNetworkWeights, loadStyle, readImage, startEngine } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const photo = await readImage('photo.jpg');
 * const { total, terms } = await measureLosses({
 *   content: photo,
 *   styles: [await loadStyle('starry-night')],
 *   generated: photo,
 *   weights: await loadNetworkWeights('distilled'),
 *   runtime,
 * });
 * for (const { name, weight, value } of terms) console.log(name, weight * value);
 * console.log(total);
 * await runtime.close();
 * ```
 * @throws FauveError `usage` without a style, `input` for pictures that are too small for the layers, `aborted` when the signal fires
 *   before they are measured
 */
export async function measureLosses(request: LossRequest): Promise<LossReport> {
  checkLossRequest(request);
  const { runtime, signal } = request;
  const stop = () => stopIfAborted(signal, 'Stopped before the losses were measured.');
  const options = resolveStylizeOptions(request.options ?? {});
  const settings = lossSettings(options);
  const { content, styles, grey } = prepareColours(request.content, weightedStyles(request.styles), options.colours);
  const generated = grey ? luminanceImage(request.generated) : request.generated;
  const { width, height, data } = generated;
  const network = vgg(request.weights, options.pooling);
  checkPictures(network, options, generated, content, styles, { given: true });
  const graph = lossGraph(network, input('image', [1, 3, height, width]), settings);
  requireMemoryToMeasure(network, options, generated, styles, request.memoryLimit);
  const resized = resizeImage(content, width, height);
  const targets = await measureTargets(runtime, network, settings, resized, styles, options.styleScale, stop);
  stop();
  const outputs = lossOutputs(graph);
  const session = await runtime.open(emitModel(outputs));
  try {
    const values = await session.run({ image: data, ...targets }, Object.keys(outputs));
    const { loss, terms } = readLosses(graph, values);
    return { total: loss, terms: graph.terms.map((term) => ({ ...term, value: terms[term.name]! })) };
  } finally {
    await session.close();
  }
}

function checkLossRequest(request: unknown): void {
  const { options, signal } = runFields;
  const fields = {
    content: checkImage,
    styles: someStyles,
    generated: checkImage,
    weights: checkWeights,
    runtime: checkRuntime,
    memoryLimit: aMemoryLimit,
    options,
    signal,
  };
  checkRequest(request, 'measureLosses', fields, stylizeOptionNames);
}
