import type { WeightTensor } from '../../formats/tensor.js';
import { constant, input, type Tensor } from '../../graph/tensor.js';
import { createImage, type Image } from '../../image/image.js';
import { fitLongerSide, resizeImage } from '../../image/resize.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { ModelStyle } from '../../style-network/file.js';
import { styleNetwork } from '../../style-network/graph.js';
import { type StyleNetworkShape, styleNetworkMinimumSize } from '../../style-network/shape.js';
import type { TrainOptions } from './options.js';
import { testCards, unevenness } from './test-cards.js';

/** What a network makes of the test photos and of flat cards. */
export interface TrainTest {
  readonly step: number;
  readonly pictures: readonly { readonly photo: string; readonly style: string; readonly image: Image }[];
  /** By card, the worst of all styles: see {@link unevenness}. */
  readonly cards: Readonly<Record<string, number>>;
}

type Tester = (step: number, weights: ReadonlyMap<string, WeightTensor>) => Promise<TrainTest>;

/** Restyles photos and cards with weights as they are at a step. */
export function openTester(
  runtime: Runtime,
  shape: StyleNetworkShape,
  styles: readonly ModelStyle[],
  photos: readonly { readonly name: string; readonly image: Image }[],
  { testSize }: TrainOptions,
): Tester {
  const least = styleNetworkMinimumSize(shape);
  const tests = photos.map(({ name, image }) => {
    const { width, height } = fitLongerSide(image.width, image.height, testSize);
    return {
      name,
      image: resizeImage(image, Math.max(width, least), Math.max(height, least)),
    };
  });
  return async (step, weights) => {
    const pictures: TrainTest['pictures'][number][] = [];
    const cards: Record<string, number> = {};
    for (const { name, image } of tests) {
      for (const [i, restyled] of (await inAllStyles(runtime, shape, weights, image)).entries()) {
        pictures.push({ photo: name, style: styles[i]!.name, image: restyled });
      }
    }
    for (const { name, image } of testCards(Math.max(testSize, least))) {
      const scores = (await inAllStyles(runtime, shape, weights, image)).map(unevenness);
      cards[name] = Math.max(...scores);
    }
    return { step, pictures, cards };
  };
}

async function inAllStyles(
  runtime: Runtime,
  shape: StyleNetworkShape,
  weights: ReadonlyMap<string, WeightTensor>,
  { width, height, data }: Image,
): Promise<Image[]> {
  const x = input('image', [1, 3, height, width]);
  const style = shape.styles > 1 ? input('style', [1, shape.styles]) : undefined;
  const parameter = (name: string): Tensor => {
    const { shape, data } = weights.get(name)!;
    return constant(data, shape);
  };
  const session = await runtime.open(emitModel({ output: styleNetwork(x, style, parameter, shape) }));
  const images: Image[] = [];
  try {
    for (let s = 0; s < shape.styles; s++) {
      const which = Float32Array.from({ length: shape.styles }, (_, i) => Number(i === s));
      const { output } = await session.run({ image: data, ...(style ? { style: which } : {}) }, ['output']);
      images.push(createImage(width, height, output!));
    }
  } finally {
    await session.close();
  }
  return images;
}
