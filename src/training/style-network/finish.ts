import type { WeightTensor } from '../../formats/tensor.js';
import { joined } from '../../optim/vectors.js';
import type { ModelStyle, StyleNetworkModel } from '../../style-network/file.js';
import { isStyleParameter } from '../../style-network/shape.js';
import { isGreyStyle } from '../../stylize/colours.js';
import type { TrainRecord } from './checkpoint.js';
import type { TrainingPlan, TrainStyle } from './plan.js';

/**
 * The network that a run made, with what it was made from.
 * @param weights all, in the order of the file
 */
export function finishedModel(
  { styles, from, name, licence, lossNetwork, photos, options, shape }: TrainingPlan,
  weights: ReadonlyMap<string, WeightTensor>,
  history: readonly TrainRecord[],
): StyleNetworkModel {
  const last = history.slice(-100);
  const losses = Object.fromEntries(
    Object.keys(last[0]?.terms ?? {}).map((term) => [
      term,
      last.reduce((sum, { terms }) => sum + terms[term]!, 0) / last.length,
    ]),
  );
  const learned = styles.map(aboutOf);
  const training = {
    ...options,
    lossNetwork: lossNetwork.name,
    lossNetworkSha256: lossNetwork.sha256,
    photos: photos.length,
    styleWeights: Object.fromEntries(styles.map(({ name, weight }) => [name, weight])),
    losses,
    ...(from ? { from: { name: from.name, training: from.training } } : {}),
  };
  if (!from || options.train === 'all') return { name, licence, styles: learned, training, weights };
  const all = new Map(
    [...from.weights].map(([key, known]) => {
      if (!isStyleParameter(key)) return [key, known] as const;
      const data = joined([known.data, weights.get(key)!.data]);
      return [key, { shape: [known.shape[0]! + shape.styles, known.shape[1]!], data }] as const;
    }),
  );
  return { name, licence, styles: [...from.styles, ...learned], training, weights: all };
}

/** What the network's file says of a style. */
export const aboutOf = ({ name, title, artist, year, style }: TrainStyle): ModelStyle => ({
  ...{ name, title, artist, year },
  ...(isGreyStyle(style) ? { grey: true } : {}),
});
