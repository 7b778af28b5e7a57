import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { evaluate } from '#src/graph/evaluate.js';
import { input, type OpName, type Tensor, topologicalOrder } from '#src/graph/tensor.js';
import { caffePreprocessing, convLayers, networkSpec, torchvisionPreprocessing } from '#src/networks/registry.js';
import { type Pooling, vgg } from '#src/networks/vgg.js';
import { loadOracle } from './oracle/oracle.js';
import { relativeError } from './support/numbers.js';
import { random } from './support/random.js';
import { oracleWeights, tinyVgg } from './support/tiny-vgg.js';

const oracle = loadOracle();
const count = (op: OpName, outputs: readonly Tensor[]) => topologicalOrder(outputs).filter((t) => t.op === op).length;

describe.each(['caffe', 'torchvision'] as const)('the features of PyTorch, preprocessing of %s', (name) => {
  const expected = oracle.losses.networks[name];
  const network = vgg(oracleWeights(expected), expected.pooling);
  const { shape, data } = oracle.losses.images.generated;
  const image = input('image', shape);

  it('relu4_2', () => {
    const features = network.features(image, ['relu4_2']).relu4_2!;
    expect(features.shape).toEqual(expected.features.relu4_2!.shape);
    const [received] = evaluate([features], { image: data });
    expect(relativeError(received!, expected.features.relu4_2!.data)).toBeLessThan(1e-8);
  });

  it('is the same with the layers before the pooling tapped', () => {
    // Without them, ReLU moves behind the max pooling.
    const alone = network.features(image, ['relu4_2']);
    const among = network.features(image, ['relu1_2', 'relu2_2', 'relu3_4', 'relu4_2']);
    const [a, b] = evaluate([alone.relu4_2!, among.relu4_2!], { image: data });
    expect(b).toEqual(a);
    const pooled = (t: Tensor) =>
      topologicalOrder([t]).flatMap(({ op, inputs }) => (op === 'MaxPool' ? [inputs[0]!.op] : []));
    expect(pooled(alone.relu4_2!)).toEqual(expected.pooling === 'max' ? ['Conv', 'Conv', 'Conv'] : []);
    expect(pooled(among.relu4_2!)).toEqual(expected.pooling === 'max' ? ['Relu', 'Relu', 'Relu'] : []);
  });
});

describe('preprocessing', () => {
  const image = input('image', [1, 3, 1, 1]);
  /** With a kernel that only passes its centre pixel on, relu1_1 is the positive part of what goes into the network. */
  const first = (preprocessing: typeof caffePreprocessing) => {
    const shape = [3, 3, 3, 3];
    const data = new Float32Array(81);
    for (let c = 0; c < 3; c++) data[c * 27 + c * 9 + 4] = 1;
    const tensors = new Map([
      ['conv1_1.weight', { shape, data }],
      ['conv1_1.bias', { shape: [3], data: new Float32Array(3) }],
    ]);
    return vgg({ name: 'vgg19', tensors, preprocessing, sha256: '' }).features(image, ['relu1_1']).relu1_1!;
  };

  it('is 0..255 minus the mean for Caffe', () => {
    const [values] = evaluate([first(caffePreprocessing)], { image: Float32Array.of(1, 0.5, 0) });
    [255 - 123.68, 127.5 - 116.779, 0].forEach((value, c) => {
      expect(values![c]).toBeCloseTo(value, 9);
    });
  });

  it('is divided by the deviation for torchvision', () => {
    const [values] = evaluate([first(torchvisionPreprocessing)], { image: Float32Array.of(1, 0.5, 0.75) });
    [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.75 - 0.406) / 0.225].forEach((value, c) => {
      expect(values![c]).toBeCloseTo(value, 9);
    });
  });

  it('pads with the zeros that come after it', () => {
    // A constant picture at the mean is 0 everywhere in the network's units: its border looks like its middle.
    const weights = tinyVgg('vgg19', { deepest: 'conv1_1' });
    const picture = input('image', [1, 3, 4, 4]);
    const grey = Float32Array.from({ length: 48 }, (_, i) => caffePreprocessing.mean[Math.floor(i / 16)]! / 255);
    const [features] = evaluate([vgg(weights).features(picture, ['relu1_1']).relu1_1!], { image: grey });
    for (let c = 0; c < 3; c++) {
      for (let i = 1; i < 16; i++) expect(features![c * 16 + i]).toBeCloseTo(features![c * 16]!, 4);
    }
  });
});

