import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recipeFromXmp, recipeToXmp } from '#src/image/recipe.js';
import { decodeRecipe, encodeRecipe, type Recipe } from '#src/jobs/recipe.js';
import { applyRecipe, stylizeRecipe, textureRecipe } from '#src/jobs/recipe-makers.js';
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
  const size = { width: 40, height: 30 };
  const file = { path: 'photos/me.jpg', sha256: 'f00d' };
  const weights = { name: 'distilled', sha256: 'beef' };

  it.each<[string, Recipe]>([
    [
      'of stylize',
      stylizeRecipe({
        ...{ ...made, quality: 80, step: 7, weights, polishWeights: weights, fast: { name: 'fast', sha256: 'cafe' } },
        ...{ content: file, styles: [{ path: 'udnie', sha256: '0', weight: 2, shipped: true }], init: file },
        ...{ options: defaultStylizeOptions, size },
      }),
    ],
    [
      'of apply',
      applyRecipe({
        ...{ ...made, network: { path: 'mosaic.onnx', sha256: '1' }, transformer: { styles: [], range: '0-255' } },
        ...{ content: file, styles: [], options: { ...defaultApplyOptions, size: 'auto' }, size },
      }),
    ],
    [
      'of a texture',
      textureRecipe({ ...made, weights, style: file, options: { size: 64, steps: 3, seed: 1, styleScale: 0.5 } }),
    ],
  ])('%s comes back as it was written', (_, recipe) => {
    expect(decodeRecipe(encodeRecipe(recipe))).toEqual(JSON.parse(JSON.stringify(recipe)));
  });

  it('has the size of the picture in place of auto, and the range or the precision, whichever there is', () => {
    const run = { ...made, network: file, content: file, styles: [{ name: 'wave' }], size };
    const options = { ...defaultApplyOptions, size: 'auto' } as const;
    const style = { name: 'wave', title: '', artist: '', year: null };
    const own = applyRecipe({ ...run, transformer: { styles: [style], range: '0-1' }, options });
    expect(own).toMatchObject({ options: { size: '40x30' }, precision: 'int8', styles: [{ name: 'wave', weight: 1 }] });
    expect(own.range).toBeUndefined();
    const foreign = applyRecipe({ ...run, transformer: { styles: [], range: '0-255' }, options: defaultApplyOptions });
    expect(foreign).toMatchObject({ options: { size: 'original' }, range: '0-255' });
    expect(foreign.precision).toBeUndefined();
  });

  it('from before there were kinds is one of stylize, with the sizes that it had', () => {
    const old = (options: object) =>
      decodeRecipe(
        JSON.stringify({ ...made, network: weights, content: file, styles: [{ ...file, weight: 1 }], options }),
      );
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
