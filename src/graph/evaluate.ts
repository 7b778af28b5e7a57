import { FauveError } from '../errors.js';
import { broadcastStrides, elementwise, fill, gather, offset, pool, reduce, shape4, type Values } from './loops.js';
import { formatShape, type OpName, sizeOf, stridesOf, type Tensor, topologicalOrder } from './tensor.js';

/**
 * The reference: every op in float64 by its definition, in plain loops. The emitted graph is compared with it, and the
 * derivatives are checked on it. Slow on purpose: there is nothing here but the formula.
 */
export function evaluate(outputs: readonly Tensor[], feeds: Readonly<Record<string, Values>> = {}): Float64Array[] {
  const values = new Map<Tensor, Values>();
  for (const node of topologicalOrder(outputs)) {
    if (node.op === 'Input') {
      const { name } = (node as Tensor<'Input'>).attributes;
      const fed = feeds[name];
      if (fed?.length !== sizeOf(node.shape)) {
        throw new FauveError(
          'input',
          `Input '${name}' needs ${sizeOf(node.shape)} values (${formatShape(node.shape)}), received ${fed?.length ?? 'none'}.`,
        );
      }
      values.set(node, fed);
    } else {
      values.set(
        node,
        node.data ??
          evaluateNode(
            node,
            node.inputs.map((t) => values.get(t)!),
          ),
      );
    }
  }
  return outputs.map((t) => Float64Array.from(values.get(t)!));
}

/** The values of one node from the values of its inputs. */
export function evaluateNode<K extends OpName>(node: Tensor<K>, inputs: readonly Values[]): Float64Array {
  const rule = rules[node.op] as Rule<K>;
  return rule(node, inputs, new Float64Array(sizeOf(node.shape)));
}

type Rule<K extends OpName> = (node: Tensor<K>, inputs: readonly Values[], out: Float64Array) => Float64Array;

const noValue = (): never => {
  throw new Error('Inputs and constants are not computed.');
};

/** Value by value, with those of smaller inputs repeated. */
const each =
  (f: (a: number, b: number, c: number) => number): Rule<OpName> =>
  (node, inputs, out) =>
    elementwise(node, inputs, out, f);

