import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { evaluate } from '#src/graph/evaluate.js';
import { grad } from '#src/graph/grad.js';
import {
  add,
  averagePool,
  clip,
  concat,
  conv,
  gemm,
  hardSigmoid,
  instanceNormalization,
  maxPool,
  mul,
  pad,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resize,
  slice,
  sub,
  sum,
  transpose,
} from '#src/graph/ops.js';
import { constant, input, type Tensor } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { bytes, encode, float, integer, integers, message, string } from '#src/onnx/protobuf.js';
import { relativeError } from './support/numbers.js';
import { opCases } from './support/op-cases.js';
import { runOnnx } from './support/ort.js';
import { random } from './support/random.js';

const { onnx } = onnxProto;
type AttributeProto = InstanceType<typeof onnx.AttributeProto>;

/** float32 has a unit of 6e-8; sums of a few dozen products lose some more. */
const FLOAT32 = 2e-6;

describe('in ONNX Runtime, against the float64 reference', () => {
  it.each(opCases)('$title', async ({ inputs, feeds, output, differentiable }) => {
    const upstream = input('upstream', output.shape);
    const fed = { ...feeds, upstream: random(11).uniform(output.shape) };
    const outputs: Record<string, Tensor> = { output };
    if (differentiable) {
      const gradients = grad(sum(mul(output, upstream)), inputs);
      for (const [i, gradient] of gradients.entries()) outputs[`gradient of ${'abc'[i]}`] = gradient;
    }
    const received = await runOnnx(outputs, fed);
    const expected = evaluate(Object.values(outputs), fed);
    for (const [i, name] of Object.keys(outputs).entries()) {
      expect(relativeError(received[name]!, expected[i]!), name).toBeLessThan(FLOAT32);
    }
  });

  it('shares a flat window between all its elements', async () => {
    const x = input('x', [2, 1, 5, 4]);
    const [gradient] = grad(sum(maxPool(x)), [x]);
    const { g } = await runOnnx({ g: gradient! }, { x: new Float32Array(40).fill(0.3) });
    const plane = [...new Array<number>(16).fill(0.25), 0, 0, 0, 0];
    expect([...g!]).toEqual([...plane, ...plane]);
  });

  it('gives the whole gradient to the maximum, however close the others are', async () => {
    const x = input('x', [1, 1, 2, 2]);
    const [gradient] = grad(sum(maxPool(x)), [x]);
    const next = 1 + 2 ** -23;
    const { g } = await runOnnx({ g: gradient! }, { x: Float32Array.of(1, next, 1, -1) });
    expect([...g!]).toEqual([0, 1, 0, 0]);
  });

  it('differentiates a small network with pooling, padding and shared weights', async () => {
    const values = random(12);
    const x = input('x', [2, 3, 11, 9]);
    const w = input('w', [3, 3, 3, 3]);
    const b = input('b', [3]);
    const layer = (t: Tensor) => relu(conv(t, w, b, { pads: [1, 1, 1, 1] }));
    const f = layer(maxPool(layer(pad(x, [0, 0, 1, 1], [0, 0, 1, 1], 'reflect'))));
    const rows = reshape(transpose(f, [1, 0, 2, 3]), [3, f.shape[0]! * f.shape[2]! * f.shape[3]!]);
    const loss = sum(mul(gemm(rows, rows, { transB: true }), 1 / 270));
    const [gx, gw, gb] = grad(loss, [x, w, b]);
    const outputs = { loss, gx: gx!, gw: gw!, gb: gb! };
    const feeds = { x: values.uniform(x.shape), w: values.uniform(w.shape), b: values.uniform(b.shape) };
    const received = await runOnnx(outputs, feeds);
    const expected = evaluate(Object.values(outputs), feeds);
    for (const [i, name] of Object.keys(outputs).entries()) {
      expect(relativeError(received[name]!, expected[i]!), name).toBeLessThan(1e-5);
    }
  });
});

