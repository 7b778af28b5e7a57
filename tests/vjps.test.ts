import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import {
  abs,
  add,
  averagePool,
  conv,
  div,
  equal,
  exp,
  greater,
  hardSigmoid,
  instanceNormalization,
  matMul,
  maxPool,
  mean,
  mul,
  pad,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resize,
  sign,
  slice,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  where,
} from '#src/graph/ops.js';
import {
  constant,
  input,
  type OpName,
  type PadMode,
  type Pads,
  type Pair,
  type Shape,
  scalar,
  type Tensor,
  topologicalOrder,
} from '#src/graph/tensor.js';
import { vjps } from '#src/graph/vjps.js';
import { loadOracle, type OracleOp } from './oracle/oracle.js';
import { centralDifference, innerProduct, relativeDifference, relativeError } from './support/numbers.js';
import { leafOps, type OpCase, opCases } from './support/op-cases.js';
import { random } from './support/random.js';

/** Their derivative is 0 wherever it exists: nothing flows through them. */
const withoutDerivative: readonly OpName[] = ['Greater', 'Equal', 'Sign'];

/** A scalar whose derivative with respect to the output is random: Σ r·y. */
function weighted({ output }: OpCase, seed: number): Tensor {
  return sum(mul(output, constant(random(seed).uniform(output.shape), output.shape)));
}

describe('the table', () => {
  it.each(Object.keys(vjps).filter((op) => !leafOps.includes(op as OpName)))('%s has a case that contains it', (op) => {
    const own = opCases.filter((c) => c.op === op);
    expect(own.length).toBeGreaterThan(0);
    for (const { output } of own) expect(topologicalOrder([output]).map((node) => node.op)).toContain(op);
    expect(own.every((c) => c.differentiable)).toBe(!withoutDerivative.includes(op as OpName));
  });

  it.each(withoutDerivative)('%s passes nothing on', (op) => {
    const example = opCases.find((c) => c.op === op)!;
    expect(() => grad(weighted(example, 1), example.inputs)).toThrow(/does not depend on/);
  });
});

describe('derivatives against central differences', () => {
  it.each(opCases.filter((c) => c.differentiable))('$title', (example) => {
    const loss = weighted(example, 2);
    const gradients = evaluate(grad(loss, example.inputs), example.feeds);
    for (const [i, { attributes, shape }] of example.inputs.entries()) {
      const { name } = attributes;
      expect(gradients[i]!.length).toBe(example.feeds[name]!.length);
      for (const seed of [3, 4]) {
        const direction = random(seed).uniform(shape);
        const f = (x: Float64Array) => evaluate([loss], { ...example.feeds, [name]: x })[0]![0]!;
        const numeric = centralDifference(f, example.feeds[name]!, direction, 1e-5);
        const along = innerProduct(gradients[i]!, direction);
        expect(relativeDifference(along, numeric), `d/d${name}: ${along}, numerically ${numeric}`).toBeLessThan(1e-6);
      }
    }
  });
});

describe('against PyTorch', () => {
  /** The op of a case of the oracle, with the arguments in its order. */
  const build: Record<string, (attributes: OracleOp['attributes'], ...t: [Tensor, Tensor, Tensor]) => Tensor> = {
    Conv: ({ strides, pads }, x, w, b) => conv(x, w, b, { strides: strides as Pair, pads: pads as Pads }),
    InstanceNormalization: ({ epsilon }, x, scale, bias) => instanceNormalization(x, scale, bias, epsilon as number),
    Pad: ({ before, after, mode }, x) => pad(x, before as Shape, after as Shape, mode as PadMode),
    AveragePool: ({ kernel }, x) => averagePool(x, kernel as Pair),
    MaxPool: ({ kernel }, x) => maxPool(x, kernel as Pair),
    Resize: ({ scales }, x) => resize(x, scales as Pair),
    MatMul: (_, a, b) => matMul(a, b),
    Tanh: (_, x) => tanh(x),
    Mul: (_, a, b) => mul(a, b),
    Div: (_, a, b) => div(a, b),
    ReduceMean: ({ axes }, x) => reduceMean(x, axes as Shape),
  };

  it.each(loadOracle().ops)('$title', ({ op, attributes, inputs, output, upstream, gradients }) => {
    const tensors = Object.entries(inputs).map(([name, { shape }]) => input(name, shape));
    const y = build[op]!(attributes, ...(tensors as unknown as [Tensor, Tensor, Tensor]));
    expect(y.shape).toEqual(output.shape);
    const loss = sum(mul(y, constant(upstream.data, upstream.shape)));
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
    const [value, ...received] = evaluate([y, ...grad(loss, tensors)], feeds);
    expect(relativeError(value!, output.data)).toBeLessThan(1e-8);
    for (const [i, name] of Object.keys(inputs).entries()) {
      expect(relativeError(received[i]!, gradients[name]!.data), name).toBeLessThan(1e-8);
    }
  });
});

