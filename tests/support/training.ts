import type { NetworkWeights } from '#src/networks/network.js';
import type { Runtime } from '#src/runtime/runtime.js';
import type { StyleNetworkModel } from '#src/style-network/file.js';
import type { PictureSource } from '#src/training/crops.js';
import type { TrainOptionsInput } from '#src/training/style-network/options.js';
import type { TrainRequest, TrainStyle } from '#src/training/style-network/train.js';
import { scene } from './restyling.js';
import { tinyVgg } from './tiny-vgg.js';

/** Crops of a made-up scene. */
export const photo = (seed: number): PictureSource => ({
  name: `scene ${seed}`,
  size: async () => ({ width: 90, height: 70, colours: 'rgb' }),
  crop: async ({ left, top, mirrored }, width, height) =>
    scene(width, height, 1 + seed + left + top + Number(mirrored)).data,
});

export const style = (name: string, seed: number, colour: readonly number[]): TrainStyle => ({
  name,
  title: '',
  artist: '',
  year: null,
  weight: 1,
  style: { image: scene(60, 50, seed, colour) },
});

export const red = style('red', 5, [0.8, 0.3, 0.2]);
export const blue = style('blue', 6, [0.2, 0.4, 0.8]);

export const lossNetwork: NetworkWeights = tinyVgg('vgg19', { channels: 4, deepest: 'conv2_1' });

/** The smallest network and the smallest crops. */
export const tinyTraining: TrainOptionsInput = {
  iterations: 6,
  batch: 2,
  cropSize: 64,
  channels: [0, 4, 4],
  blocks: 1,
  kernels: [3, 3],
  contentLayers: { relu2_1: 1 },
  styleLayers: { relu1_1: 1, relu2_1: 1 },
  testEvery: 0,
};

/** A run of a moment. */
export function trainingRequest(runtime: Runtime, options: TrainOptionsInput = {}): TrainRequest {
  return {
    styles: [red],
    photos: [photo(1), photo(2), photo(3)],
    weights: lossNetwork,
    runtime,
    name: 'tiny',
    licence: 'CC0-1.0',
    options: { ...tinyTraining, ...options },
  };
}

/** The weights of a model as plain arrays. */
export function weightsOf({ weights }: StyleNetworkModel): Record<string, number[]> {
  return Object.fromEntries([...weights].map(([name, { data }]) => [name, [...data]]));
}
