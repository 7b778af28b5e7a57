import { cropPlanes, mirrorPlanes } from '../image/planes.js';
import type { Size } from '../image/size.js';
import { sharesEncoder } from './code.js';
import { modelImage, modelOutput, modelStyle, type StyleNetworkModel } from './file.js';
import { finite, type OpenedFile, type StyleNetwork } from './network.js';
import { styleNetworkMinimumSize, styleNetworkShapeOf } from './shape.js';

/** A network that `fauve train` made. */
export function ownStyleNetwork(
  { fileName, styles, session, engine }: OpenedFile,
  model: StyleNetworkModel,
): StyleNetwork {
  const shape = styleNetworkShapeOf(model.weights, fileName);
  const least = styleNetworkMinimumSize(shape);
  const inner = ({ width, height }: Size): Size => ({
    width: Math.max(width, least),
    height: Math.max(height, least),
  });
  const corner = { top: 0, left: 0 };
  return {
    ...{ fileName, styles, engine, shape, inner },
    encoder: sharesEncoder(styles, fileName),
    range: '0-1',
    notices: [],
    async run(image, code) {
      const size = inner(image);
      const data = mirrorPlanes(image.data, image, size, corner);
      const picture = { shape: [1, 3, size.height, size.width], data };
      const style = styles.length > 1 ? { [modelStyle]: { shape: [1, styles.length], data: code } } : {};
      const { [modelOutput]: output } = await session.run({ [modelImage]: picture, ...style }, [modelOutput]);
      return finite(cropPlanes(output!.data, size, image, corner), fileName);
    },
    close: () => session.close(),
  };
}
