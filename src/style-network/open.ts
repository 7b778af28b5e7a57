import { aFunction, aText, bytes, checkRequest, isBytes, objectWith, oneOf, optional } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { sameShape } from '../graph/tensor.js';
import type { Image } from '../image/image.js';
import { cropPlanes, mirrorPlanes } from '../image/planes.js';
import { resizePlanes } from '../image/resize.js';
import type { Size } from '../image/size.js';
import { externalTensors, quoted } from '../onnx/external.js';
import { isModel, readModel } from '../onnx/read.js';
import { checkRuntime, type FileSession, type Runtime } from '../runtime/runtime.js';
import {
  decodeStyleNetwork,
  encodeInt8StyleNetwork,
  type ModelStyle,
  modelImage,
  modelOutput,
  modelStyle,
  type StyleNetworkModel,
} from './file.js';
import { foreignInterface, type PixelRange, pictureIn, planesOf, probeForeign, shapeIn, whiteOf } from './foreign.js';
import { refuseLikely, refuseMistaken } from './mistaken.js';
import { type StyleNetworkShape, styleNetworkMinimumSize, styleNetworkShapeOf } from './shape.js';

/** A network in a file, as it was read. */
export interface StyleNetworkFile {
  /** How errors name it. */
  readonly fileName: string;
  readonly bytes: Uint8Array;
  /** It comes with Fauve: `fileName` is its name. */
  readonly shipped?: true;
}

/** @throws FauveError `usage` for what is no {@link StyleNetworkFile}, with how to get one */
export function checkStyleNetworkFile(value: unknown, name: string): void {
  const help = isBytes(value) ? 'Write { fileName, bytes }.' : 'Load it: await loadStyleNetwork(name or path).';
  objectWith({ fileName: aText, bytes }, 'the file of a trained network', help)(value, name);
}

/** A file whose kind is known. */
export interface CheckedStyleNetwork extends StyleNetworkFile {
  /** Of a network that `fauve train` made. */
  readonly model?: StyleNetworkModel;
  /** What it can be asked for by name: nothing of another program's network. */
  readonly styles: readonly ModelStyle[];
}

/**
 * What a network of `fauve train` is computed with. `int8`: most of the work in 8-bit integers, on a processor and where the file knows
 * the ranges for it. `float32`: all of it in 32-bit floats.
 */
export type Precision = 'int8' | 'float32';

