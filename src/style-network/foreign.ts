import { FauveError } from '../errors.js';
import { type Shape, sizeOf } from '../graph/tensor.js';
import { noiseImage } from '../image/noise.js';
import { interleaved, planar } from '../image/planes.js';
import { resizePlanes } from '../image/resize.js';
import type { Size } from '../image/size.js';
import type { FileSession, ShapedValues, ValueInfo } from '../runtime/runtime.js';

/** The values of black and white in a network's pictures, in and out. */
export type PixelRange = '0-1' | '0-255';

export const whiteOf: Readonly<Record<PixelRange, number>> = { '0-1': 1, '0-255': 255 };

/** Whether a picture is [1,3,H,W], as PyTorch has it, or [1,H,W,3], as TensorFlow has it. */
export type Layout = 'channels-first' | 'channels-last';

/** A way in which a network may take its pictures. */
export interface PictureForm {
  readonly layout: Layout;
  /** The height and the width that it takes, 0 where it takes any. */
  readonly height: number;
  readonly width: number;
}

/** How a network of another program takes its pictures, as far as it says it. */
export interface ForeignInterface {
  /** Names of its input and output. */
  readonly input: string;
  readonly output: string;
  /** One, or two where it does not say its layout. */
  readonly forms: readonly PictureForm[];
}

/** A picture of fewer pixels a side is none: the number is one of channels. */
const LEAST_SIDE = 16;

/**
 * The interface of a network in the manner of "fast neural style" (Johnson et al. 2016): one picture in, one out.
 * @throws FauveError `input` for any other, with what it has
 */
export function foreignInterface({ inputs, outputs }: FileSession, fileName: string): ForeignInterface {
  const named = Object.entries(inputs);
  const [input, forms] = named.length === 1 ? [named[0]![0], formsOf(named[0]![1])] : ['', []];
  const output = Object.keys(outputs).find((name) => formsOf(outputs[name]!).length > 0);
  if (forms.length === 0 || output === undefined) {
    throw new FauveError(
      'input',
      `${fileName} takes ${listed(inputs)} and gives ${listed(outputs)}; expected one picture, float32[1,3,H,W] or [1,H,W,3], both ways. Use a network of that form, as "fast neural style" networks are.`,
    );
  }
  return { input, output, forms };
}

/** The pictures that a value may be. */
function formsOf({ type, shape }: ValueInfo): PictureForm[] {
  const [batch, a, b, c] = shape.length === 0 ? [0, 0, 0, 0] : (shape as [number, number, number, number]);
  if (type !== 'float32' || (shape.length !== 0 && shape.length !== 4) || batch > 1) return [];
  const first = { channels: a, layout: 'channels-first', height: b, width: c } as const;
  const last = { channels: c, layout: 'channels-last', height: a, width: b } as const;
  const said = [first, last].filter(({ channels }) => channels === 3).slice(0, 1);
  const isSide = (side: number) => side === 0 || side >= LEAST_SIDE;
  const possible = said.length > 0 ? said : [first, last].filter(({ channels }) => channels === 0);
  return possible
    .filter(({ height, width }) => said.length > 0 || (isSide(height) && isSide(width)))
    .map(({ layout, height, width }) => ({ layout, height, width }));
}

const listed = (values: Readonly<Record<string, ValueInfo>>): string =>
  Object.entries(values)
    .map(([name, { type = 'no tensor', shape }]) => `'${name}' ${type}[${shape.map((dim) => dim || '?')}]`)
    .join(', ') || 'nothing';

/** The shape of a picture. */
export const shapeIn = (layout: Layout, { width, height }: Size): Shape =>
  layout === 'channels-first' ? [1, 3, height, width] : [1, height, width, 3];

/** A picture for a network. @param planes [3,H,W] */
export const pictureIn = (layout: Layout, size: Size, planes: Float32Array): ShapedValues => ({
  shape: shapeIn(layout, size),
  data: layout === 'channels-first' ? planes : interleaved(planes, 3),
});

/** A network's picture. @returns [3,H,W] */
export const planesOf = (layout: Layout, data: Float32Array): Float32Array =>
  layout === 'channels-first' ? data : planar(data, 3);

/** What a test picture showed of a network. */
export interface ForeignTraits {
  readonly form: PictureForm;
  /** Of what it gives, which may be another than of what it takes. */
  readonly outputLayout: Layout;
  readonly range: PixelRange;
  /** Whether the range is no more than the usual one, because the network's answers fit both or neither. */
  readonly guessed: boolean;
  /** How much wider and higher than its input its output is; negative where convolutions eat the border. */
  readonly growth: Size;
}