describe('outputs that nothing computes', () => {
  const x = input('x', [2, 2]);
  const two = constant(Float64Array.of(1, 2), [2]);

  it('passes an input, a constant and one tensor by two names on', async () => {
    const y = add(x, 1);
    const feeds = { x: Float32Array.of(1, 2, 3, 4) };
    const received = await runOnnx({ same: x, again: x, two, y, copy: y }, feeds);
    expect(Object.keys(received).sort()).toEqual(['again', 'copy', 'same', 'two', 'y']);
    expect([...received.same!]).toEqual([1, 2, 3, 4]);
    expect([...received.again!]).toEqual([1, 2, 3, 4]);
    expect([...received.two!]).toEqual([1, 2]);
    expect([...received.y!]).toEqual([2, 3, 4, 5]);
    expect([...received.copy!]).toEqual([2, 3, 4, 5]);
  });

  it('computes a tensor that is an output and feeds another one', async () => {
    const y = add(x, 1);
    const received = await runOnnx({ z: mul(y, 2), y }, { x: Float32Array.of(1, 2, 3, 4) });
    expect([...received.y!]).toEqual([2, 3, 4, 5]);
    expect([...received.z!]).toEqual([4, 6, 8, 10]);
  });

  it('keeps names apart from those that it makes up', async () => {
    // Made-up names are t and c with a number: t2 would be the third value, c1 the second initialiser.
    const [t1, c0] = [input('t1', [2, 2]), input('c0', [2, 2])];
    const received = await runOnnx(
      { t3: mul(mul(add(t1, c0), 2), 0.25), t2: sub(t1, c0), c1: add(mul(c0, 3), t1), t4: two },
      { t1: Float32Array.of(1, 2, 3, 4), c0: Float32Array.of(2, 2, 2, 2) },
    );
    expect([...received.t3!]).toEqual([1.5, 2, 2.5, 3]);
    expect([...received.t2!]).toEqual([-1, 0, 1, 2]);
    expect([...received.c1!]).toEqual([7, 8, 9, 10]);
    expect([...received.t4!]).toEqual([1, 2]);
  });

  it('refuses two inputs of one name, and an input with the name of an output', () => {
    expect(() => emitModel({ y: add(x, input('x', [2])) })).toThrow("called 'x'");
    expect(() => emitModel({ x: add(x, 1) })).toThrow("called 'x'");
  });
});

