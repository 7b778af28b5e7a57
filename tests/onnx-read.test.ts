import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { toFloat32, toHalf } from '#src/formats/floats.js';
import { add, conv, relu } from '#src/graph/ops.js';
import { constant, input } from '#src/graph/tensor.js';
import { emitModel } from '#src/onnx/model.js';
import { readModel } from '#src/onnx/read.js';
import { random } from './support/random.js';
import { tinyFile } from './support/tiny-style-network.js';

const { onnx } = onnxProto;

/** What an independent reader finds in a model. */
function expected(bytes: Uint8Array) {
  const { producerName, metadataProps, graph } = onnx.ModelProto.decode(bytes);
  const initialisers = graph!.initializer!.flatMap(({ name, dims, dataType, rawData }) => {
    const type = (['FLOAT', 'FLOAT16', 'INT8'] as const).find((each) => onnx.TensorProto.DataType[each] === dataType);
    if (!type) return [];
    return [[name, { shape: dims!.map(Number), type, bytes: [...rawData!] }]] as const;
  });
  return {
    producer: producerName,
    metadata: Object.fromEntries(metadataProps!.map(({ key, value }) => [key, value])),
    initialisers: new Map(initialisers),
  };
}

/** The same, read by Fauve. */
function received(bytes: Uint8Array) {
  const model = readModel(bytes);
  const initialisers = [...model.initialisers].map(
    ([name, tensor]) => [name, { ...tensor, bytes: [...tensor.bytes] }] as const,
  );
  return { ...model, initialisers: new Map(initialisers) };
}

/** The error of a reader that must not throw anything else. */
function failure(bytes: Uint8Array, name?: string): FauveError | undefined {
  try {
    readModel(bytes, name);
    return undefined;
  } catch (error) {
    if (error instanceof FauveError && error.code === 'input') return error;
    throw error;
  }
}

const x = input('x', [1, 2, 6, 5]);
const kernel = random(1).uniform([3, 2, 1, 1]);
const small = emitModel(
  { y: relu(conv(x, constant(kernel, [3, 2, 1, 1]))) },
  { metadata: { α: 'β', empty: '' } },
).bytes;

describe('a model that was written', () => {
  it.each<[string, Uint8Array]>([
    ['with a constant and metadata', small],
    ['without any', emitModel({ y: relu(x) }).bytes],
    ['of a style network', tinyFile(2)],
  ])('is read as onnx-proto reads it: %s', (_, bytes) => {
    expect(received(bytes)).toEqual(expected(bytes));
  });

  it('gives its weights and its metadata', () => {
    const w = input('w', [2, 6, 5]);
    const halves = toHalf(random(2).uniform([60]));
    const metadata = { name: 'Woman with a Hat — 1905', styles: '["wave"]' };
    const { bytes } = emitModel({ y: add(x, w) }, { weights: new Map([['w', halves]]), metadata });
    const model = readModel(bytes);
    expect(model).toMatchObject({ producer: 'fauve', metadata });
    const { shape, type, bytes: raw } = model.initialisers.get('w')!;
    expect([shape, type]).toEqual([[2, 6, 5], 'FLOAT16']);
    expect(toFloat32(raw, 'F16')).toEqual(toFloat32(new Uint8Array(halves.buffer), 'F16'));
  });

  it('is read whatever is packed, and whatever else is in it', () => {
    const model = onnx.ModelProto.create({
      ...{ irVersion: 8, producerName: 'another', producerVersion: '2', docString: 'x'.repeat(300) },
      graph: {
        name: 'g',
        initializer: [
          { name: 'plain', dims: [2, 1], dataType: 1, rawData: new Uint8Array(8) },
          { name: 'listed', dims: [1], dataType: 1, floatData: [1] },
          { name: 'whole', dims: [300], dataType: 7, rawData: new Uint8Array(2400) },
        ],
      },
    });
    const read = readModel(onnx.ModelProto.encode(model).finish());
    expect(read.producer).toBe('another');
    expect([...read.initialisers.keys()]).toEqual(['plain']);
    expect(read.initialisers.get('plain')!.shape).toEqual([2, 1]);
  });
});

describe('bytes that are no model', () => {
  it('are refused by name', () => {
    expect(failure(Uint8Array.of(1, 2, 3), 'a.onnx')?.message).toMatch(
      /^a\.onnx is no ONNX model: .*\. Get the file again\.$/,
    );
    expect(failure(new Uint8Array(0))?.message).toBe(
      'The model is no ONNX model: it has no graph. Get the file again.',
    );
  });

  it('give an error for users or are read, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        failure(bytes);
      }),
      { seed: 1905, numRuns: 1000 },
    );
  });

  it('give an error for users or are read when a few bytes of a model are damaged', () => {
    const change = fc.tuple(fc.nat(small.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = small.slice();
        for (const [at, value] of changes) bytes[at] = value;
        failure(bytes);
      }),
      { seed: 1905, numRuns: 1000 },
    );
  });

  it('are told wherever the file was cut, except where all that is missing is at the end', () => {
    const whole = received(small);
    for (let length = 0; length < small.length; length++) {
      const cut = small.subarray(0, length);
      if (failure(cut)) continue;
      expect(received(cut).initialisers).toEqual(whole.initialisers);
    }
  });
});
