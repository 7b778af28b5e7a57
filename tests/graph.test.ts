import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import {
  add,
  averagePool,
  concat,
  conv,
  div,
  expand,
  gemm,
  greater,
  instanceNormalization,
  matMul,
  max,
  maxPool,
  mean,
  mul,
  neg,
  pad,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resize,
  slice,
  square,
  sub,
  sum,
  transpose,
  where,
} from '#src/graph/ops.js';
import {
  broadcastShape,
  constant,
  formatShape,
  input,
  type Shape,
  scalar,
  sizeOf,
  stridesOf,
  type Tensor,
  topologicalOrder,
} from '#src/graph/tensor.js';
import { random } from './support/random.js';

const x = input('x', [2, 3, 4, 5]);
const m = input('m', [2, 3]);

describe('shape checks', () => {
  it.each<[string, () => unknown, string]>([
    ['input', () => input('x', [2, 0]), "Input 'x': every dimension is a whole number of at least 1, received [2,0]."],
    ['input, fraction', () => input('x', [1.5]), 'received [1.5]'],
    [
      'constant, size',
      () => constant(new Float32Array(5), [2, 3]),
      'Constant: shape [2,3] needs 6 values, received 5.',
    ],
    ['constant, shape', () => constant(new Float32Array(0), [0]), 'received [0]'],
    ['conv, rank', () => conv(m, x), 'Conv: expected a [N,C,H,W] tensor, received shape [2,3].'],
    ['conv, kernel', () => conv(x, m), 'Conv: expected a [O,I,kh,kw] tensor, received shape [2,3].'],
    [
      'conv, channels',
      () => conv(x, input('w', [4, 2, 3, 3])),
      'Conv: the kernel [4,2,3,3] needs 2 channels, received 3.',
    ],
    [
      'conv, bias',
      () => conv(x, input('w', [4, 3, 3, 3]), input('b', [3])),
      'Conv: expected a bias of shape [4], received [3].',
    ],
    [
      'conv, size',
      () => conv(x, input('w', [4, 3, 5, 5]), undefined, { pads: [0, 1, 0, 1] }),
      'Conv: a 5×5 kernel does not fit into 4×5 with pads 0,1,0,1.',
    ],
    ['maxPool, rank', () => maxPool(m), 'MaxPool: expected a [N,C,H,W] tensor, received shape [2,3].'],
    ['maxPool, size', () => maxPool(x, [5, 2]), 'MaxPool: a 5×2 window does not fit into 4×5.'],
    ['averagePool, size', () => averagePool(x, [2, 6]), 'AveragePool: a 2×6 window does not fit into 4×5.'],
    ['resize', () => resize(x, [2, 1.5]), 'Resize: scales are whole numbers, received 2×1.5.'],
    ['resize, rank', () => resize(m, [2, 2]), 'Resize: expected a [N,C,H,W] tensor, received shape [2,3].'],
    ['pad, rank', () => pad(m, [1, 0], [1]), 'Pad: [2,3] needs 2 pads on each side.'],
    [
      'pad, reflect',
      () => pad(m, [0, 3], [0, 0], 'reflect'),
      'Pad: reflect padding has to be smaller than the image: [2,3], pads 0,3/0,0.',
    ],
    ['pad, nothing left', () => pad(m, [-1, 0], [-1, 0]), 'received [0,3]'],
    [
      'instanceNormalization',
      () => instanceNormalization(x, input('s', [3]), input('b', [2])),
      'InstanceNormalization: scale and bias need shape [3].',
    ],
    ['matMul', () => matMul(m, input('n', [2, 3])), 'MatMul: cannot multiply [2,3] by [2,3].'],
    ['matMul, vector', () => matMul(m, input('n', [3])), 'MatMul: cannot multiply [2,3] by [3].'],
    [
      'matMul, batches',
      () => matMul(input('a', [2, 3, 3]), input('b', [1, 3, 3])),
      'MatMul: cannot multiply [2,3,3] by [1,3,3].',
    ],
    ['gemm', () => gemm(m, m), 'Gemm: inner sizes 3 and 2 differ ([2,3], [2,3]).'],
    ['gemm, rank', () => gemm(x, m), 'Gemm: expected a [M,K] tensor, received shape [2,3,4,5].'],
    ['transpose', () => transpose(m, [0, 0]), 'Transpose: 0,0 is not a permutation of the axes of [2,3].'],
    ['transpose, rank', () => transpose(m, [0, 1, 2]), 'is not a permutation of the axes of [2,3].'],
    ['reshape', () => reshape(m, [4]), 'Reshape: [2,3] and [4] differ in size.'],
    ['reshape, negative', () => reshape(m, [-2, -3]), 'received [-2,-3]'],
    ['expand', () => expand(m, [2, 4]), 'Expand: shapes [2,3] and [2,4] do not broadcast.'],
    ['expand, to fewer', () => expand(m, [1, 3]), 'Expand: [2,3] does not expand to [1,3].'],
    ['slice, end', () => slice(m, [0, 1], [2, 3]), 'Slice: axis 1 of [2,3] has no elements 1…3.'],
    ['slice, before', () => slice(m, [0, 1], [2, 3], [1, -1]), 'Slice: axis 1 of [2,3] has no elements 1…-1.'],
    ['slice, nothing', () => slice(m, [0, 0], [2, 0]), 'Slice: axis 1 of [2,3]'],
    ['slice, rank', () => slice(m, [0], [2]), 'Slice: every axis of [2,3] needs a range.'],
    ['concat, none', () => concat([], 0), 'Concat: needs at least one tensor.'],
    [
      'concat, shapes',
      () => concat([m, input('n', [3, 2])], 0),
      'Concat: shapes [2,3] and [3,2] differ beside axis 0.',
    ],
    ['concat, axis', () => concat([m, m], 2), 'Concat: [2,3] has no axis 2.'],
    ['concat, rank', () => concat([m, input('n', [2])], 1), 'Concat: shapes [2,3] and [2] differ beside axis 1.'],
    ['add', () => add(m, input('n', [2])), 'Add: shapes [2,3] and [2] do not broadcast.'],
    ['where, dtype', () => where(m, 1, 0), 'Where: the condition has to come from a comparison.'],
    ['where, shapes', () => where(greater(m, 0), input('n', [2]), 0), 'Where: shapes [2,3] and [2] do not broadcast.'],
    ['reduceMean', () => reduceMean(m, [2]), 'ReduceMean: [2,3] has no axis 2.'],
    ['reduceSum', () => reduceSum(m, [-1]), 'ReduceSum: [2,3] has no axis -1.'],
  ])('%s', (_, build, text) => {
    let thrown: unknown;
    try {
      build();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FauveError);
    expect((thrown as FauveError).code).toBe('input');
    expect((thrown as FauveError).message).toContain(text);
  });

  it('names an input that is not fed, or fed with too few values', () => {
    expect(() => evaluate([sum(m)])).toThrow("Input 'm' needs 6 values ([2,3]), received none.");
    expect(() => evaluate([sum(m)], { m: new Float32Array(5) })).toThrow('received 5.');
  });
});

