import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFauve, type Fauve, JobAborted } from '#src/index.node.js';
import { decodeImage, loadStyle, readImage, savePicture } from '#src/node.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { picture } from './support/cli.js';
import { recipeOf } from './support/recipes.js';

const at = (name: string) => join(folder, name);
let folder: string;
let fauve: Fauve;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fauve-facade-'));
  writeFileSync(at('photo.png'), await encodeImage(picture(64, 48, 1), 'png'));
  writeFileSync(at('painting.png'), await encodeImage(picture(56, 40, 2), 'png'));
  fauve = await createFauve({ device: 'cpu', threads: 1 });
});
afterAll(async () => {
  await fauve.close();
  rmSync(folder, { recursive: true });
});

const quick = { size: 48, scales: 1, steps: 3, contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1 } } as const;

describe('createFauve', () => {
  it('takes a picture as path, address, bytes or image, to the same result', async () => {
    const style = at('painting.png');
    const photos = [
      at('photo.png'),
      pathToFileURL(at('photo.png')),
      await readFile(at('photo.png')),
      await readImage(at('photo.png')),
    ];
    const results = [];
    for (const photo of photos) results.push(await fauve.stylize({ photo, style, ...quick }));
    for (const { image } of results) expect(image).toEqual(results[0]!.image);
    expect(results[3]!.recipe.content.path).toBe('photo');
  });

  it('takes a style by name, as a captured style, or several with their shares', async () => {
    const photo = at('photo.png');
    const { style } = await loadStyle('udnie');
    const named = await fauve.stylize({ photo, style: 'udnie', ...quick });
    const captured = await fauve.stylize({ photo, style, ...quick });
    expect(captured.image).toEqual(named.image);
    const blend = [{ style: 'udnie', weight: 2 }, { style: at('painting.png') }];
    const { recipe } = await fauve.stylize({ photo, style: blend, ...quick, init: at('painting.png') });
    expect(recipe.styles.map(({ weight }) => weight)).toEqual([2, 1]);
    expect(recipe.init?.path).toBe(at('painting.png'));
  });

  it('tells its progress, stops, and goes on to the same picture', async () => {
    const call = { photo: at('photo.png'), style: 'udnie', ...quick };
    const whole = await fauve.stylize(call);
    const controller = new AbortController();
    const steps: number[] = [];
    const stopped = await fauve
      .stylize({
        ...call,
        signal: controller.signal,
        onProgress: (event) => {
          if (event.type !== 'step') return;
          steps.push(event.step);
          if (event.step === 2) controller.abort();
        },
      })
      .catch((error: unknown) => error);
    if (!(stopped instanceof JobAborted)) throw stopped;
    expect(steps).toEqual([1, 2]);
    expect((await fauve.stylize({ ...call, resume: stopped.checkpoint })).image).toEqual(whole.image);
  });

  it('applies, paints, measures, captures, and saves with the recipe', async () => {
    const photo = at('photo.png');
    const applied = await fauve.apply({ photo, style: 'great-wave', strength: 0.5 });
    await savePicture(at('out.png'), applied);
    const { recipe } = await decodeImage(await readFile(at('out.png')), { what: 'Picture', fileName: 'out.png' });
    expect(recipeOf('apply', recipe)).toMatchObject({ content: { path: 'photo.png' }, options: { strength: 0.5 } });
    expect((await fauve.texture({ style: 'udnie', size: 32, steps: 1 })).image.width).toBe(32);
    const { terms } = await fauve.losses({ picture: photo, photo, style: 'udnie' });
    expect(terms[0]).toMatchObject({ kind: 'content', value: 0 });
    const mine = await fauve.capture({ painting: at('painting.png'), name: 'mine', networks: ['distilled-small'] });
    expect(mine).toMatchObject({ name: 'mine', title: 'mine' });
  });

  it('refuses what cannot be met before any work', async () => {
    const photo = at('photo.png');
    await expect(fauve.stylize({ photo, style: 'stary-night' })).rejects.toMatchObject({
      reason: { kind: 'unknown-name' },
    });
    await expect(fauve.stylize({ photo: at('none.png'), style: 'udnie' })).rejects.toMatchObject({
      reason: { kind: 'file' },
    });
    await expect(fauve.apply({ photo, style: 'melancholy' })).rejects.toMatchObject({
      reason: { kind: 'unknown-name' },
    });
    for (const call of [fauve.stylize, fauve.apply, fauve.texture, fauve.losses, fauve.capture]) {
      await expect(call(undefined as never)).rejects.toMatchObject({ code: 'usage' });
    }
    await expect(createFauve({ threads: 1000 })).rejects.toMatchObject({ reason: { kind: 'option', name: 'threads' } });
  });
});
