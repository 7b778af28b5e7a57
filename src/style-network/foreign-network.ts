import { FauveError } from '../errors.js';
import { sameShape } from '../graph/tensor.js';
import { cropPlanes, mirrorPlanes } from '../image/planes.js';
import { resizePlanes } from '../image/resize.js';
import type { Size } from '../image/size.js';
import { sharesEncoder } from './code.js';
import { foreignInterface, type PixelRange, pictureIn, planesOf, probeForeign, shapeIn, whiteOf } from './foreign.js';
import { finite, type OpenedFile, rethrow, type StyleNetwork } from './network.js';
import type { StyleNetworkShape } from './shape.js';

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
 * A "fast neural style" network of another program.
 * @param saidRange what white is said to be in its pictures; without it, it is found out
 */
export async function foreignStyleNetwork(
  { fileName, styles, session, engine }: OpenedFile,
  saidRange: PixelRange | undefined,
): Promise<StyleNetwork> {
  const door = foreignInterface(session, fileName);
  const traits = await probeForeign(session, door, fileName, saidRange).catch((error) => rethrow(error, fileName));
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
    encoder: sharesEncoder(styles, fileName),
    shape: johnson,
    async run(image) {
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
