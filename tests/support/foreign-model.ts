import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

type Proto = ConstructorParameters<typeof onnx.GraphProto>[0] & {};

/** A dimension: a number, or a name or `?` where it may be any. */
export type Dim = number | string;

/** The parts of a model that another program wrote: one input `x`, one output `y`. */
export interface ForeignModel {
  readonly node: Proto['node'] & {};
  readonly initializer?: Proto['initializer'];
  /** Its shape; of none nothing is said. */
  readonly from?: readonly Dim[];
  readonly to?: readonly Dim[];
  readonly opset?: number;
  readonly irVersion?: number;
}

const any = ['?', '?', '?', '?'];

/** The model as bytes, written by another program than Fauve's own. */
export function foreignModel({ node, initializer = [], from = any, to = any, ...rest }: ForeignModel): Uint8Array {
  const { opset = 13, irVersion = 8 } = rest;
  const graph = { name: 'g', node, initializer, input: [valueInfo('x', from)], output: [valueInfo('y', to)] };
  return onnx.ModelProto.encode(
    onnx.ModelProto.create({ irVersion, opsetImport: [{ domain: '', version: opset }], graph }),
  ).finish();
}

function valueInfo(name: string, dims: readonly Dim[]) {
  const dim = dims.map((each, axis) =>
    typeof each === 'number' ? { dimValue: each } : { dimParam: each === '?' ? `${name}${axis}` : each },
  );
  return { name, type: { tensorType: { elemType: 1, ...(dims.length > 0 ? { shape: { dim } } : {}) } } };
}

/** A tensor whose values lie in the model. */
export const floats = (name: string, dims: number[], values: Float32Array) => ({
  ...{ name, dims, dataType: 1 },
  rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** A kernel 3×3 that fits only pictures of this many channels. */
export const kernelOf = (channels: number) => floats('w', [3, channels, 3, 3], new Float32Array(27 * channels));

/** Where the channels of a network's pictures are. */
export interface Layouts {
  readonly inLast: boolean;
  readonly outLast: boolean;
}

/** The negative of a picture, 255 − x, by a convolution that takes three channels, in the layouts of other programs. */
export function negativeIn({ inLast, outLast }: Layouts, from: readonly Dim[], to: readonly Dim[]): Uint8Array {
  const kernel = new Float32Array(9);
  for (let channel = 0; channel < 3; channel++) kernel[4 * channel] = -1;
  const transpose = (input: string, output: string, perm: number[]) => ({
    ...{ opType: 'Transpose', input: [input], output: [output] },
    attribute: [{ name: 'perm', type: 7, ints: perm }],
  });
  return foreignModel({
    ...{ from, to },
    node: [
      ...(inLast ? [transpose('x', 'planes', [0, 3, 1, 2])] : []),
      { opType: 'Conv', input: [inLast ? 'planes' : 'x', 'kernel', 'bias'], output: [outLast ? 'negative' : 'y'] },
      ...(outLast ? [transpose('negative', 'y', [0, 2, 3, 1])] : []),
    ],
    initializer: [floats('kernel', [3, 3, 1, 1], kernel), floats('bias', [3], new Float32Array(3).fill(255))],
  });
}
