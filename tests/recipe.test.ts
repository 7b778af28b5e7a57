import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recipeFromXmp, recipeToXmp } from '#src/image/recipe.js';
import { decodeRecipe } from '#src/pipelines/recipe.js';

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

describe('what redo cannot do', () => {
  it('names the command for a picture that was made in one pass', () => {
    const recipe = {
      ...{ fauve: '0.1.0', engine: 'e', content: { path: 'me.jpg', sha256: '0' }, options: {} },
      transformer: { name: 'fast', sha256: '0' },
      styles: [
        { name: 'great-wave', weight: 1 },
        { name: 'udnie', weight: 2 },
      ],
    };
    expect(() => decodeRecipe(JSON.stringify(recipe), 'out.png')).toThrow(
      'out.png was made in one pass of a trained network, not by an optimisation. Make it again with: fauve apply fast me.jpg --style great-wave --style udnie:2 -o FILE',
    );
  });

  it('puts nothing of a picture into that command that a shell would run', () => {
    const recipe = (path: string, name: string) =>
      JSON.stringify({ content: { path, sha256: '' }, transformer: { name }, styles: [{ name: 'udnie', weight: 1 }] });
    expect(() => decodeRecipe(recipe('a; b', 'fast'))).toThrow('fauve apply fast PHOTO --style udnie -o FILE');
    expect(() => decodeRecipe(recipe('a', '$(b)'))).toThrow('does not understand');
  });

  it.each(['', '{', '{"fauve":"9"}'])('does not understand %j', (text) => {
    expect(() => decodeRecipe(text, 'out.png')).toThrow(/out\.png has a recipe that this version of Fauve does not/);
  });
});
