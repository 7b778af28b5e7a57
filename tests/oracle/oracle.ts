import { readFileSync } from 'node:fs';

/** A tensor of the oracle, row-major. Inputs are exact in float32; results have 9 significant digits. */
export interface OracleTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A loss and its derivative with respect to the generated picture, whose pixels are in [0,1]. */
export interface OracleTerm {
  readonly value: number;
  /** L2 norm of the whole gradient. */
  readonly gradientNorm: number;
  /** The gradient at the flat indices `samplePositions`. */
  readonly gradientSamples: readonly number[];
}

type ByNorm<T> = { readonly classic: T; readonly relative: T };
type ByLayer<T> = Readonly<Record<string, T>>;

/** A network with VGG-19's structure up to relu5_1 and few channels, and the losses measured with it. */
export interface OracleNetwork {
  readonly pooling: 'max' | 'average';
  /** (rgb · scale − mean) / std. */
  readonly preprocessing: {
    readonly scale: number;
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
  };
  /** `conv1_1.weight` (OIHW), `conv1_1.bias`, …, `conv5_1.bias`. */
  readonly weights: Readonly<Record<string, OracleTensor>>;
  /** relu4_2 of the generated picture. */
  readonly features: ByLayer<OracleTensor>;
  /** F·Fᵀ / (C·H·W) of the generated picture at the five style layers. */
  readonly gram: ByLayer<OracleTensor>;
  /** At relu4_2, against the content picture. */
  readonly content: ByNorm<OracleTerm>;
  /** Against the style picture. */
  readonly styleGram: ByNorm<ByLayer<OracleTerm>>;
  readonly styleMeanVariance: ByNorm<ByLayer<OracleTerm>>;
  /** Against the mean of the targets of `style` and `style2`, weighted by `blendWeights`; relative. */
  readonly blendGram: ByLayer<OracleTerm>;
  /** The same with means and deviations; classic. */
  readonly blendMeanVariance: ByLayer<OracleTerm>;
  /** Relative terms by `totalWeights`; style is the mean of the five Gram terms, total variation is squared. */
  readonly total: OracleTerm & { readonly gradient: OracleTensor };
}

/** One op, `output = op(inputs)`; `gradients` are those of Σ upstream · output. Attributes are named as in `graph/ops.ts`. */
export interface OracleOp {
  readonly title: string;
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
  /** In the order of the op's arguments. */
  readonly inputs: Readonly<Record<string, OracleTensor>>;
  readonly output: OracleTensor;
  readonly upstream: OracleTensor;
  readonly gradients: Readonly<Record<string, OracleTensor>>;
}

/** f(x) = ½ xᵀAx − bᵀx; its gradient is Ax − b. */
export interface OracleQuadratic {
  readonly a: OracleTensor;
  readonly b: OracleTensor;
  readonly start: OracleTensor;
}

export interface OracleMinimum {
  readonly x: OracleTensor;
  readonly f: number;
  readonly iterations: number;
  readonly evaluations: number;
}

export interface Oracle {
  readonly madeWith: Readonly<Record<'python' | 'torch' | 'numpy' | 'scipy' | 'dtype', string>>;
  readonly losses: {
    /** [1,3,H,W], RGB in [0,1]. */
    readonly images: Readonly<Record<'content' | 'style' | 'style2' | 'generated', OracleTensor>>;
    readonly samplePositions: readonly number[];
    readonly blendWeights: readonly [number, number];
    readonly totalWeights: { readonly content: number; readonly style: number; readonly tv: number };
    readonly totalVariation: { readonly l1: OracleTerm; readonly squared: OracleTerm };
    readonly networks: Readonly<Record<'caffe' | 'torchvision', OracleNetwork>>;
  };
  readonly ops: readonly OracleOp[];
  /** `torch.optim.Adam`. `trajectory` [25,6]: the point after each step; `clamp`: to [0,1] after each step. */
  readonly adam: OracleQuadratic & {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly runs: readonly { readonly amsgrad: boolean; readonly clamp: boolean; readonly trajectory: OracleTensor }[];
  };
  readonly lbfgs: {
    /** Unbounded, by SciPy's L-BFGS-B; the minimum is at (1, …, 1). */
    readonly rosenbrock: readonly (OracleMinimum & { readonly start: readonly number[] })[];
    /** With bounds on every coordinate; `active`: the coordinates that end on one. `x` is exact (a linear solve). */
    readonly bounded: OracleQuadratic &
      OracleMinimum & { readonly lower: number; readonly upper: number; readonly active: readonly number[] };
    /** `torch.optim.LBFGS` without a line search: x ← x + step · direction. */
    readonly torch: OracleQuadratic & {
      readonly historySize: number;
      readonly lr: number;
      readonly iterations: readonly {
        readonly x: OracleTensor;
        readonly f: number;
        readonly gradient: OracleTensor;
        readonly direction: OracleTensor;
        readonly step: number;
      }[];
      /** The point after the last iteration. */
      readonly last: OracleTensor;
    };
    /** `direction` = −H·gradient of the dense BFGS matrix of the pairs, rows of `s` and `y` [pairs, n], oldest first. */
    readonly directions: readonly Readonly<Record<'s' | 'y' | 'gradient' | 'direction', OracleTensor>>[];
  };
}

let loaded: Oracle | undefined;

/** The numbers in `torch.json`, read once. */
export function loadOracle(): Oracle {
  loaded ??= readOracle('torch.json') as Oracle;
  return loaded;
}

/** A file of the oracle with its tensors unpacked. */
export function readOracle(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'), unpack);
}

/** A tensor in the file: `data` times `scale`, a power of two, where one is given. */
interface PackedTensor {
  readonly shape: readonly number[];
  readonly scale?: number;
  readonly data: readonly number[];
}

function unpack(_key: string, value: unknown): unknown {
  if (!isPacked(value)) return value;
  const scale = value.scale ?? 1;
  return { shape: value.shape, data: Float64Array.from(value.data, (x) => x * scale) } satisfies OracleTensor;
}

function isPacked(value: unknown): value is PackedTensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;
}