describe('the bytes, read by onnx-proto', () => {
  const read = (outputs: Record<string, Tensor>) => onnx.ModelProto.decode(emitModel(outputs).bytes);
  const onlyNode = (t: Tensor) => {
    const { node } = read({ y: t }).graph!;
    expect(node).toHaveLength(1);
    return node![0]!;
  };
  /** The attributes of the one node of a graph, by name. */
  const attributes = (t: Tensor): Record<string, unknown> =>
    Object.fromEntries(
      onlyNode(t).attribute!.map((a) => {
        const { FLOAT, INT, STRING, INTS } = onnx.AttributeProto.AttributeType;
        const value = (a as AttributeProto).type;
        if (value === FLOAT) return [a.name, a.f];
        if (value === INT) return [a.name, Number(a.i)];
        if (value === STRING) return [a.name, new TextDecoder().decode(a.s!)];
        if (value === INTS) return [a.name, a.ints!.map(Number)];
        throw new Error(`${a.name} has type ${value}.`);
      }),
    );
  /** The int64 values that a node is given as an input. */
  const int64s = (t: Tensor, position: number): number[] => {
    const { initializer } = read({ y: t }).graph!;
    const found = initializer!.find((i) => i.name === onlyNode(t).input![position])!;
    expect(found.dataType).toBe(onnx.TensorProto.DataType.INT64);
    const values = new BigInt64Array(Uint8Array.from(found.rawData!).buffer);
    expect(found.dims!.map(Number)).toEqual([values.length]);
    return Array.from(values, Number);
  };
  const x = input('x', [1, 2, 6, 5]);

  it('says versions, names and shapes', () => {
    const w = Float32Array.from({ length: 6 }, (_, i) => i / 7);
    const model = read({ 'loss of ψ': sum(conv(x, constant(w, [3, 2, 1, 1]))), y: relu(x) });
    expect(Number(model.irVersion)).toBe(8);
    expect(model.opsetImport!.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', 13]]);
    expect(model.producerName).toBe('fauve');
    const { graph } = model;
    const shapes = (values: onnxProto.onnx.IValueInfoProto[] | null | undefined) =>
      values!.map(({ name, type }) => {
        expect(type!.tensorType!.elemType).toBe(onnx.TensorProto.DataType.FLOAT);
        return [name, type!.tensorType!.shape!.dim!.map(({ dimValue }) => Number(dimValue))];
      });
    expect(shapes(graph!.input)).toEqual([['x', [1, 2, 6, 5]]]);
    expect(shapes(graph!.output)).toEqual([
      ['loss of ψ', []],
      ['y', [1, 2, 6, 5]],
    ]);
    const weights = graph!.initializer!.find(({ dims }) => dims!.map(Number).join() === '3,2,1,1')!;
    expect(weights.dataType).toBe(onnx.TensorProto.DataType.FLOAT);
    expect(new Float32Array(Uint8Array.from(weights.rawData!).buffer)).toEqual(w);
    // Every name is defined before it is used: inputs and initialisers first, nodes in order.
    const known = new Set(['', ...graph!.input!.map((v) => v.name), ...graph!.initializer!.map((t) => t.name)]);
    for (const node of graph!.node!) {
      for (const name of node.input!) expect(known).toContain(name);
      for (const name of node.output!) known.add(name);
    }
    for (const { name } of graph!.output!) expect(known).toContain(name);
  });

  it('says the same of inputs and outputs beside the bytes', () => {
    const { inputs, outputs } = emitModel({ a: sum(x), b: maxPool(x) });
    expect(inputs).toEqual({ x: [1, 2, 6, 5] });
    expect(outputs).toEqual({ a: [], b: [1, 2, 3, 2] });
  });

  it('has the attributes of the ONNX spec', () => {
    const w = input('w', [3, 2, 3, 2]);
    expect(attributes(conv(x, w, undefined, { strides: [2, 1], pads: [0, 1, 2, 3] }))).toEqual({
      kernel_shape: [3, 2],
      strides: [2, 1],
      pads: [0, 1, 2, 3],
    });
    expect(attributes(maxPool(x, [3, 2]))).toEqual({ kernel_shape: [3, 2], strides: [3, 2] });
    expect(attributes(averagePool(x))).toEqual({ kernel_shape: [2, 2], strides: [2, 2] });
    expect(attributes(resize(x, [2, 3]))).toEqual({
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    expect(attributes(pad(x, [0, 0, 1, 2], [0, 0, 3, 4], 'reflect'))).toEqual({ mode: 'reflect' });
    const c = input('c', [2]);
    expect(attributes(instanceNormalization(x, c, c, 0.125))).toEqual({ epsilon: 0.125 });
    const m = input('m', [4, 4]);
    expect(attributes(gemm(m, m, { transB: true }))).toEqual({ transA: 0, transB: 1 });
    expect(attributes(transpose(x, [3, 1, 0, 2]))).toEqual({ perm: [3, 1, 0, 2] });
    expect(attributes(concat([x, x], 2))).toEqual({ axis: 2 });
    expect(attributes(hardSigmoid(x, -0.5, 4))).toEqual({ alpha: -0.5, beta: 4 });
    expect(attributes(reduceSum(x, [1, 3]))).toEqual({ keepdims: 1 });
    expect(attributes(reduceMean(x, [1, 3]))).toEqual({ axes: [1, 3], keepdims: 1 });
    expect(attributes(relu(x))).toEqual({});
  });

  it('gives as inputs what ONNX wants as inputs', () => {
    expect(int64s(pad(x, [0, 1, 1, 2], [0, 0, 3, 4]), 1)).toEqual([0, 1, 1, 2, 0, 0, 3, 4]);
    expect(int64s(reshape(x, [3, 20]), 1)).toEqual([3, 20]);
    expect(int64s(reshape(input('one', [1, 1]), []), 1)).toEqual([]);
    expect(int64s(reduceSum(x, [1, 3]), 1)).toEqual([1, 3]);
    // Backwards to the first element: an end of −1 would mean the last one.
    const backwards = slice(x, [0, 1, 5, 4], [1, 2, 3, 5], [1, -1, -2, -1]);
    expect(int64s(backwards, 1)).toEqual([0, 1, 5, 4]);
    expect(int64s(backwards, 2)).toEqual([1, -3, -7, -6]);
    expect(int64s(backwards, 3)).toEqual([0, 1, 2, 3]);
    expect(int64s(backwards, 4)).toEqual([1, -1, -2, -1]);
    // Resize skips its second input, the region of interest.
    expect(onlyNode(resize(x, [2, 3])).input![1]).toBe('');
  });

  it('writes equal small constants once and large ones as they are', () => {
    const { initializer } = read({ y: clip(mul(add(x, 0.5), 0.5), 0.5, 3) }).graph!;
    expect(initializer!.length).toBe(2);
    const data = random(13).uniform([1, 2, 6, 5]);
    const large = read({ y: add(x, constant(data, x.shape)) }).graph!.initializer!;
    expect(new Float32Array(Uint8Array.from(large[0]!.rawData!).buffer)).toEqual(data);
  });
});

describe('the wire format', () => {
  // Dimension.dim_value is field 1, an int64.
  const decoded = (value: number | bigint) =>
    BigInt(String(onnx.TensorShapeProto.Dimension.decode(encode(integer(1, value))).dimValue));

  it.each([0n, 1n, 127n, 128n, 16383n, 16384n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n + 1n, 2n ** 63n - 1n])(
    'writes %s and its negative',
    (value) => {
      expect(decoded(value)).toBe(value);
      expect(decoded(-value)).toBe(-value);
    },
  );

  it('writes every int64', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        expect(decoded(value)).toBe(value);
      }),
      { seed: 1905 },
    );
  });

  it('writes the bytes of the protobuf guide', () => {
    // https://protobuf.dev/programming-guides/encoding: field 1 = 150; field 2 = "testing"; field 6 = [3, 270, 86942].
    const hex = (values: Uint8Array) => Buffer.from(values).toString('hex');
    expect(hex(encode(integer(1, 150)))).toBe('089601');
    expect(hex(encode(string(2, 'testing')))).toBe('120774657374696e67');
    expect(hex(encode(message(3, integer(1, 150))))).toBe('1a03089601');
    expect(hex(encode(integers(6, [3, 270, 86942])))).toBe('3206038e029ea705');
    // -2 as an int64 is ten bytes; field numbers from 16 on take two bytes.
    expect(hex(encode(integer(1, -2)))).toBe('08feffffffffffffffff01');
    expect(hex(encode(integer(16, 1)))).toBe('800101');
    expect(hex(encode(float(5, 1)))).toBe('2d0000803f');
    expect(hex(encode(bytes(1, new Uint8Array(200))))).toBe(`0ac801${'00'.repeat(200)}`);
  });

  it('counts the bytes of a string, not its characters', () => {
    const text = 'André Derain — Collioure, 1905';
    expect(onnx.StringStringEntryProto.decode(encode(string(1, text))).key).toBe(text);
  });

  it('writes packed int64s', () => {
    const values = [0, -1, 300, 2 ** 40];
    expect(onnx.TensorProto.decode(encode(integers(1, values))).dims!.map(Number)).toEqual(values);
  });
});