describe('shapes', () => {
  it.each<[string, Tensor, Shape]>([
    [
      'conv, stride and pads',
      conv(x, input('w', [7, 3, 3, 2]), undefined, { strides: [2, 1], pads: [1, 0, 0, 2] }),
      [2, 7, 2, 6],
    ],
    ['max pool drops what does not fill a window', maxPool(x), [2, 3, 2, 2]],
    ['average pool', averagePool(x, [3, 1]), [2, 3, 1, 5]],
    ['resize', resize(x, [3, 2]), [2, 3, 12, 10]],
    ['pad', pad(m, [1, 0], [0, 2]), [3, 5]],
    ['matMul', matMul(x, input('y', [2, 3, 5, 6])), [2, 3, 4, 6]],
    ['gemm', gemm(m, m, { transA: true }), [3, 3]],
    ['transpose', transpose(x, [3, 0, 2, 1]), [5, 2, 4, 3]],
    ['slice', slice(x, [0, 2, 3, 0], [1, 2, 2, 3], [1, -1, -2, 2]), [1, 2, 2, 3]],
    ['concat', concat([m, m, input('n', [2, 1])], 1), [2, 7]],
    ['reduce keeps the axes', reduceSum(x, [1, 3]), [2, 1, 4, 1]],
    ['mean', mean(x), []],
  ])('%s', (_, tensor, shape) => {
    expect(tensor.shape).toEqual(shape);
  });

  it('has strides in row-major order', () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
    expect([sizeOf([]), sizeOf([2, 3]), formatShape([]), formatShape([2, 3])]).toEqual([1, 6, '[]', '[2,3]']);
  });

  it('makes no node for nothing', () => {
    expect(pad(m, [0, 0], [0, 0])).toBe(m);
    expect(reshape(m, [2, 3])).toBe(m);
    expect(expand(m, [2, 3])).toBe(m);
    expect(slice(m, [0, 0], [2, 3])).toBe(m);
    expect(concat([m], 0)).toBe(m);
    expect(reduceSum(input('one', [1, 3]), [0]).op).toBe('Input');
    // The same shape, but the other way round.
    expect(slice(m, [1, 2], [2, 3], [-1, -1])).not.toBe(m);
  });

  it('makes nodes that cannot be changed', () => {
    for (const t of [m, scalar(1), relu(m)]) expect(Object.isFrozen(t)).toBe(true);
  });
});

