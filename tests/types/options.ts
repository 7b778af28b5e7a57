/** Compiled, never run: what options do not take. */
import type {
  ApplyOptionsInput,
  ApplyRequest,
  LayerName,
  StylizeOptionsInput,
  StylizeRequest,
} from '#src/index.node.js';

export const good: StylizeOptionsInput = {
  contentLayers: { relu4_2: 1 },
  styleLayers: { relu1_1: 1, relu5_4: 0.5 },
  colors: 'match',
};
// @ts-expect-error There is no such layer.
export const block: StylizeOptionsInput = { styleLayers: { relu6_1: 1 } };
// @ts-expect-error The first two blocks have two layers each.
export const position: StylizeOptionsInput = { contentLayers: { relu1_3: 1 } };
// @ts-expect-error Layers are named by their activations.
export const convolution: LayerName = 'conv1_1';
// @ts-expect-error There is no such option.
export const option: StylizeOptionsInput = { style: 1 };
// @ts-expect-error Of apply there is no match.
export const colours: ApplyOptionsInput = { colours: 'match' };
// @ts-expect-error The network of a request is an open one.
export const network: ApplyRequest['network'] = { fileName: 'fast', bytes: new Uint8Array() };
// @ts-expect-error Starting with a trained network needs its styles, too.
export const fast: StylizeRequest['fast'] = { network: { fileName: 'fast', bytes: new Uint8Array() } };
