import type { WeightTensor } from '../formats/tensor.js';
import { type StyleNetworkShape, styleNetworkParameters } from './shape.js';

/**
 * Weights to start training from: kernels as He et al. 2015, scales 1, shifts 0.
 * @param normal draws from the standard normal distribution
 */
export function initialStyleNetwork(shape: StyleNetworkShape, normal: () => number): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const [name, dims] of styleNetworkParameters(shape)) {
    const data = new Float32Array(dims.reduce((product, n) => product * n, 1));
    if (name.endsWith('.scale')) data.fill(1);
    else if (name.endsWith('.weight')) {
      const fanIn = dims[1]! * dims[2]! * dims[3]!;
      const deviation = Math.sqrt((name === 'last.weight' ? 1 : 2) / fanIn);
      for (let i = 0; i < data.length; i++) data[i] = deviation * normal();
      // The four pixels of a sub-pixel convolution start alike: no checkerboard (Aitken et al. 2017).
      if (name === 'last.weight') {
        const pixel = 3 * fanIn;
        for (let i = pixel; i < data.length; i++) data[i] = data[i % pixel]!;
      }
    }
    weights.set(name, { shape: dims, data });
  }
  return weights;
}
