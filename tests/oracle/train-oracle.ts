import { type OracleTensor, readOracle } from './oracle.js';

type ByName<T> = Readonly<Record<string, T>>;

/** One training step, by PyTorch. */
export interface OracleStep {
  /** Before the step. */
  readonly total: number;
  /** Means over the batch, without their weights. */
  readonly terms: ByName<number>;
  /** L2 norm of all gradients together. */
  readonly gradientNorm: number;
  /** Of the total with respect to each weight, before they are clipped. */
  readonly gradients: ByName<OracleTensor>;
  /** After the step. */
  readonly weights: ByName<OracleTensor>;
}

/** Some training steps of a tiny style network with one residual block. */
export interface OracleTraining {
  readonly title: string;
  readonly channels: readonly [number, number, number];
  readonly kernels: readonly [number, number];
  readonly styles: number;
  /** Side of the crops. */
  readonly size: number;
  readonly stabilityWeight: number;
  /** 0: not clipped. */
  readonly clipNorm: number;
  readonly adam: { readonly rates: readonly number[]; readonly betas: readonly [number, number]; readonly eps: number };
  readonly lossWeights: Readonly<Record<'content' | 'style' | 'tv', number>>;
  readonly styleLayers: ByName<number>;
  /** `conv1_1.weight` (OIHW), …, `conv2_1.bias`. */
  readonly vgg: ByName<OracleTensor>;
  /** Gram matrices of the styles by layer, [S,C,C]. */
  readonly targets: ByName<OracleTensor>;
  readonly start: ByName<OracleTensor>;
  /** Two crops with what lies around them [2,3,H,W], the shares of the styles in each [2,S], the weights of their style losses [2], noise [2,3,H,W]. */
  readonly batch: Readonly<Record<'photos' | 'styles' | 'styleWeights', OracleTensor>> & {
    readonly noise?: OracleTensor;
  };
  readonly steps: readonly OracleStep[];
  /** Of the optimiser, after the last step, by weight. */
  readonly state: Readonly<Record<'first moment' | 'second moment' | 'largest moment', ByName<OracleTensor>>>;
}

/** The training steps in `train.json`. */
export function loadTrainOracle(): readonly OracleTraining[] {
  return (readOracle('train.json') as { readonly cases: readonly OracleTraining[] }).cases;
}
