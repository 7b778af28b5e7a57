import { describe, expect, it } from 'vitest';
import { spellings } from '#src/checks/spellings.js';
import { FauveError } from '#src/errors.js';
import { defaultApplyOptions, resolveApplyOptions } from '#src/style-network/options.js';
import {
  defaultStylizeOptions,
  lossSettings,
  resolveStylizeOptions,
  type StylizeOptionsInput,
  stylizeOptionSpecs,
} from '#src/stylize/options.js';
import { defaultDistilOptions, resolveDistilOptions } from '#src/training/loss-network/options.js';
import { defaultTrainOptions, resolveTrainOptions } from '#src/training/style-network/options.js';

function refusal(input: unknown): string {
  try {
    resolveStylizeOptions(input);
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    expect(error.code).toBe('usage');
    expect(error.message).not.toContain('\n');
    return error.message;
  }
  throw new Error(`Nothing was refused in ${JSON.stringify(input)}.`);
}

describe('every schema of options', () => {
  const schemas = {
    stylize: { resolve: resolveStylizeOptions, defaults: defaultStylizeOptions },
    apply: { resolve: resolveApplyOptions, defaults: defaultApplyOptions },
    train: { resolve: resolveTrainOptions, defaults: defaultTrainOptions },
    distil: { resolve: resolveDistilOptions, defaults: defaultDistilOptions },
  };
  /** What an option may be, beside its default. */
  const others: Readonly<Record<string, string>> = {
    optimiser: 'adam',
    colours: 'luminance',
    normalisation: 'classic',
  };

  it.each(Object.entries(schemas))('takes both spellings of its options: %s', (_, { resolve, defaults }) => {
    for (const [american, british] of Object.entries(spellings)) {
      if (!(british in defaults)) {
        expect(() => resolve({ [american]: others[british] })).toThrow(FauveError);
        continue;
      }
      expect(resolve({ [american]: others[british] })).toEqual(resolve({ [british]: others[british] }));
      expect(resolve({ [american]: others[british] })).not.toEqual(resolve({}));
    }
    // An option that has a second spelling in English is in the table.
    const twofold = Object.keys(defaults).filter((name) => /our|is(e|ation)/.test(name));
    expect(twofold.sort()).toEqual(
      Object.values(spellings)
        .filter((name) => name in defaults)
        .sort(),
    );
  });
});

