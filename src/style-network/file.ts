import { z } from 'zod';
import { aMap, anObject, aText, isBytes, isRecord, listOf, refuse } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { toFloat32, toHalf } from '../formats/floats.js';
import { channelOfKernel, fromWholeNumbers, inWholeNumbers, kernelScales } from '../formats/rounding.js';
import type { WeightTensor } from '../formats/tensor.js';
import { evaluate } from '../graph/evaluate.js';
import { input, onlyInput, type Tensor, topologicalOrder } from '../graph/tensor.js';
import { type ConvRange, type Int8Conv, int8Conv } from '../onnx/int8.js';
import { type EmitOptions, emitModel } from '../onnx/model.js';
import { readModel } from '../onnx/read.js';
import { type RoundedKernel, scaleName } from '../onnx/weights.js';
import { styleNetwork } from './graph.js';
import { isInner, styleNetworkMinimumSize, styleNetworkShapeOf } from './shape.js';

/** By the name of their kernel, what goes through the convolutions that may be computed in 8-bit integers. */
export type StyleNetworkRanges = Readonly<Record<string, ConvRange>>;

const FORMAT = 'fauve-transformer-1';

const styleSchema = z.object({
  /** As on a command line: `great-wave`. */
  name: z.string().min(1).max(100),
  title: z.string().max(300).default(''),
  artist: z.string().max(300).default(''),
  year: z.number().int().nullable().default(null),
  /** Whether its painting is without colour: then a photo without colour gets none. */
  grey: z.literal(true).optional(),
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
export type StyleNetworkAbout = z.infer<typeof aboutSchema>;

/** A trained style network. */
export interface StyleNetworkModel extends StyleNetworkAbout {
  readonly weights: ReadonlyMap<string, WeightTensor>;
  /** Without them, the network cannot be computed in 8-bit integers. */
  readonly ranges?: StyleNetworkRanges;
}

/** @throws FauveError `usage` for what is no {@link StyleNetworkModel}, with how to get one */
export function checkModel(value: unknown, name: string): void {
  const file = isRecord(value) && 'bytes' in value;
  const help = file || isBytes(value) ? `Decode it: decodeStyleNetwork(${file ? 'file.bytes' : 'bytes'}).` : '';
  if (!isRecord(value) || !('weights' in value)) refuse(name, 'a trained network (a StyleNetworkModel)', value, help);
  aMap(value.weights, `${name}.weights`);
  listOf(anObject, 'styles')(value.styles, `${name}.styles`);
  aText(value.name, `${name}.name`);
}

const rangesSchema = z.record(
  z.string(),
  z.object({
    input: z.tuple([z.number(), z.number()]),
    mean: z.array(z.number()),
    deviation: z.array(z.number().positive()),
    reach: z.number().positive(),
  }),
);

/** Names of the model's input and output pictures, [1,3,H,W], RGB in [0,1]. */
export const modelImage = 'image';
export const modelOutput = 'output';
/** The input that says which style: [1,S], weights that add up to 1. A network of one style does not have it. */
export const modelStyle = 'style';

/**
 * A trained network as an ONNX file that any ONNX Runtime opens: `image` [1,3,H,W] of any size, RGB in [0,1], in; `output` out, the same
 * size; with several styles also `style` [1,S] in, weights that add up to 1. Weights are 16-bit floats, and most kernels 8-bit integers
 * with a scale for each channel; the rest is in the metadata.
 */
export function encodeStyleNetwork(model: StyleNetworkModel): Uint8Array<ArrayBuffer> {
  checkModel(model, 'encodeStyleNetwork');
  const { weights, ranges, ...about } = model;
  const least = styleNetworkMinimumSize(styleNetworkShapeOf(weights));
  const { name, licence, styles, training } = checkStyleNetworkAbout(about);
  return emitStyleNetwork(smallestGraph(weights), weights, {
    metadata: {
      format: FORMAT,
      name,
      licence,
      styles: JSON.stringify(styles),
      training: JSON.stringify(training),
      input: `${modelImage}: [1,3,H,W], RGB in 0..1, at least ${least}x${least}`,
      ...(ranges ? { ranges: JSON.stringify(ranges) } : {}),
    },
  });
}

/**
 * The same network with most of its work in 8-bit integers: on a processor in two thirds of the time, with a picture that cannot be told
 * from that of {@link encodeStyleNetwork} by eye (about 41 dB). Graphics cards are slower with it.
 */
export function encodeInt8StyleNetwork(
  weights: ReadonlyMap<string, WeightTensor>,
  ranges: StyleNetworkRanges,
): Uint8Array<ArrayBuffer> {
  const picture = smallestGraph(weights);
  const int8 = new Map<string, Int8Conv>();
  for (const { op, inputs } of topologicalOrder([picture])) {
    const [, kernel] = inputs as [Tensor, Tensor];
    const name = op === 'Conv' ? onlyInput(kernel) : undefined;
    const range = name === undefined ? undefined : ranges[name];
    if (name === undefined || !range) continue;
    const { data } = weights.get(name)!;
    const values = kernel.op === 'Input' ? data : Float32Array.from(evaluate([kernel], { [name]: data })[0]!);
    int8.set(name, int8Conv(values, kernel.shape[0]!, range));
  }
  return emitStyleNetwork(picture, new Map([...weights].filter(([name]) => !int8.has(name))), { int8 });
}

function emitStyleNetwork(
  picture: Tensor,
  weights: ReadonlyMap<string, WeightTensor>,
  options: Pick<EmitOptions, 'metadata' | 'int8'>,
): Uint8Array<ArrayBuffer> {
  const stored = [...weights].map(
    ([key, tensor]) => [key, isInner(key) ? rounded(tensor) : toHalf(tensor.data)] as const,
  );
  return emitModel(
    { [modelOutput]: picture },
    { ...options, weights: new Map(stored), anySize: [modelImage, modelOutput] },
  ).bytes;
}

/** @throws FauveError `usage` that names what of the words about a network does not fit into its file */
export function checkStyleNetworkAbout(about: StyleNetworkAbout): StyleNetworkAbout {
  const parsed = aboutSchema.safeParse(about);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FauveError('request', `The ${issue.path.join('.')} of the network: ${issue.message}.`);
}

function rounded(kernel: WeightTensor): RoundedKernel {
  const scales = kernelScales(kernel);
  return { values: inWholeNumbers(kernel.data, scales, channelOfKernel(kernel.shape)), scales: toHalf(scales) };
}

/** The network for a picture of its least size, with its weights as inputs. */
function smallestGraph(weights: ReadonlyMap<string, WeightTensor>): Tensor {
  const shape = styleNetworkShapeOf(weights);
  const least = styleNetworkMinimumSize(shape);
  const image = input(modelImage, [1, 3, least, least]);
  const style = shape.styles > 1 ? input(modelStyle, [1, shape.styles]) : undefined;
  const parameters = new Map([...weights].map(([key, { shape }]) => [key, input(key, shape)]));
  return styleNetwork(image, style, (key) => parameters.get(key)!, shape);
}

/** Whether a file is a network that `fauve train` made: what its metadata says. @throws FauveError for what is no ONNX model */
export function isStyleNetworkFile(bytes: Uint8Array, fileName?: string): boolean {
  return readModel(bytes, fileName).metadata.format === FORMAT;
}

/**
 * Reads a network that `fauve train` made.
 * @throws FauveError `input` for another ONNX model, or a damaged file
 */
export function decodeStyleNetwork(bytes: Uint8Array, fileName = 'The model'): StyleNetworkModel {
  const { metadata, initialisers } = readModel(bytes, fileName);
  if (metadata.format !== FORMAT) {
    throw new FauveError(
      'input',
      `${fileName} was not made by this version of Fauve: its format is ${JSON.stringify(metadata.format?.slice(0, 40))}, expected ${FORMAT}.`,
    );
  }
  const weights = new Map<string, WeightTensor>();
  for (const [name, { shape, type, bytes: raw }] of initialisers) {
    if (type === 'INT8') {
      const scales = initialisers.get(scaleName(name));
      if (!scales || scales.shape[0] !== shape[0]) throw damaged(fileName, new Error(`${name} has no scales`));
      const each = toFloat32(scales.bytes, 'F16');
      weights.set(name, { shape, data: fromWholeNumbers(new Int8Array(raw), each, channelOfKernel(shape)) });
    } else if (type === 'FLOAT16' && !name.endsWith(scaleName(''))) {
      weights.set(name, { shape, data: toFloat32(raw, 'F16') });
    }
  }
  const shape = styleNetworkShapeOf(weights, fileName);
  const about = parseAbout(metadata, fileName);
  if (about.styles.length !== shape.styles) {
    throw new FauveError(
      'input',
      `${fileName} is damaged: it names ${about.styles.length} styles and has ${shape.styles}. Get the file again.`,
    );
  }
  const ranges = parseRanges(metadata, weights, fileName);
  return { ...about, weights, ...(ranges ? { ranges } : {}) };
}

function parseRanges(
  { ranges }: Readonly<Record<string, string>>,
  weights: ReadonlyMap<string, WeightTensor>,
  fileName: string,
): StyleNetworkRanges | undefined {
  if (ranges === undefined) return undefined;
  try {
    const parsed = rangesSchema.parse(JSON.parse(ranges));
    for (const [name, { mean, deviation }] of Object.entries(parsed)) {
      const channels = weights.get(name)?.shape[0];
      if (mean.length !== channels || deviation.length !== channels) throw new Error(`${name} has other channels`);
    }
    return parsed;
  } catch (error) {
    throw damaged(fileName, error);
  }
}

function parseAbout(metadata: Readonly<Record<string, string>>, fileName: string): StyleNetworkAbout {
  try {
    const { name = '', licence = '', styles = '', training = '' } = metadata;
    return aboutSchema.parse({ name, licence, styles: JSON.parse(styles), training: JSON.parse(training) });
  } catch (error) {
    throw damaged(fileName, error);
  }
}

const damaged = (fileName: string, cause: unknown) =>
  new FauveError('input', `${fileName} is damaged: its metadata cannot be read. Get the file again.`, { cause });