/**
 * Sides of the test picture: more than the deepest of these networks need, multiples of their strides, and so different that nobody
 * takes one for the other.
 */
const TEST_SIDES: Size = { width: 192, height: 128 };

/** What a network gave for test pictures in one form. */
interface Trial {
  readonly form: PictureForm;
  readonly outputLayout: Layout;
  readonly growth: Size;
  readonly answers: readonly { readonly range: PixelRange; readonly planes: Float32Array }[];
}

/**
 * Tries a test picture in both ranges, and in both layouts where the network does not say its own. The right range is that in which the
 * answer is a picture, too: its values lie between black and white, and not all in the same place. In the wrong layout a network does not
 * run, as its kernels are made for three channels.
 * @param range where it is known
 * @throws FauveError `input` when the answer has another form, or both layouts serve and differ
 */
export async function probeForeign(
  session: FileSession,
  door: ForeignInterface,
  fileName: string,
  range?: PixelRange,
): Promise<ForeignTraits> {
  const trials: Trial[] = [];
  const errors: unknown[] = [];
  for (const form of door.forms) {
    await tryForm(session, door, form, fileName, range).then(
      (trial) => trials.push(trial),
      (error: unknown) => errors.push(error),
    );
  }
  const [trial, other] = trials;
  if (!trial) throw errors[0];
  if (other && !sameAnswers(trial, other)) {
    throw new FauveError(
      'input',
      `${fileName} does not say whether it takes pictures [1,3,H,W] or [1,H,W,3], and gives another picture for each. Export it again with the number of channels in the shape of its input.`,
    );
  }
  const { form, outputLayout, growth, answers } = trial;
  const fitting = answers.filter((each) => isPicture(each.planes, whiteOf[each.range]));
  const only = fitting.length === 1 ? fitting[0]!.range : undefined;
  const guessed = range === undefined && only === undefined;
  return { form, outputLayout, range: range ?? only ?? '0-255', guessed, growth };
}

async function tryForm(
  session: FileSession,
  { input, output }: ForeignInterface,
  form: PictureForm,
  fileName: string,
  range: PixelRange | undefined,
): Promise<Trial> {
  const size = { height: form.height || TEST_SIDES.height, width: form.width || TEST_SIDES.width };
  const picture = testPicture(size.height, size.width);
  const given = [];
  for (const each of range === undefined ? (['0-1', '0-255'] as const) : [range]) {
    const feed = pictureIn(
      form.layout,
      size,
      picture.map((value) => value * whiteOf[each]),
    );
    const { [output]: received } = await session.run({ [input]: feed }, [output]);
    given.push({ range: each, received: received! });
  }
  const { shape } = given[0]!.received;
  const found = answerForm(shape, size);
  // A picture that is much smaller or larger is a map of something else, or a network that also enlarges.
  if (!found) {
    throw new FauveError(
      'input',
      `${fileName} gives [${shape}] for a picture [${shapeIn(form.layout, size)}]; expected a picture of the same size. Use a style transfer network.`,
    );
  }
  const answers = given.map(({ received, ...each }) => ({
    ...each,
    planes: planesOf(found.outputLayout, received.data),
  }));
  return { form, ...found, answers };
}

/** The layout and the growth of a picture of about this size. */
function answerForm(shape: Shape, { width, height }: Size): Pick<Trial, 'outputLayout' | 'growth'> | undefined {
  const most = Math.min(height, width) / 4;
  const [batch, a, b, c] = shape as [number, number, number, number];
  if (shape.length !== 4 || batch !== 1 || sizeOf(shape) === 0) return undefined;
  return [
    { channels: a, outputLayout: 'channels-first' as const, growth: { height: b - height, width: c - width } },
    { channels: c, outputLayout: 'channels-last' as const, growth: { height: a - height, width: b - width } },
  ].find(({ channels, growth }) => channels === 3 && Math.max(Math.abs(growth.height), Math.abs(growth.width)) <= most);
}

/** Whether it makes no difference in which layout a network gets its pictures: it takes each value by itself. */
function sameAnswers(a: Trial, b: Trial): boolean {
  return a.answers.every(({ range, planes }, i) => {
    const others = b.answers[i]!.planes;
    const most = whiteOf[range] / 1000;
    return planes.length === others.length && planes.every((value, at) => !(Math.abs(value - others[at]!) > most));
  });
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