describe('resolveStylizeOptions', () => {
  it('fills in the defaults and keeps what is given', () => {
    expect(resolveStylizeOptions({})).toEqual(defaultStylizeOptions);
    const given: StylizeOptionsInput = { steps: 7, styleLayers: { relu2_2: 3 }, size: '640x480', optimiser: 'adam' };
    expect(resolveStylizeOptions(given)).toEqual({ ...defaultStylizeOptions, ...given });
  });

  it('takes more steps with a network of VGG, unless a number is given', () => {
    expect(resolveStylizeOptions({}, 'distilled')).toEqual(defaultStylizeOptions);
    expect(resolveStylizeOptions({}, 'constructor')).toEqual(defaultStylizeOptions);
    for (const network of ['vgg16', 'vgg19']) {
      const { steps, ...rest } = resolveStylizeOptions({}, network);
      expect(steps).toBeGreaterThan(defaultStylizeOptions.steps);
      expect({ ...rest, steps: defaultStylizeOptions.steps }).toEqual(defaultStylizeOptions);
      expect(resolveStylizeOptions({ steps: 7 }, network).steps).toBe(7);
    }
  });

  it('accepts what it returned', () => {
    const options = resolveStylizeOptions({ size: 'auto', seed: 0xffffffff, averageDecay: 0.99 });
    expect(resolveStylizeOptions(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });

  it('does not let the defaults be changed', () => {
    expect(() => Object.assign(defaultStylizeOptions, { steps: 1 })).toThrow(TypeError);
  });

  it.each([512, 1, 16384, 'auto', 'original', '800x600', '1x99999'] as const)('knows the size %s', (size) => {
    expect(resolveStylizeOptions({ size }).size).toBe(size);
  });

  it.each<[unknown, string, string]>([
    [{ steps: 0 }, 'steps', '0'],
    [{ steps: 2.5 }, 'steps', '2.5'],
    [{ steps: '5' }, 'steps', '"5"'],
    [{ scales: 9 }, 'scales', '9'],
    [{ learningRate: 11 }, 'learningRate', '11'],
    [{ beta1: 1 }, 'beta1', '1'],
    [{ seed: -1 }, 'seed', '-1'],
    [{ styleWeight: -2 }, 'styleWeight', '-2'],
    [{ contentWeight: Number.NaN }, 'contentWeight', 'NaN'],
    [{ amsgrad: 'yes' }, 'amsgrad', '"yes"'],
    [{ styleLayers: { relu4_1: -1 } }, 'styleLayers.relu4_1', '-1'],
  ])('refuses %j, naming the option and what was received', (input, name, received) => {
    const message = refusal(input);
    expect(message).toMatch(new RegExp(`^The option ${name}: .+; received .+\\.$`));
    expect(message.endsWith(`; received ${received}.`)).toBe(true);
  });

  it('says what is expected', () => {
    expect(refusal({ scales: 9 })).toContain('8');
    expect(refusal({ optimiser: 'sgd' })).toMatch(/lbfgs.*adam.*received "sgd"/);
    expect(refusal({ colours: 'blue' })).toMatch(/style.*luminance.*match.*received "blue"/);
    for (const size of ['800×600', '0x5', '800', true, null]) {
      expect(refusal({ size })).toBe(
        `The option size: expected 512, 800x600, auto or original; received ${JSON.stringify(size)}.`,
      );
    }
  });

  it.each([0, 12.5, 20000, -512])('refuses %s as a size', (size) => {
    expect(refusal({ size })).toMatch(new RegExp(`^The option size: .+; received ${size}\\.$`));
  });

  it('says how layers are named', () => {
    expect(refusal({ contentLayers: { conv4_2: 1 } })).toContain('contentLayers');
  });

  it('names the options that are alike when there is no such one, or else what there is', () => {
    expect(refusal({ stylWeight: 1 })).toBe("There is no option 'stylWeight'. Perhaps you mean styleWeight.");
    expect(refusal({ wieght: 1, steps: 0 })).toContain('The option steps');
    expect(refusal({ zzz: 1 })).toMatch(/no option 'zzz'\. Use one of size, contentWeight, .+ and \d+ more\.$/);
  });

  it.each([
    ['stylWeight', 'styleWeight'],
    ['style_weight', 'styleWeight'],
    ['optimzer', 'optimiser'],
    ['step', 'steps'],
  ])('names the option that %s may be meant for', (name, meant) => {
    expect(refusal({ [name]: 1 })).toBe(`There is no option '${name}'. Perhaps you mean ${meant}.`);
  });

  it('knows the American spellings, of other options too, but not both at once', () => {
    const { colors, optimizer, normalization } = {
      colors: 'match',
      optimizer: 'adam',
      normalization: 'classic',
    } as const;
    expect(resolveStylizeOptions({ colors, optimizer, normalization })).toEqual({
      ...defaultStylizeOptions,
      ...{ colours: colors, optimiser: optimizer, normalisation: normalization },
    });
    expect(resolveApplyOptions({ colors: 'luminance' }).colours).toBe('luminance');
    expect(resolveTrainOptions({ optimizer: 'adam' }).optimiser).toBe('adam');
    expect(refusal({ colors, colours: 'style' })).toBe(
      'The option colours is given twice, also as colors. Leave one of them out.',
    );
    expect(refusal({ colors: 'blue' })).toMatch(/^The option colours: /);
    expect(resolveStylizeOptions({ colors, colours: undefined }).colours).toBe('match');
  });

  it.each([null, 5, 'steps', undefined])('refuses %s for options', (input) => {
    expect(refusal(input)).toContain('The options:');
  });
});

describe('stylizeOptionSpecs', () => {
  it('covers every option, with its default and a description', () => {
    expect(stylizeOptionSpecs.map(({ name }) => name)).toEqual(Object.keys(defaultStylizeOptions));
    for (const spec of stylizeOptionSpecs) {
      expect(spec.default).toEqual(defaultStylizeOptions[spec.name]);
      expect(spec.description.length, spec.name).toBeGreaterThan(10);
    }
  });

  it('says which control an option needs: one that its default fits', () => {
    for (const { name, kind, choices, default: value } of stylizeOptionSpecs) {
      if (kind === 'number') expect(typeof value, name).toBe('number');
      if (kind === 'switch') expect(typeof value, name).toBe('boolean');
      if (kind === 'layers') expect(typeof value, name).toBe('object');
      if (kind === 'choice') expect(choices, name).toContain(value);
      else expect(choices, name).toBeUndefined();
    }
    const kindOf = (name: string) => stylizeOptionSpecs.find((spec) => spec.name === name)?.kind;
    expect(['size', 'steps', 'amsgrad', 'optimiser', 'styleLayers', 'learningRate'].map(kindOf)).toEqual([
      'text',
      'number',
      'switch',
      'choice',
      'layers',
      'number',
    ]);
  });

  it('offers only choices that are accepted', () => {
    for (const { name, choices = [] } of stylizeOptionSpecs) {
      for (const choice of choices) expect(resolveStylizeOptions({ [name]: choice })[name]).toBe(choice);
    }
  });
});

it('lossSettings are the part of the options that the losses see', () => {
  const settings = lossSettings(resolveStylizeOptions({ tvNorm: 'l1', styleWeight: 3, steps: 5 }));
  expect(settings).toMatchObject({ tvNorm: 'l1', styleWeight: 3 });
  expect(Object.keys(settings)).not.toContain('steps');
});