describe('depth', () => {
  const network = vgg(tinyVgg('vgg19'));
  const image = input('image', [1, 3, 32, 32]);

  it.each<[string, number]>([
    ['relu1_1', 1],
    ['relu1_2', 2],
    ['relu2_1', 3],
    ['relu3_1', 5],
    ['relu4_2', 10],
    ['relu5_1', 13],
    ['relu5_4', 16],
  ])('%s takes %d convolutions', (layer, convolutions) => {
    const features = Object.values(network.features(image, [layer]));
    expect(count('Conv', features)).toBe(convolutions);
    expect(count('MaxPool', features)).toBe(Number(layer[4]) - 1);
  });

  it('runs once for several layers', () => {
    const features = network.features(image, ['relu3_1', 'relu1_1', 'relu2_2']);
    expect(Object.keys(features).sort()).toEqual(['relu1_1', 'relu2_2', 'relu3_1']);
    expect(count('Conv', Object.values(features))).toBe(5);
    expect(network.features(image, [])).toEqual({});
  });

  it('shares its weights between graphs', () => {
    const weights = (t: Tensor) => topologicalOrder([t]).filter((n) => n.op === 'Constant' && n.shape.length === 4);
    const [a, b] = [1, 2].map(() => weights(network.features(image, ['relu2_1']).relu2_1!));
    expect(b!.filter((t) => a!.includes(t))).toHaveLength(3);
  });

  it('has as many layers as the paper, or as the weights reach', () => {
    expect(network.layers).toHaveLength(16);
    expect(vgg(tinyVgg('vgg16')).layers).toEqual(
      [2, 2, 3, 3, 3].flatMap((n, block) => Array.from({ length: n }, (_, i) => `relu${block + 1}_${i + 1}`)),
    );
    expect(vgg(tinyVgg('vgg19', { deepest: 'conv3_2' })).layers).toHaveLength(6);
    expect(convLayers(networkSpec('vgg19')).map((l) => l.outChannels)).toEqual([
      64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512,
    ]);
  });

  it('goes through VGG-16 down to its last layer', () => {
    const features = vgg(tinyVgg('vgg16')).features(image, ['relu5_3']);
    expect(features.relu5_3!.shape).toEqual([1, 3, 2, 2]);
    expect(count('Conv', Object.values(features))).toBe(13);
  });
});

describe('pooling', () => {
  it('is the maximum or the mean of 2×2 pixels', () => {
    const weights = tinyVgg('vgg19', { deepest: 'conv2_1' });
    const image = input('image', [1, 3, 6, 6]);
    const data = random(3).uniform(image.shape, 0, 1);
    const pooled = (pooling: Pooling) => {
      const { relu1_2, relu2_1 } = vgg(weights, pooling).features(image, ['relu1_2', 'relu2_1']);
      const [before] = evaluate([relu1_2!], { image: data });
      const source = topologicalOrder([relu2_1!]).find((t) => t.op === 'MaxPool' || t.op === 'AveragePool')!;
      const [after] = evaluate([source], { image: data });
      return { op: source.op, window: [0, 1, 6, 7].map((i) => before![i]!), value: after![0]! };
    };
    const largest = pooled('max');
    expect(largest).toMatchObject({ op: 'MaxPool', value: Math.max(...largest.window) });
    const mean = pooled('average');
    expect(mean.op).toBe('AveragePool');
    expect(mean.value).toBeCloseTo(mean.window.reduce((a, b) => a + b) / 4, 12);
    expect(vgg(weights, 'average').pooling).toBe('average');
  });
});

describe('sizes', () => {
  const network = vgg(tinyVgg('vgg19', { channels: 1 }));

  it('needs a pixel in the deepest block', () => {
    expect(network.minimumSize(['relu1_2'])).toBe(1);
    expect(network.minimumSize(['relu2_1'])).toBe(2);
    expect(network.minimumSize(['relu3_4', 'relu1_1'])).toBe(4);
    expect(network.minimumSize(['relu4_2'])).toBe(8);
    expect(network.minimumSize(['relu1_1', 'relu5_1'])).toBe(16);
    expect(network.minimumSize([])).toBe(1);
  });

  it('halves and floors at each block, for every size that is large enough', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...network.layers),
        fc.nat(40),
        fc.nat(40),
        fc.constantFrom<Pooling>('max', 'average'),
        (layer, more, wider, pooling) => {
          const least = network.minimumSize([layer]);
          const image = input('image', [1, 3, least + more, least + wider]);
          const { shape } = vgg(tinyVgg('vgg19', { channels: 1 }), pooling).features(image, [layer])[layer]!;
          const halved = (size: number) => {
            let result = size;
            for (let block = 1; block < Number(layer[4]); block++) result = Math.floor(result / 2);
            return result;
          };
          expect(shape).toEqual([1, 1, halved(least + more), halved(least + wider)]);
        },
      ),
      { seed: 1905 },
    );
  });

  it.each<[number, number]>([
    [15, 40],
    [40, 15],
  ])('refuses %d×%d for relu5_1', (height, width) => {
    const image = input('image', [1, 3, height, width]);
    const build = () => network.features(image, ['relu1_1', 'relu5_1', 'relu3_1']);
    expect(build).toThrow(FauveError);
    expect(build).toThrow(`The image is ${width}×${height}; relu5_1 needs at least 16×16. Use a larger image.`);
  });
});

describe('layers that are not there', () => {
  const image = input('image', [1, 3, 32, 32]);

  it.each(['conv1_1', 'relu6_1', 'relu1_3', '', 'relu4_2 '])("names the layers for '%s'", (layer) => {
    const build = () => vgg(tinyVgg('vgg19')).features(image, [layer]);
    expect(build).toThrow(FauveError);
    expect(build).toThrow(`vgg19 has no layer '${layer}'. Use one of relu1_1, relu1_2, relu2_1`);
  });

  it('knows how deep the weights go', () => {
    const network = vgg(tinyVgg('vgg19', { deepest: 'conv2_1' }));
    expect(() => network.minimumSize(['relu2_2'])).toThrow('Use one of relu1_1, relu1_2, relu2_1 (as deep');
  });
});
