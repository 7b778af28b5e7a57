import { FauveError } from '../../errors.js';
import { type Shape, sizeOf } from '../../graph/tensor.js';
import { noiseImage } from '../../image/noise.js';
import { resizePlanes } from '../../image/resize.js';
import type { FileSession, ShapedValues, ValueInfo } from '../../runtime/runtime.js';

/** The values of black and white in a network's pictures, in and out. */
export type PixelRange = '0-1' | '0-255';

export const whiteOf: Readonly<Record<PixelRange, number>> = { '0-1': 1, '0-255': 255 };

/** How a network of another program takes its pictures. */
export interface ForeignInterface {
  /** Names of its input and output, [1,3,H,W]. */
  readonly input: string;
  readonly output: string;
  /** The height and the width that it takes, 0 where it takes any. */
  readonly height: number;
  readonly width: number;
}

/**
 * The interface of a network in the manner of "fast neural style" (Johnson et al. 2016): one picture [1,3,H,W] in, one out.
 * @throws FauveError `input` for any other, with what it has
 */
export function foreignInterface({ inputs, outputs }: FileSession, fileName: string): ForeignInterface {
  const isPicture = ({ type, shape }: ValueInfo) => {
    if (type !== 'float32') return false;
    const [batch = 0, channels = 0] = shape;
    return shape.length === 0 || (shape.length === 4 && batch <= 1 && (channels === 3 || channels === 0));
  };
  const named = Object.entries(inputs);
  const [input, info] = named[0] ?? ['', { type: undefined, shape: [] }];
  const output = Object.keys(outputs).find((name) => isPicture(outputs[name]!));
  if (named.length !== 1 || !isPicture(info) || output === undefined) {
    throw new FauveError(
      'input',
      `${fileName} takes ${listed(inputs)} and gives ${listed(outputs)}; expected one picture, float32[1,3,H,W], both ways. Use a network of that form, as "fast neural style" networks are.`,
    );
  }
  const [, , height = 0, width = 0] = info.shape;
  return { input, output, height, width };
}

const listed = (values: Readonly<Record<string, ValueInfo>>): string =>
  Object.entries(values)
    .map(([name, { type = 'no tensor', shape }]) => `'${name}' ${type}[${shape.map((dim) => dim || '?')}]`)
    .join(', ') || 'nothing';

/** What a test picture showed of a network. */
export interface ForeignTraits {
  readonly range: PixelRange;
  /** Whether the range is no more than the usual one, because the network's answers fit both or neither. */
  readonly guessed: boolean;
  /** How much wider and higher than its input its output is; negative where convolutions eat the border. */
  readonly growth: { readonly width: number; readonly height: number };
}

/** Side of the test picture: more than the deepest of these networks need, and a multiple of their strides. */
const TEST_SIDE = 128;

/**
 * Tries a test picture in both ranges. The right one is that in which the answer is a picture, too: its values lie between black and
 * white, and not all in the same place.
 * @param range where it is known
 * @throws FauveError `input` when the answer has another form
 */
export async function probeForeign(
  session: FileSession,
  { input, output, ...fixed }: ForeignInterface,
  fileName: string,
  range?: PixelRange,
): Promise<ForeignTraits> {
  const [height, width] = [fixed.height || TEST_SIDE, fixed.width || TEST_SIDE];
  const picture = testPicture(height, width);
  const answer = async (each: PixelRange): Promise<ShapedValues> => {
    const data = picture.map((value) => value * whiteOf[each]);
    const { [output]: received } = await session.run({ [input]: { shape: [1, 3, height, width], data } }, [output]);
    return received!;
  };
  const ranges: readonly PixelRange[] = range === undefined ? ['0-1', '0-255'] : [range];
  const answers: { readonly range: PixelRange; readonly received: ShapedValues }[] = [];
  for (const each of ranges) answers.push({ range: each, received: await answer(each) });
  const fitting = answers.filter((each) => isPicture(each.received.data, whiteOf[each.range]));
  const { shape } = answers[0]!.received;
  const growth = growthOf(shape, height, width);
  // A picture that is much smaller or larger is a map of something else, or a network that also enlarges.
  if (!growth || Math.max(Math.abs(growth.height), Math.abs(growth.width)) > Math.min(height, width) / 4) {
    throw new FauveError(
      'input',
      `${fileName} gives [${shape}] for a picture [1,3,${height},${width}]; expected a picture of the same size. Use a style transfer network.`,
    );
  }
  const only = fitting.length === 1 ? fitting[0]!.range : undefined;
  return { range: range ?? only ?? '0-255', guessed: range === undefined && only === undefined, growth };
}

function growthOf(shape: Shape, height: number, width: number): ForeignTraits['growth'] | undefined {
  const [batch, channels, h, w] = shape;
  if (shape.length !== 4 || batch !== 1 || channels !== 3 || sizeOf(shape) === 0) return undefined;
  return { height: h! - height, width: w! - width };
}

/** Patches of colour with some noise, in [0,1]: what a network takes for a photo. */
function testPicture(height: number, width: number): Float32Array {
  const patches = resizePlanes(noiseImage(6, 6, 1).data, 3, 6, 6, height, width);
  const noise = noiseImage(width, height, 2).data;
  return patches.map((value, i) => Math.min(1, Math.max(0, value + 0.1 * (noise[i]! - 0.5))));
}

/** Whether values are mostly within black and white, and spread over more than a fiftieth of the way. */
function isPicture(values: Float32Array, white: number): boolean {
  let [outside, sum, squares] = [0, 0, 0];
  for (const each of values) {
    const value = each / white;
    outside += Math.max(0, -value, value - 1);
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  const deviation = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  return outside / values.length < 0.25 && deviation > 0.02;
}
