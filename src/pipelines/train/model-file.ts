import { z } from 'zod';
import { FauveError } from '../../errors.js';
import { input } from '../../graph/tensor.js';
import { toFloat32, toHalf } from '../../networks/floats.js';
import type { WeightTensor } from '../../networks/network.js';
import {
  type TransformerShape,
  transformer,
  transformerMinimumSize,
  transformerShapeOf,
} from '../../networks/transformer.js';
import { emitModel } from '../../onnx/model.js';
import { readModel } from '../../onnx/read.js';

const FORMAT = 'fauve-transformer-1';

const styleSchema = z.object({
  /** As on a command line: `great-wave`. */
  name: z.string().min(1).max(100),
  title: z.string().max(300).default(''),
  artist: z.string().max(300).default(''),
  year: z.number().int().nullable().default(null),
});

/** A style that a network has learned. */
export type ModelStyle = z.infer<typeof styleSchema>;

const aboutSchema = z.object({
  name: z.string().max(100),
  licence: z.string().max(1000),
  styles: z.array(styleSchema).min(1).max(1000),
  /** Options, loss network, iterations, losses at the end: for people and for the record. */
  training: z.record(z.string(), z.unknown()),
});

/** What a trained network says of itself. */
export type TransformerAbout = z.infer<typeof aboutSchema>;

/** A trained image transformer network. */
export interface TransformerModel extends TransformerAbout {
  readonly weights: ReadonlyMap<string, WeightTensor>;
}

/** Names of the model's input and output pictures, [1,3,H,W], RGB in [0,1]. */
export const modelImage = 'image';
export const modelOutput = 'output';
/** The input that says which style: [1,S], weights that add up to 1. A network of one style does not have it. */
export const modelStyle = 'style';

/**
 * A trained network as an ONNX file that any ONNX Runtime opens: `image` [1,3,H,W] of any size, RGB in [0,1], in; `output` out, the same
 * size; with several styles also `style` [1,S] in, weights that add up to 1. Weights are 16-bit floats; the rest is in the metadata.
 */
export function encodeTransformer({ weights, ...about }: TransformerModel): Uint8Array<ArrayBuffer> {
  const shape = transformerShapeOf(weights);
  const least = transformerMinimumSize(shape);
  const graph = transformerGraph(weights, shape, least, least);
  const { name, licence, styles, training } = checkTransformerAbout(about);
  return emitModel(graph, {
    weights: new Map([...weights].map(([key, { data }]) => [key, toHalf(data)])),
    anySize: [modelImage, modelOutput],
    metadata: {
      format: FORMAT,
      name,
      licence,
      styles: JSON.stringify(styles),
      training: JSON.stringify(training),
      input: `${modelImage}: [1,3,H,W], RGB in 0..1, at least ${least}x${least}`,
    },
  }).bytes;
}

/** @throws FauveError `usage` that names what of the words about a network does not fit into its file */
export function checkTransformerAbout(about: TransformerAbout): TransformerAbout {
  const parsed = aboutSchema.safeParse(about);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FauveError('usage', `The ${issue.path.join('.')} of the network: ${issue.message}.`);
}

function transformerGraph(
  weights: ReadonlyMap<string, WeightTensor>,
  shape: TransformerShape,
  height: number,
  width: number,
) {
  const image = input(modelImage, [1, 3, height, width]);
  const style = shape.styles > 1 ? input(modelStyle, [1, shape.styles]) : undefined;
  const parameters = new Map([...weights].map(([key, { shape }]) => [key, input(key, shape)]));
  return { [modelOutput]: transformer(image, style, (key) => parameters.get(key)!, shape) };
}

/** Whether a file is a network that `fauve train` made: what its metadata says. @throws FauveError for what is no ONNX model */
export function isTransformerFile(bytes: Uint8Array, fileName?: string): boolean {
  return readModel(bytes, fileName).metadata.format === FORMAT;
}

/**
 * Reads a network that `fauve train` made.
 * @throws FauveError `input` for another ONNX model, or a damaged file
 */
export function decodeTransformer(bytes: Uint8Array, fileName = 'The model'): TransformerModel {
  const { metadata, initialisers } = readModel(bytes, fileName);
  if (metadata.format !== FORMAT) {
    throw new FauveError(
      'input',
      `${fileName} was not made by this version of fauve train: its format is ${JSON.stringify(metadata.format?.slice(0, 40))}, expected ${FORMAT}.`,
    );
  }
  const weights = new Map<string, WeightTensor>();
  for (const [name, { shape, type, bytes: raw }] of initialisers) {
    if (type === 'FLOAT16') weights.set(name, { shape, data: toFloat32(raw, 'F16') });
  }
  const shape = transformerShapeOf(weights, fileName);
  const about = parseAbout(metadata, fileName);
  if (about.styles.length !== shape.styles) {
    throw new FauveError(
      'input',
      `${fileName} is damaged: it names ${about.styles.length} styles and has ${shape.styles}. Get the file again.`,
    );
  }
  return { ...about, weights };
}

function parseAbout(metadata: Readonly<Record<string, string>>, fileName: string): TransformerAbout {
  try {
    const { name = '', licence = '', styles = '', training = '' } = metadata;
    return aboutSchema.parse({ name, licence, styles: JSON.parse(styles), training: JSON.parse(training) });
  } catch (error) {
    throw new FauveError('input', `${fileName} is damaged: its metadata cannot be read. Get the file again.`, {
      cause: error,
    });
  }
}
