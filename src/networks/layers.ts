import { z } from 'zod';

/** A layer that losses can look at: the activation of a convolution of VGG-19, by block and position in it. VGG-16 has fewer. */
export type LayerName = `relu${1 | 2}_${1 | 2}` | `relu${3 | 4 | 5}_${1 | 2 | 3 | 4}`;

/** Layers and their weights. */
export type LayerWeights = { readonly [Layer in LayerName]?: number };

/** Layers and their weights, checked by form alone: which layers there are, the network says. */
export const layerWeights = z.record(
  z.string().regex(/^relu\d_\d$/),
  z.number().min(0).max(1e9),
) as unknown as z.ZodType<LayerWeights, LayerWeights>;
