import { writeFile } from 'node:fs/promises';
import {
  apply,
  cropImage,
  type LossSeries,
  type LossTerm,
  openStyleNetwork,
  resizeImage,
  type StylizeOptionsInput,
  type StylizeResult,
  texture,
} from 'fauve';
import { loadStyleNetwork } from 'fauve/node';
import { lossPlotSvg, lossTerms } from 'fauve/pictures';
import { type SheetPicture, writeContactSheet } from '../contact-sheet.js';
import type { Bench } from './bench.js';

/** Makes one picture file of the method's pages. */
export type Figure = (bench: Bench, path: string) => Promise<void>;

const styleLayers = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'];

/** File name → how it is made. */
export const figures: Readonly<Record<string, Figure>> = {
  'content-layers.jpg': contentLayers,
  'content-weights.jpg': contentWeights,
  'style-layers.jpg': styleTextures,
  'total-variation.jpg': totalVariation,
  'total-loss.svg': totalLoss,
  'optimisers.svg': optimisers,
  'networks.jpg': networks,
};

/** The photo from noise, by the content loss of one layer alone. */
async function contentLayers(bench: Bench, path: string): Promise<void> {
  const pictures = [{ label: 'photo', image: bench.photo }];
  for (const layer of styleLayers) {
    const losses = { contentWeight: 1, styleWeight: 0, tvWeight: 0.02, contentLayers: { [layer]: 1 } };
    const { image } = await bench.paint({ ...losses, init: 'noise', size: 192, scales: 2, coarseSteps: 60, steps: 80 });
    pictures.push({ label: layer, image });
  }
  await writeContactSheet(path, pictures, 192);
}

/** The two weights against each other. Their product stays, so that the total variation keeps its part. */
async function contentWeights(bench: Bench, path: string): Promise<void> {
  const ratios = [0.005, 0.03, 0.15, 0.75, 4];
  const pictures: SheetPicture[] = [];
  for (const ratio of ratios) {
    const factor = Math.sqrt(ratio / 0.15);
    const weights = { contentWeight: 0.15 * factor, styleWeight: 1 / factor };
    const { image } = await bench.paint({ ...weights, size: 224, steps: 60 });
    pictures.push({ label: `${ratio} : 1`, image });
  }
  await writeContactSheet(path, pictures, 192);
}

/** Textures by the Gram matrices of the first layer, of the first two, and so on. */
async function styleTextures({ style, weights, runtime }: Bench, path: string): Promise<void> {
  const pictures: SheetPicture[] = [];
  for (const [i, layer] of styleLayers.entries()) {
    const layers = Object.fromEntries(styleLayers.slice(0, i + 1).map((name) => [name, 1]));
    const { image } = await texture({
      style,
      weights,
      runtime,
      size: 160,
      steps: 60,
      options: { styleLayers: layers },
    });
    pictures.push({ label: i === 0 ? layer : `to ${layer}`, image });
  }
  await writeContactSheet(path, pictures, 160);
}

/** Parts of three pictures, enlarged twice, so that single pixels are seen. */
async function totalVariation(bench: Bench, path: string): Promise<void> {
  const pictures: SheetPicture[] = [];
  for (const tvWeight of [0, 0.5, 15]) {
    const { image } = await bench.paint({ tvWeight, size: 256, steps: 60 });
    const part = cropImage(image, { left: 60, top: 20, width: 128, height: 112 });
    pictures.push({ label: `weight ${tvWeight}`, image: resizeImage(part, 256, 224) });
  }
  await writeContactSheet(path, pictures, 256);
}

/** Every term of one run, as weighted in the total. */
async function totalLoss(bench: Bench, path: string): Promise<void> {
  const result = await bench.paint({ size: 256, scales: 1, steps: 80 });
  const series = [totalOf('total', result), ...lossTerms(result.options).map((term) => termOf(term, result))];
  await writeFile(path, lossPlotSvg(series, { title: 'The total and its terms', axes: ['step', 'loss'] }));
}

/** The same picture by three optimisers. */
async function optimisers(bench: Bench, path: string): Promise<void> {
  const adam = { optimiser: 'adam', schedule: 'constant' } as const;
  const runs: Readonly<Record<string, StylizeOptionsInput>> = {
    'L-BFGS': {},
    'Adam, rate 0.03': adam,
    'AMSGrad, rate 0.03': { ...adam, amsgrad: true },
    'Adam, rate 0.1': { ...adam, learningRate: 0.1 },
    'AMSGrad, rate 0.1': { ...adam, learningRate: 0.1, amsgrad: true },
  };
  const series: LossSeries[] = [];
  for (const [name, options] of Object.entries(runs)) {
    series.push(totalOf(name, await bench.paint({ ...options, size: 192, scales: 1, steps: 120 })));
  }
  await writeFile(
    path,
    lossPlotSvg(series, { title: 'The same picture by three optimisers', axes: ['step', 'total'] }),
  );
}

/** One pass of a style network beside pictures that were optimised. */
async function networks(bench: Bench, path: string): Promise<void> {
  const { runtime, photo } = bench;
  const network = await openStyleNetwork(runtime, await loadStyleNetwork('fast'));
  const styles = [{ name: 'starry-night', weight: 1 }];
  const pass = await apply({ image: photo, network, styles, options: { size: 256 } });
  await network.close();
  const { image } = await bench.paint({ size: 256, steps: 80 });
  const pictures = [
    { label: 'photo', image: photo },
    { label: 'style network, one pass', image: pass.image },
    { label: 'loss network, 80 steps', image },
  ];
  await writeContactSheet(path, pictures, 256);
}

function totalOf(name: string, { history }: StylizeResult): LossSeries {
  return { name, points: history.map(({ step, loss }) => ({ step, value: loss })) };
}

function termOf({ name, weight }: LossTerm, { history }: StylizeResult): LossSeries {
  return { name, points: history.map(({ step, terms }) => ({ step, value: weight * terms[name]! })) };
}
