import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recipeFromXmp, recipeToXmp } from '#src/image/recipe.js';
import { decodeRecipe, encodeRecipe, type Recipe, withPaths } from '#src/jobs/recipe.js';
import { defaultApplyOptions } from '#src/style-network/options.js';
import { defaultStylizeOptions } from '#src/stylize/options.js';

describe('the recipe in an XMP packet', () => {
  it('survives any text that XML can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(recipeFromXmp(recipeToXmp(text))).toBe(text);
      }),
      { seed: 1, numRuns: 200, examples: [['a\r\nb &#65; &amp; </fauve:recipe>'], ['']] },
    );
    expect(recipeFromXmp(recipeToXmp('a\0b\ud800'))).toBe('a\uFFFDb\uFFFD');
  });

  it('is found as an attribute and with other ways to write a character, and is not made up', () => {
    expect(recipeFromXmp(`<rdf:Description fauve:recipe="{&quot;a&quot;:&#x22;&#233;&quot;}"/>`)).toBe('{"a":"é"}');
    expect(recipeFromXmp(`<rdf:Description fauve:recipe='{"a":1}'/>`)).toBe('{"a":1}');
    expect(recipeFromXmp('<x:xmpmeta><dc:title>fauve:recipe</dc:title></x:xmpmeta>')).toBeUndefined();
  });
});

describe('a recipe', () => {
  const made = { fauve: '9.9.9', engine: 'an engine' };
  const file = { path: 'photos/me.jpg', sha256: 'f00d' };
  const network = { name: 'distilled', sha256: 'beef' };

  it.each<[string, Recipe]>([
    [
      'of stylize',
      {
        ...{ kind: 'stylize', ...made, quality: 80, step: 7, network, polish: network, fast: network },
        ...{ content: file, styles: [{ path: 'udnie', sha256: '0', weight: 2, shipped: true }], init: file },
        options: { ...defaultStylizeOptions, size: '40x30' },
      },
    ],
    [
      'of apply',
      {
        ...{ kind: 'apply', ...made, transformer: { path: 'mosaic.onnx', sha256: '1' }, range: '0-255' },
        ...{ content: file, styles: [], options: { ...defaultApplyOptions, size: '40x30' } },
      },
    ],
    [
      'of a texture',
      { kind: 'texture', ...made, network, style: file, options: { size: 64, steps: 3, seed: 1, styleScale: 0.5 } },
    ],
  ])('%s comes back as it was written', (_, recipe) => {
    expect(decodeRecipe(encodeRecipe(recipe))).toEqual(JSON.parse(JSON.stringify(recipe)));
  });

  it('names files from where a face wants them, but for what comes with Fauve', () => {
    const recipe: Recipe = {
      ...{ kind: 'stylize', ...made, network, content: file, init: file },
      styles: [{ path: 'udnie', sha256: '0', weight: 2, shipped: true }],
      options: defaultStylizeOptions,
    };
    expect(withPaths(recipe, (path) => `../${path}`)).toMatchObject({
      content: { path: '../photos/me.jpg' },
      init: { path: '../photos/me.jpg' },
      styles: [{ path: 'udnie' }],
    });
  });

  it('from before there were kinds is one of stylize, with the sizes that it had', () => {
    const old = (options: object) =>
      decodeRecipe(JSON.stringify({ ...made, network, content: file, styles: [{ ...file, weight: 1 }], options }));
    expect(old({ size: '512x384', scales: 2, steps: 5 })).toMatchObject({
      kind: 'stylize',
      styles: [{ weight: 1 }],
      options: { size: '512x384', scales: 'auto', steps: 5 },
    });
    expect(old({ size: '512x384', scales: 3 }).options).toMatchObject({ scales: 1 });
  });

  it('of the studio from then is one of apply', () => {
    const old = {
      ...{ ...made, content: { path: 'me.jpg', sha256: '0' }, options: { strength: 0.5 } },
      ...{ transformer: { name: 'fast', sha256: '1' }, styles: [{ name: 'udnie', weight: 2 }] },
      mix: { strength: 1, luminance: 1, colour: 0 },
    };
    expect(decodeRecipe(JSON.stringify(old))).toEqual({
      ...old,
      kind: 'apply',
      transformer: { path: 'fast', sha256: '1', shipped: true },
      options: { ...defaultApplyOptions, strength: 0.5 },
    });
  });

  it.each(['', '{', '{"fauve":"9"}', '{"kind":"other"}'])('is refused where it is not understood: %j', (text) => {
    expect(() => decodeRecipe(text, 'out.png')).toThrow(/out\.png has a recipe that this version of Fauve does not/);
  });
});