/** A trained network that is ready to restyle pictures. Close it when you are done. */
export interface StyleNetwork {
  readonly fileName: string;
  readonly styles: readonly ModelStyle[];
  /** What white is in the network's pictures; of a network that `fauve train` made always `0-1`. */
  readonly range: PixelRange;
  /** What a user should know of it: that the range is a guess, or that it works at one size only. */
  readonly notices: readonly string[];
  /** What is computed with, in words. */
  readonly engine: string;
  /** The architecture, of which the memory is a matter; of another program's network the one that most of them have. */
  readonly shape: StyleNetworkShape;
  /** The size that the network sees, for a picture of this size. */
  inner(size: Size): Size;
  /**
   * One forward pass.
   * @param shares of the styles: they add up to 1
   * @returns [3,H,W] of the picture's size, RGB in [0,1]
   * @throws FauveError `input` when the network gives what is no picture
   */
  run(image: Image, shares: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws FauveError `usage` for what is no {@link StyleNetwork}, with how to get one */
export const checkOpenStyleNetwork = objectWith(
  { run: aFunction, inner: aFunction, fileName: aText },
  'a trained network that is open (an StyleNetwork)',
  'Open it: await openStyleNetwork(runtime, await loadStyleNetwork(name)).',
);

const aRange = oneOf('0-1', '0-255');

/**
 * The network of Johnson et al. 2016: what most networks of other programs are. They enlarge before they convolve, so that more is
 * alive at once: as with 48 channels at full size instead of 32.
 */
const johnson: StyleNetworkShape = { channels: [48, 64, 128], blocks: 5, kernels: [9, 9], styles: 1 };

/** A network of another program gets at least so many pixels a side: some mirror 40 of them around the picture. */
const FOREIGN_LEAST = 64;
/** And a multiple of this: with strides that do not divide the size, networks give a few pixels more or less. */
const FOREIGN_STEP = 8;

/**
 * Looks at a network without running it.
 * @param range what white is said to be in its pictures
 * @throws FauveError `input` for what is no ONNX model, or one whose weights lie in another file, or a damaged file of `fauve train`;
 *   `usage` for a range where there is no choice
 */
export function checkStyleNetwork(file: StyleNetworkFile, range?: PixelRange): CheckedStyleNetwork {
  checkStyleNetworkFile(file, 'checkStyleNetwork, file');
  optional(aRange)(range, 'checkStyleNetwork, range');
  const { fileName, bytes } = file;
  refuseMistaken(bytes, fileName);
  if (!isModel(bytes)) refuseLikely(bytes, fileName);
  const { metadata } = readModel(bytes, fileName);
  const [external] = externalTensors(bytes, fileName);
  if (external) {
    throw new FauveError(
      'input',
      `${fileName} keeps its weights in another file, ${quoted(external.location)}, which did not come with it. Save both as one, in Python: onnx.save(onnx.load("model.onnx"), "one.onnx").`,
    );
  }
  if (!metadata.format?.startsWith('fauve-')) return { ...file, styles: [] };
  const model = decodeStyleNetwork(bytes, fileName);
  if (range !== undefined) {
    throw new FauveError(
      'usage',
      `${fileName} was made by fauve train, whose networks take 0-1; received the range ${range}. Leave it out.`,
    );
  }
  return { ...file, model, styles: model.styles };
}

/**
 * Opens a network: one that `fauve train` made, or a "fast neural style" network of another program, which has one picture
 * [1,3,H,W] or [1,H,W,3] in and out, RGB, of one size or of any.
 * @param options.range what white is in the pictures of another program's network; without it, it is found out
 * @param options.precision `int8` by default, which the eye cannot tell from `float32`
 * @throws FauveError as {@link checkStyleNetwork}; `input` for a network of another form, or that the engine cannot run
 */
export async function openStyleNetwork(
  runtime: Runtime,
  file: StyleNetworkFile,
  options: { readonly range?: PixelRange | undefined; readonly precision?: Precision | undefined } = {},
): Promise<StyleNetwork> {
  checkRuntime(runtime, 'openStyleNetwork, runtime');
  checkStyleNetworkFile(file, 'openStyleNetwork, file');
  const fields = { range: optional(aRange), precision: optional(oneOf('int8', 'float32')) };
  checkRequest(options, 'openStyleNetwork, options', fields);
  const { range, precision = 'int8' } = options;
  const checked = checkStyleNetwork(file, range);
  const { fileName, model } = checked;
  const integers = precision === 'int8' && runtime.device === 'cpu' && model?.ranges;
  const bytes = integers ? encodeInt8StyleNetwork(model.weights, integers) : checked.bytes;
  const session = await runtime.openFile(bytes).catch((error) => rethrow(error, fileName));
  try {
    const opened = { ...checked, session, engine: runtime.engine };
    return model ? ownStyleNetwork(opened, model) : await foreignStyleNetwork(opened, range);
  } catch (error) {
    await session.close();
    throw error;
  }
}

interface Opened extends CheckedStyleNetwork {
  readonly session: FileSession;
  readonly engine: string;
}

function ownStyleNetwork({ fileName, styles, session, engine }: Opened, model: StyleNetworkModel): StyleNetwork {
  const shape = styleNetworkShapeOf(model.weights, fileName);
  const least = styleNetworkMinimumSize(shape);
  const inner = ({ width, height }: Size): Size => ({
    width: Math.max(width, least),
    height: Math.max(height, least),
  });
  const corner = { top: 0, left: 0 };
  return {
    ...{ fileName, styles, engine, shape, inner },
    range: '0-1',
    notices: [],
    async run(image, shares) {
      const size = inner(image);
      const data = mirrorPlanes(image.data, image, size, corner);
      const picture = { shape: [1, 3, size.height, size.width], data };
      const style = styles.length > 1 ? { [modelStyle]: { shape: [1, styles.length], data: shares } } : {};
      const { [modelOutput]: output } = await session.run({ [modelImage]: picture, ...style }, [modelOutput]);
      return finite(cropPlanes(output!.data, size, image, corner), fileName);
    },
    close: () => session.close(),
  };
}

async function foreignStyleNetwork(
  { fileName, styles, session, engine }: Opened,
  asked: PixelRange | undefined,
): Promise<StyleNetwork> {
  const door = foreignInterface(session, fileName);
  const traits = await probeForeign(session, door, fileName, asked).catch((error) => rethrow(error, fileName));
  const { range, growth, form, outputLayout } = traits;
  const white = whiteOf[range];
  /** Pixels at each side that the network eats. */
  const border = { width: eaten(growth.width), height: eaten(growth.height) };
  const free = (side: number, edge: number) =>
    Math.ceil(Math.max(FOREIGN_LEAST, side + 2 * edge) / FOREIGN_STEP) * FOREIGN_STEP;
  const inner = ({ width, height }: Size): Size => ({
    width: form.width || free(width, border.width),
    height: form.height || free(height, border.height),
  });
  const notices = traits.guessed
    ? [`What ${fileName} does fits the range 0-1 as well as 0-255; 0-255 is taken. The range can be given.`]
    : [];
  if (form.width > 0 || form.height > 0) {
    const side = (fixed: number) => (fixed > 0 ? fixed : 'any');
    notices.push(
      `${fileName} takes pictures of ${side(form.width)}×${side(form.height)}: photos are brought to that size and back, which costs sharpness.`,
    );
  }
  return {
    ...{ fileName, styles, range, notices, engine, inner },
    shape: johnson,
    async run(image, _shares) {
      const size = inner(image);
      // What of the network's picture is the photo: all that it does not eat, or the photo's own size.
      const seen = {
        width: form.width > 0 ? size.width - 2 * border.width : image.width,
        height: form.height > 0 ? size.height - 2 * border.height : image.height,
      };
      const planes = resized(image.data, image, seen);
      const data = mirrorPlanes(planes, seen, size, { top: border.height, left: border.width });
      const fed = white === 1 ? data : data.map((value) => value * white);
      const feed = pictureIn(form.layout, size, fed);
      const { [door.output]: output } = await session.run({ [door.input]: feed }, [door.output]);
      const given = { width: size.width + growth.width, height: size.height + growth.height };
      const expected = shapeIn(outputLayout, given);
      if (!sameShape(output!.shape, expected)) {
        throw new FauveError(
          'input',
          `${fileName} gives [${output!.shape}] for a picture [${feed.shape}]; expected [${expected}]. Use another size.`,
        );
      }
      const start = {
        top: border.height + Math.floor(growth.height / 2),
        left: border.width + Math.floor(growth.width / 2),
      };
      const picture = resized(cropPlanes(planesOf(outputLayout, output!.data), given, seen, start), seen, image);
      return finite(
        picture.map((value) => Math.min(1, Math.max(0, value / white))),
        fileName,
      );
    },
    close: () => session.close(),
  };
}

const eaten = (growth: number) => Math.ceil(Math.max(0, -growth) / 2);

function resized(data: Float32Array, from: Size, to: Size): Float32Array {
  if (from.width === to.width && from.height === to.height) return data;
  return resizePlanes(data, 3, from.height, from.width, to.height, to.width);
}

/** @throws FauveError `input` for values that are no numbers: a network that diverged in training */
function finite(values: Float32Array, fileName: string): Float32Array {
  // Neither every() nor for…of, which take a tenth of the network's time and more.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  if (Number.isFinite(sum)) return values;
  throw new FauveError(
    'input',
    `${fileName} gives values that are no numbers (NaN) for this picture. Its weights are damaged: use another network.`,
  );
}

/** The engine does not know the file's name. */
function rethrow(error: unknown, fileName: string): never {
  if (!(error instanceof FauveError) || error.message.includes(fileName)) throw error;
  throw new FauveError(error.code, `${fileName}: ${error.message}`, { cause: error });
}
