/** One weight tensor: float32, row-major. Convolution kernels are OIHW. */
export interface WeightTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
