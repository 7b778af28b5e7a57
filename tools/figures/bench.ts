import {
  type Image,
  type NetworkWeights,
  type Runtime,
  type Style,
  type StylizeOptionsInput,
  type StylizeResult,
  stylize,
} from 'fauve';
import { loadNetworkWeights, loadStyle, readImage } from 'fauve/node';

/** What every figure works with. */
export interface Bench {
  readonly runtime: Runtime;
  readonly weights: NetworkWeights;
  readonly photo: Image;
  readonly style: Style;
  /** The photo in the style, with the options of one picture of a figure. */
  paint(options: StylizeOptionsInput): Promise<StylizeResult>;
}

/** @param folder of the project */
export async function openBench(runtime: Runtime, folder: string): Promise<Bench> {
  const photo = await readImage(`${folder}examples/photos/chelsea.jpg`);
  const weights = await loadNetworkWeights('distilled');
  const { style } = await loadStyle('starry-night');
  const styles = [{ style, weight: 1 }];
  return {
    runtime,
    weights,
    photo,
    style,
    paint: (options) => stylize({ content: photo, styles, weights, runtime, options }),
  };
}