const rules: { readonly [K in OpName]: Rule<K> } = {
  Input: noValue,
  Constant: noValue,

  Conv: (node, [x, w, b], out) => {
    const [, channels, height, width] = shape4(node.inputs[0]!);
    const [outs, , kh, kw] = shape4(node.inputs[1]!);
    const [n, , rows, cols] = shape4(node);
    const { strides, pads } = node.attributes;
    let at = 0;
    for (let i = 0; i < n; i++)
      for (let o = 0; o < outs; o++)
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < cols; c++) {
            let sum = b ? b[o]! : 0;
            for (let k = 0; k < channels; k++)
              for (let u = 0; u < kh; u++) {
                const y = r * strides[0] - pads[0] + u;
                if (y < 0 || y >= height) continue;
                for (let v = 0; v < kw; v++) {
                  const z = c * strides[1] - pads[1] + v;
                  if (z < 0 || z >= width) continue;
                  sum +=
                    x![((i * channels + k) * height + y) * width + z]! * w![((o * channels + k) * kh + u) * kw + v]!;
                }
              }
            out[at++] = sum;
          }
    return out;
  },

  MaxPool: (node, [x], out) => pool(node, x!, out, (values) => Math.max(...values)),
  AveragePool: (node, [x], out) => pool(node, x!, out, (values) => values.reduce((a, b) => a + b) / values.length),

  Resize: (node, [x], out) => {
    const { scales } = node.attributes;
    const strides = stridesOf(node.inputs[0]!.shape);
    return fill(node.shape, out, ([n, c, h, w]) => {
      const source = [n!, c!, Math.floor(h! / scales[0]), Math.floor(w! / scales[1])];
      return x![offset(source, strides)]!;
    });
  },

  Pad: (node, [x], out) => {
    const { before, mode } = node.attributes;
    const { shape } = node.inputs[0]!;
    const strides = stridesOf(shape);
    return fill(node.shape, out, (index) => {
      let at = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        const dim = shape[axis]!;
        let i = index[axis]! - before[axis]!;
        if (i < 0 || i >= dim) {
          if (mode === 'constant') return 0;
          if (mode === 'edge') i = i < 0 ? 0 : dim - 1;
          else i = i < 0 ? -i : 2 * (dim - 1) - i;
        }
        at += i * strides[axis]!;
      }
      return x![at]!;
    });
  },

  InstanceNormalization: (node, [x, scale, bias], out) => {
    const [n, channels, height, width] = shape4(node);
    const area = height * width;
    for (let plane = 0; plane < n * channels; plane++) {
      const values = x!.subarray(plane * area, (plane + 1) * area);
      let mean = 0;
      for (const value of values) mean += value / area;
      let variance = 0;
      for (const value of values) variance += (value - mean) ** 2 / area;
      const c = plane % channels;
      const factor = scale![c]! / Math.sqrt(variance + node.attributes.epsilon);
      for (let i = 0; i < area; i++) out[plane * area + i] = (values[i]! - mean) * factor + bias![c]!;
    }
    return out;
  },

  MatMul: (node, [a, b], out) => {
    const { transA } = node.attributes;
    const [m, n] = node.shape.slice(-2) as [number, number];
    const k = node.inputs[0]!.shape.at(transA ? -2 : -1)!;
    for (let batch = 0; batch * m * n < out.length; batch++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            const left = transA ? (batch * k + l) * m + i : (batch * m + i) * k + l;
            sum += a![left]! * b![(batch * k + l) * n + j]!;
          }
          out[(batch * m + i) * n + j] = sum;
        }
    return out;
  },

  Gemm: (node, [a, b], out) => {
    const { transA, transB } = node.attributes;
    const [m, n] = node.shape as [number, number];
    const k = node.inputs[0]!.shape[transA ? 0 : 1]!;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a![transA ? l * m + i : i * k + l]! * b![transB ? j * k + l : l * n + j]!;
        out[i * n + j] = sum;
      }
    return out;
  },

  DepthToSpace: (node, [x], out) => {
    const { blocksize: b } = node.attributes;
    const channels = node.shape[1]!;
    const source = stridesOf(node.inputs[0]!.shape);
    return fill(node.shape, out, ([i = 0, c = 0, row = 0, column = 0]) => {
      const depth = ((row % b) * b + (column % b)) * channels + c;
      return x![offset([i, depth, Math.floor(row / b), Math.floor(column / b)], source)]!;
    });
  },

  Transpose: (node, [x], out) => {
    const source = stridesOf(node.inputs[0]!.shape);
    return gather(
      node.shape,
      out,
      x!,
      0,
      node.attributes.perm.map((axis) => source[axis]!),
    );
  },

  Reshape: (_, [x], out) => {
    out.set(x!);
    return out;
  },

  Expand: (node, [x], out) => gather(node.shape, out, x!, 0, broadcastStrides(node.inputs[0]!.shape, node.shape)),

  Slice: (node, [x], out) => {
    const { starts, steps } = node.attributes;
    const source = stridesOf(node.inputs[0]!.shape);
    return gather(
      node.shape,
      out,
      x!,
      offset(starts, source),
      steps.map((step, axis) => step * source[axis]!),
    );
  },

  CropLike: (node, [x], out) => {
    const source = stridesOf(node.inputs[0]!.shape);
    return gather(node.shape, out, x!, offset([0, 0, ...node.attributes.start], source), source);
  },

  Concat: (node, inputs, out) => {
    const { axis } = node.attributes;
    const rows = sizeOf(node.shape.slice(0, axis));
    let at = 0;
    for (let row = 0; row < rows; row++)
      for (const [i, t] of node.inputs.entries()) {
        const length = sizeOf(t.shape.slice(axis));
        for (let j = 0; j < length; j++) out[at++] = inputs[i]![row * length + j]!;
      }
    return out;
  },

  Add: each((a, b) => a + b),
  Sub: each((a, b) => a - b),
  Mul: each((a, b) => a * b),
  Div: each((a, b) => a / b),
  Max: each((a, b) => Math.max(a, b)),
  Min: each((a, b) => Math.min(a, b)),
  Neg: each((x) => -x),
  Abs: each(Math.abs),
  Sign: each(Math.sign),
  Sqrt: each(Math.sqrt),
  Exp: each(Math.exp),
  Log: each(Math.log),
  Tanh: each(Math.tanh),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  Relu: each((x) => Math.max(0, x)),
  HardSigmoid: (node, inputs, out) => {
    const { alpha, beta } = node.attributes;
    return elementwise(node, inputs, out, (x) => Math.max(0, Math.min(1, alpha * x + beta)));
  },
  Clip: (node, inputs, out) => {
    const { min, max } = node.attributes;
    return elementwise(node, inputs, out, (x) => Math.min(max, Math.max(min, x)));
  },
  Greater: each((a, b) => Number(a > b)),
  Equal: each((a, b) => Number(a === b)),
  Where: each((condition, a, b) => (condition ? a : b)),

  ReduceSum: (node, [x], out) => reduce(node, x!, out, 1),
  ReduceMean: (node, [x], out) => reduce(node, x!, out, x!.length / out.length),
};
