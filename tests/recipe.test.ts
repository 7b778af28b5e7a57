import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recipeFromXmp, recipeToXmp } from '#src/image/recipe.js';

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