describe('constants', () => {
  it('computes what is known when the graph is made', () => {
    const c = constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const folded = add(mul(c, 2), transpose(c, [1, 0]));
    expect(folded.op).toBe('Constant');
    expect([...folded.data!]).toEqual([3, 7, 8, 12]);
    expect(add(c, input('x', [2, 2])).op).toBe('Add');
  });

  it('keeps float32 weights in float32 when they only move, and computes in float64', () => {
    const c = constant(Float32Array.of(0.1, 0.2), [1, 2]);
    expect(slice(transpose(c, [1, 0]), [1, 0], [2, 1], [-1, 1]).data).toEqual(Float32Array.of(0.2, 0.1));
    expect(add(c, 1).data).toEqual(Float64Array.of(1 + Math.fround(0.1), 1 + Math.fround(0.2)));
    expect(transpose(constant(Float64Array.of(0.1, 0.2), [1, 2]), [1, 0]).data).toBeInstanceOf(Float64Array);
  });

  it('does not fold a comparison, whose values are no numbers', () => {
    const condition = greater(scalar(2), 1);
    expect(condition.op).toBe('Greater');
    expect([...evaluate([where(condition, 5, 6)])[0]!]).toEqual([5]);
  });

  it('turns a frozen kernel once for all the graphs that it is in', () => {
    const w = constant(random(1).uniform([2, 3, 3, 3]), [2, 3, 3, 3]);
    const kernels = [1, 2].map(() => {
      const image = input('image', [1, 3, 6, 6]);
      const [gradient] = grad(sum(square(conv(image, w))), [image]);
      return topologicalOrder([gradient!]).filter((t) => t.op === 'Constant' && t.shape.join() === '3,2,3,3');
    });
    expect(kernels.map((k) => k.length)).toEqual([1, 1]);
    expect(kernels[0]![0]).toBe(kernels[1]![0]);
  });
});

describe('what is repeated', () => {
  const large = [1, 3, 200, 301];
  const x = input('x', large);

  it('is no constant of that size, wherever it goes', () => {
    const repeated = expand(scalar(3), large);
    for (const y of [
      mul(repeated, x),
      sub(1, mul(repeated, 2)),
      relu(sub(x, neg(repeated))),
      add(repeated, repeated),
    ]) {
      const constants = topologicalOrder([y]).filter((node) => node.op === 'Constant');
      expect(y.shape).toEqual(large);
      expect(constants.every(({ shape }) => sizeOf(shape) === 1)).toBe(true);
    }
  });

  it('has the values of a repeated one', () => {
    const row = input('row', [2, 1, 4]);
    const full = expand(row, [2, 3, 4]);
    const feeds = { row: Float32Array.from({ length: 8 }, (_, i) => i - 3.5) };
    const [direct, product, negative] = evaluate([full, mul(full, full), neg(full)], feeds);
    expect(product).toEqual(direct!.map((value) => value * value));
    expect(negative).toEqual(direct!.map((value) => -value));
  });

  it('makes the gradient of a mean without a constant of the size of the picture', () => {
    const [gradient] = grad(mean(square(x)), [x]);
    expect(topologicalOrder([gradient!]).filter(({ op, shape }) => op === 'Constant' && sizeOf(shape) > 1)).toEqual([]);
  });
});