describe('the walk', () => {
  const x = input('x', [2, 3]);
  const values = random(5).uniform([2, 3], 0.2, 1);
  const at = (t: Tensor, feeds: Record<string, Float32Array> = { x: values }) => [...evaluate([t], feeds)[0]!];
  const closeTo = (received: readonly number[], expected: readonly number[]) => {
    expect(received.length).toBe(expected.length);
    received.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  };

  it('adds up what comes back to a tensor that is used several times', () => {
    const y = exp(x);
    const [gradient] = grad(sum(add(add(mul(y, x), y), mul(x, 3))), [x]);
    closeTo(
      at(gradient!),
      [...values].map((v) => Math.exp(v) * (v + 2) + 3),
    );
  });

  it('adds up along a chain that doubles at each step without doubling the graph', () => {
    let y: Tensor = x;
    for (let i = 0; i < 40; i++) y = add(y, mul(y, 0.5));
    const [gradient] = grad(sum(y), [x]);
    expect(topologicalOrder([gradient!]).length).toBeLessThan(300);
    closeTo(
      at(gradient!).map((value) => value / 1.5 ** 40),
      [1, 1, 1, 1, 1, 1],
    );
  });

  it.each([[[]], [[1]], [[3]], [[1, 3]], [[2, 1]], [[1, 1]]])(
    'sums over what was repeated: [%s] over [2,3]',
    (shape) => {
      const small = input('small', shape);
      const [gradient] = grad(sum(mul(x, small)), [small]);
      expect(gradient!.shape).toEqual(shape);
      const repeated = evaluate([gradient!], {
        x: values,
        small: new Float32Array(small.shape.reduce((a, b) => a * b, 1)),
      });
      const [a, b, c, d, e, f] = [...values] as [number, number, number, number, number, number];
      const expected: Record<string, number[]> = { '3': [a + d, b + e, c + f], '2,1': [a + b + c, d + e + f] };
      closeTo([...repeated[0]!], expected[shape.join().replace('1,3', '3')] ?? [a + b + c + d + e + f]);
    },
  );

  it('differentiates with respect to a tensor in the middle, a constant and the output itself', () => {
    const middle = square(x);
    const factor = constant(Float32Array.of(2, 3, 4), [3]);
    const output = sum(mul(middle, factor));
    const [byMiddle, byFactor, byOutput] = grad(output, [middle, factor, output]);
    closeTo(at(byMiddle!), [2, 3, 4, 2, 3, 4]);
    closeTo(
      at(byFactor!),
      [0, 1, 2].map((i) => values[i]! ** 2 + values[i + 3]! ** 2),
    );
    closeTo(at(byOutput!), [1]);
  });

  it('gives the gradient of a gradient', () => {
    // f = mean(x³ + tanh(x)²): f' and f'' by hand.
    const f = mean(add(mul(square(x), x), square(tanh(x))));
    const [first] = grad(f, [x]);
    const [second] = grad(sum(first!), [x]);
    const t = [...values].map(Math.tanh);
    closeTo(
      at(first!),
      [...values].map((v, i) => (3 * v ** 2 + 2 * t[i]! * (1 - t[i]! ** 2)) / 6),
    );
    closeTo(
      at(second!),
      [...values].map((v, i) => (6 * v + 2 * (1 - t[i]! ** 2) * (1 - 3 * t[i]! ** 2)) / 6),
    );
  });

  it('gives the gradient of a gradient that mixes elements', () => {
    // f = √(Σx²): its gradient is x/‖x‖, and v·∇(Σ w·x/‖x‖) is checked by a difference of the first gradient.
    const [first] = grad(sqrt(sum(square(x))), [x]);
    const weights = random(6).uniform([2, 3]);
    const inner = sum(mul(first!, constant(weights, [2, 3])));
    const [second] = grad(inner, [x]);
    const direction = random(7).uniform([2, 3]);
    const f = (values: Float64Array) => evaluate([inner], { x: values })[0]![0]!;
    const numeric = centralDifference(f, values, direction, 1e-5);
    expect(relativeDifference(innerProduct(at(second!), direction), numeric)).toBeLessThan(1e-7);
  });

  it('shares a window between equal maxima, also those of a flat picture', () => {
    const picture = input('x', [1, 1, 2, 4]);
    const [gradient] = grad(sum(mul(maxPool(picture), constant(Float32Array.of(8, 3), [1, 1, 1, 2]))), [picture]);
    // The left window is flat; the right one holds its maximum once among three equal smaller values.
    closeTo(at(gradient!, { x: Float32Array.of(5, 5, -1, -1, 5, 5, 2, -1) }), [2, 2, 0, 0, 2, 2, 3, 0]);
  });

  it('passes nothing through a ReLU or an absolute value at 0, and nothing beyond the steps of HardSigmoid', () => {
    const y = input('x', [3]);
    const feeds = { x: Float32Array.of(-1, 0, 1) };
    closeTo(at(grad(sum(relu(y)), [y])[0]!, feeds), [0, 0, 1]);
    closeTo(at(grad(sum(relu(y)), [y])[0]!, { x: Float32Array.of(-1e-20, 1e-20, 1e20) }), [0, 1, 1]);
    closeTo(at(grad(sum(abs(y)), [y])[0]!, feeds), [-1, 0, 1]);
    closeTo(at(grad(sum(hardSigmoid(y, 0.5, 0)), [y])[0]!, feeds), [0, 0, 0.5]);
  });

  it('goes only where it is needed', () => {
    // The derivative with respect to b alone needs neither a's branch nor the conditions.
    const [a, b] = [input('a', [2]), input('b', [2])];
    const [gradient] = grad(sum(add(exp(exp(a)), where(greater(a, 0), b, div(b, 2)))), [b]);
    expect(topologicalOrder([gradient!]).some((node) => node.op === 'Exp')).toBe(false);
    closeTo(at(gradient!, { a: Float32Array.of(1, -1), b: Float32Array.of(7, 7) }), [1, 0.5]);
  });
});

describe('errors', () => {
  const x = input('x', [2, 3]);

  it('needs a scalar', () => {
    expect(() => grad(square(x), [x])).toThrow(FauveError);
    expect(() => grad(square(x), [x])).toThrow('grad needs a scalar of shape [], received [2,3]. Use mean or sum.');
    // One element is not yet a scalar.
    expect(() => grad(reduceSum(x), [x])).toThrow('received [1,1]');
  });

  it.each<[string, (y: Tensor) => Tensor]>([
    ['another input', () => sum(input('z', [2, 3]))],
    ['a constant', () => scalar(3)],
    ['the sign only', (y) => sum(sign(y))],
    ['a condition only', (y) => sum(where(equal(y, 0), 1, 2))],
  ])('names the tensor that the output does not depend on: %s', (_, build) => {
    expect(() => grad(build(x), [x])).toThrow('the output does not depend on the Input of shape [2,3]');
  });

  it('names the one of several that is missing', () => {
    const other = input('other', [4]);
    expect(() => grad(mean(sub(x, reshape(slice(x, [0, 0], [1, 1]), []))), [x, other])).toThrow('shape [4]');
  });
});
