import type { WeightTensor } from '../../formats/tensor.js';
import { input, onlyInput, topologicalOrder } from '../../graph/tensor.js';
import type { ConvRange } from '../../onnx/int8.js';
import { emitModel } from '../../onnx/model.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StyleNetworkRanges } from '../../style-network/file.js';
import { styleNetwork } from '../../style-network/graph.js';
import { isInner, styleNetworkShapeOf } from '../../style-network/shape.js';
import { randomFor } from '../crops.js';
import type { TrainingPhotos } from './photos.js';

/** Photos on which a finished network is run for its ranges. */
const PHOTOS = 16;

/**
 * How much of what was seen the integers cover. Few values lie beyond, and are cut; all others have finer steps. Of all that were tried
 * the nearest to the floats, by 2 dB.
 */
const KEPT = { input: 0.75, reach: 0.7 } as const;

/** {@link measureRanges} on crops of photos that the seed draws. */
export async function rangesOnPhotos(
  runtime: Runtime,
  weights: ReadonlyMap<string, WeightTensor>,
  photos: TrainingPhotos,
  seed: number,
): Promise<StyleNetworkRanges | undefined> {
  const crops: Float32Array[] = [];
  for (let i = 0; i < PHOTOS; i++) crops.push(await photos.crop((attempt) => randomFor(seed, 23, i, attempt)));
  return measureRanges(runtime, weights, crops);
}

/**
 * Runs a network on photos in all its styles, and notes what its residual blocks compute with. A few photos will do: everything that is
 * measured comes out of a normalisation, which makes photos alike.
 * @param photos each [3,S,S], RGB in [0,1]
 * @returns nothing for a network that gives no numbers
 */
export async function measureRanges(
  runtime: Runtime,
  weights: ReadonlyMap<string, WeightTensor>,
  photos: readonly Float32Array[],
): Promise<StyleNetworkRanges | undefined> {
  const shape = styleNetworkShapeOf(weights);
  const side = Math.sqrt(photos[0]!.length / 3);
  const style = shape.styles > 1 ? input('style', [1, shape.styles]) : undefined;
  const parameters = new Map([...weights].map(([name, { shape }]) => [name, input(name, shape)]));
  const output = styleNetwork(input('image', [1, 3, side, side]), style, (name) => parameters.get(name)!, shape);
  const convolutions = topologicalOrder([output]).flatMap((node) => {
    const name = node.op === 'Conv' ? onlyInput(node.inputs[1]!) : undefined;
    return name !== undefined && isInner(name) ? [{ name, before: node.inputs[0]!, after: node }] : [];
  });
  const tensors = convolutions.flatMap(({ name, before, after }) => [
    [`before ${name}`, before] as const,
    [`after ${name}`, after] as const,
  ]);
  const tallies = new Map(convolutions.map(({ name }) => [name, new Tally(weights.get(name)!.shape[0]!)]));
  const model = emitModel(Object.fromEntries(tensors));
  const session = await runtime.open(model);
  try {
    // What comes after the last of these convolutions is not in the model.
    const used = [...weights].filter(([name]) => model.inputs[name]);
    await session.write(Object.fromEntries(used.map(([name, { data }]) => [name, data])));
    for (let s = 0; s < shape.styles; s++) {
      const which = Float32Array.from({ length: shape.styles }, (_, i) => Number(i === s));
      for (const image of photos) {
        const feeds = { image, ...(style ? { style: which } : {}) };
        const values = await session.run(
          feeds,
          tensors.map(([name]) => name),
        );
        for (const { name, after } of convolutions) {
          const plane = after.shape[2]! * after.shape[3]!;
          tallies.get(name)!.add(s, values[`before ${name}`]!, values[`after ${name}`]!, plane);
        }
      }
    }
  } finally {
    await session.close();
  }
  const ranges = [...tallies].map(([name, tally]) => [name, tally.range()] as const);
  return ranges.every(([, { reach }]) => Number.isFinite(reach)) ? Object.fromEntries(ranges) : undefined;
}

/** The extremes of one picture in one style. */
interface Extremes {
  readonly input: readonly [number, number];
  readonly least: Float64Array;
  readonly greatest: Float64Array;
}

/** What was seen at one convolution. */
class Tally {
  /** By style. */
  readonly #pictures: Extremes[][] = [];
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  /** @param channels that are normalised; where a convolution makes four pixels of each, they come one pixel after the other */
  constructor(readonly channels: number) {
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add(style: number, before: Float32Array, after: Float32Array, plane: number): void {
    const least = new Float64Array(this.channels).fill(Number.POSITIVE_INFINITY);
    const greatest = new Float64Array(this.channels).fill(Number.NEGATIVE_INFINITY);
    for (let start = 0; start < after.length; start += plane) {
      const c = (start / plane) % this.channels;
      const own = after.subarray(start, start + plane);
      const [low, high] = extremes(own);
      least[c] = Math.min(least[c]!, low);
      greatest[c] = Math.max(greatest[c]!, high);
      let [sum, squares] = [0, 0];
      // By index: for…of takes ten times as long over millions of values.
      for (let i = 0; i < plane; i++) {
        sum += own[i]!;
        squares += own[i]! * own[i]!;
      }
      this.#sums[c]! += sum;
      this.#squares[c]! += squares;
    }
    this.#count += after.length / this.channels;
    this.#pictures[style] = [...(this.#pictures[style] ?? []), { input: extremes(before), least, greatest }];
  }

  range(): ConvRange {
    const mean = Array.from(this.#sums, (sum) => sum / this.#count);
    // A channel that is the same everywhere has none.
    const deviation = Array.from(
      this.#squares,
      (sum, c) => Math.sqrt(Math.max(0, sum / this.#count - mean[c]! ** 2)) || 1,
    );
    const reached = ({ least, greatest }: Extremes) =>
      Math.max(...mean.map((m, c) => Math.max(greatest[c]! - m, m - least[c]!) / deviation[c]!));
    const rounded = (value: number) => Number(value.toPrecision(4));
    return {
      input: [
        rounded(KEPT.input * this.#widest((picture) => picture.input[0], Math.min)),
        rounded(KEPT.input * this.#widest((picture) => picture.input[1], Math.max)),
      ],
      mean: mean.map(rounded),
      deviation: deviation.map(rounded),
      reach: rounded(KEPT.reach * this.#widest(reached, Math.max)),
    };
  }

  /** A style's mean over its pictures, which a single odd value does not carry away; of all styles, the widest. */
  #widest(of: (picture: Extremes) => number, choose: (...values: number[]) => number): number {
    return choose(...this.#pictures.map((own) => own.reduce((sum, picture) => sum + of(picture), 0) / own.length));
  }
}

function extremes(values: Float32Array): [number, number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]!);
    greatest = Math.max(greatest, values[i]!);
  }
  return [least, greatest];
}