describe('broadcasting', () => {
  /** Shapes that broadcast: of a common shape, some axes are 1 and some leading ones left out. */
  const compatible = fc
    .array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })
    .chain((shape) => fc.tuple(fc.constant(shape), squeezed(shape), squeezed(shape)));

  function squeezed(shape: readonly number[]): fc.Arbitrary<number[]> {
    const axes = fc.tuple(...shape.map((dim) => fc.constantFrom(1, dim)));
    return fc.tuple(axes, fc.nat(shape.length)).map(([dims, dropped]) => [...dims].slice(dropped) as number[]);
  }

  /** The element that a result at `index` takes from a tensor: the last axes, 0 where the length is 1. */
  function element(values: Float32Array, shape: Shape, index: readonly number[]): number {
    const own = index.slice(index.length - shape.length);
    return values[own.reduce((at, i, axis) => at * shape[axis]! + (shape[axis] === 1 ? 0 : i), 0)]!;
  }

  function indices(shape: Shape): number[][] {
    return shape.reduce<number[][]>(
      (all, dim) => all.flatMap((i) => [...Array(dim).keys()].map((j) => [...i, j])),
      [[]],
    );
  }

  it('repeats axes of length 1 and missing leading axes', () => {
    fc.assert(
      fc.property(compatible, fc.integer(), ([, a, b], seed) => {
        const values = random(seed);
        const feeds = { a: values.uniform(a), b: values.uniform(b, 1, 2) };
        const [left, right] = [input('a', a), input('b', b)];
        const rank = Math.max(a.length, b.length);
        const full = (shape: Shape) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
        const shape = full(a).map((dim, axis) => Math.max(dim, full(b)[axis]!));
        const results = [
          sub(left, right),
          div(left, right),
          max(left, right),
          where(greater(left, right), left, right),
        ];
        for (const t of results) expect(t.shape).toEqual(shape);
        const [difference, quotient, greatest, chosen] = evaluate(results, feeds);
        indices(shape).forEach((index, at) => {
          const [p, q] = [element(feeds.a, a, index), element(feeds.b, b, index)];
          expect([difference![at], quotient![at], greatest![at], chosen![at]]).toEqual([
            p - q,
            p / q,
            Math.max(p, q),
            Math.max(p, q),
          ]);
        });
      }),
      { seed: 1905, numRuns: 150 },
    );
  });

  it('is commutative, and refuses different lengths', () => {
    fc.assert(
      fc.property(compatible, ([, a, b]) => {
        expect(broadcastShape('Add', a, b)).toEqual(broadcastShape('Add', b, a));
      }),
      { seed: 1905 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 }), (a, b) => {
        fc.pre(a !== b);
        expect(() => broadcastShape('Add', [3, a, 1], [b, 2])).toThrow(
          `shapes [3,${a},1] and [${b},2] do not broadcast`,
        );
      }),
      { seed: 1905 },
    );
  });
});

describe('topological order', () => {
  it('walks a chain of 20 000 nodes without overflowing the stack', () => {
    let t: Tensor = x;
    for (let i = 0; i < 20_000; i++) t = relu(t);
    const order = topologicalOrder([t]);
    expect(order).toHaveLength(20_001);
    expect([order[0], order.at(-1)]).toEqual([x, t]);
  });

  it('has every node once, after its inputs', () => {
    const shared = mul(m, 2);
    const outputs = [add(relu(shared), shared), sum(shared), m];
    const order = topologicalOrder(outputs);
    expect(new Set(order).size).toBe(order.length);
    for (const [i, node] of order.entries()) {
      for (const t of node.inputs) expect(order.slice(0, i)).toContain(t);
    }
    for (const t of outputs) expect(order).toContain(t);
    expect(topologicalOrder([])).toEqual([]);
  });
});
