import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobAborted } from '#src/jobs/aborted.js';
import { differences, jobOfRecipe } from '#src/jobs/again.js';
import { plainEvent } from '#src/jobs/kind.js';
import { decodeRecipe, encodeRecipe } from '#src/jobs/recipe.js';
import { type JobEvent, planJob, runJob } from '#src/jobs/run.js';
import { requireSameOptions } from '#src/jobs/same-options.js';
import { type CompleteSpec, decodeSpec, encodeSpec, type JobSpecOf, parseSpec } from '#src/jobs/spec.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { createNodeHost, type NodeHost } from '#src/platform/node/host.js';
import { loadShippedStyleNetwork } from '#src/platform/node/shipped.js';
import { version } from '#src/platform/version.js';
import { defaultStylizeOptions } from '#src/stylize/options.js';
import packageJson from '../package.json' with { type: 'json' };
import { picture } from './support/cli.js';

let host: NodeHost;
let photo: Uint8Array;
let painting: Uint8Array;
beforeAll(async () => {
  photo = new Uint8Array(await encodeImage(picture(64, 48, 1), 'png'));
  painting = await encodeImage(picture(56, 40, 2), 'png');
  host = createNodeHost({ engine: { device: 'cpu', threads: 1 } });
});
afterAll(() => host.close());

const quick = { size: 48, scales: 1, steps: 3, contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1 } } as const;
const painted = (more: Partial<JobSpecOf<'stylize'>> = {}): JobSpecOf<'stylize'> => ({
  kind: 'stylize',
  content: { name: 'photo.png', bytes: photo },
  styles: [{ name: 'painting.png', bytes: painting, weight: 2 }, { shipped: 'starry-night' }],
  options: quick,
  ...more,
});

it('the version of recipes is the package’s', () => {
  expect(version).toBe(packageJson.version);
});

describe('a spec', () => {
  it('is JSON, with bytes as base64', () => {
    const { content, ...rest } = decodeSpec(encodeSpec(painted())) as CompleteSpec<'stylize'>;
    expect(content).toEqual({ name: 'photo.png', bytes: photo });
    expect(rest).toMatchObject({ network: 'distilled', styles: [{ weight: 2 }, { weight: 1 }], options: quick });
  });

  it.each<[string, () => unknown, RegExp]>([
    ['nothing', () => null, /kind of a job is one of stylize, apply, .*received undefined/],
    ['a kind that is nearly one', () => ({ kind: 'stylise' }), /"stylise"\. Perhaps you mean stylize\./],
    ['no photo', () => ({ kind: 'stylize', styles: [{ shipped: 'udnie' }] }), /at content: expected \{ path \}/],
    ['no style', () => ({ ...painted(), styles: [] }), /at styles: expected at least one style/],
    ['a weight of 0', () => ({ ...painted(), styles: [{ shipped: 'udnie', weight: 0 }] }), /at styles\.0/],
    ['a part that there is none of', () => ({ ...painted(), stile: 1 }), /no part 'stile'/],
    [
      'an option that there is none of',
      () => ({ ...painted(), options: { sise: 1 } }),
      /no option 'sise'\. Perhaps you mean size/,
    ],
    [
      'an option out of range',
      () => ({ ...painted(), options: { steps: 0 } }),
      /steps: expected at least 1; received 0/,
    ],
    ['bytes that are none', () => ({ ...painted(), content: { name: 'a', bytes: 'no base64!' } }), /at content/],
  ])('of %s is refused', (_, spec, message) => {
    expect(() => parseSpec(spec())).toThrow(message);
  });
});

describe('a job', () => {
  it('of stylize gives a picture with its recipe, and the recipe gives the job again', async () => {
    const events: JobEvent<'stylize'>[] = [];
    const result = await runJob<'stylize'>(painted(), host, { onEvent: (event) => void events.push(event) });
    expect(events.map(({ type }) => type)).toEqual(['start', 'scale', 'step', 'step', 'step']);
    expect(result.recipe).toMatchObject({
      ...{ kind: 'stylize', fauve: version, network: { name: 'distilled' }, content: { path: 'photo.png' } },
      styles: [
        { path: 'painting.png', weight: 2 },
        { path: 'starry-night', weight: 1, shipped: true },
      ],
      options: { size: '48x36', steps: 3 },
    });
    const again = jobOfRecipe(decodeRecipe(encodeRecipe(result.recipe))) as JobSpecOf<'stylize'>;
    const { content, styles } = painted();
    const second = await runJob<'stylize'>({ ...again, content, styles }, host);
    expect(second.image).toEqual(result.image);
    expect(differences(result.recipe, second.recipe)).toEqual([]);
    const other = await planJob<'stylize'>({ ...again, content, styles: styles.slice(1) }, host);
    expect(differences(result.recipe, other.plan.recipe)).toEqual([
      'The style starry-night is not the file that the picture was made with: the result will differ.',
    ]);
  });

  it('tells its events as plain data', async () => {
    const events: unknown[] = [];
    await runJob<'stylize'>(painted(), host, { onEvent: (event) => void events.push(plainEvent(event)) });
    expect(structuredClone(events)).toEqual(events);
    expect(events[2]).toEqual({
      ...{ type: 'step', step: 1, scale: 0, loss: expect.any(Number), terms: expect.any(Object) },
      seconds: expect.any(Number),
    });
  });

  it('that is stopped gives the picture so far and a checkpoint, and goes on to the same picture', async () => {
    const whole = await runJob<'stylize'>(painted(), host);
    const controller = new AbortController();
    const stopped = await runJob<'stylize'>(painted(), host, {
      signal: controller.signal,
      onEvent: (event) => void (event.type === 'step' && event.step === 2 && controller.abort()),
    }).catch((error: unknown) => error);
    if (!(stopped instanceof JobAborted)) throw stopped;
    expect(stopped).toMatchObject({ code: 'aborted', steps: 2, result: { recipe: { step: 2 } } });
    const resume = { bytes: stopped.checkpoint!, name: 'the checkpoint' };
    const rest = await runJob<'stylize'>(painted(), host, { resume });
    expect(rest.image).toEqual(whole.image);
    const other = runJob<'stylize'>(painted({ options: { ...quick, steps: 9 } }), host, { resume });
    await expect(other).rejects.toThrow('The option steps of the interrupted job is 3; received 9.');
    const larger = runJob<'stylize'>(painted({ options: { ...quick, size: 60 } }), host, { resume });
    await expect(larger).rejects.toThrow('The option size of the interrupted job is 48x36; received 60.');
  });

  it('of texture goes on after a stop to the same picture, with the same options only', async () => {
    const texture = (steps: number): JobSpecOf<'texture'> => ({
      ...{ kind: 'texture', style: { shipped: 'udnie' }, options: { size: 32, steps } },
    });
    const whole = await runJob<'texture'>(texture(3), host);
    const controller = new AbortController();
    const stopped = await runJob<'texture'>(texture(3), host, {
      signal: controller.signal,
      onEvent: (event) => void (event.type === 'step' && event.step === 1 && controller.abort()),
    }).catch((error: unknown) => error);
    if (!(stopped instanceof JobAborted)) throw stopped;
    const resume = { bytes: stopped.checkpoint!, name: 'the checkpoint' };
    const rest = { kind: 'texture', style: { shipped: 'udnie' } } as const;
    expect((await runJob<'texture'>(rest, host, { resume })).image).toEqual(whole.image);
    const longer = runJob<'texture'>(texture(9), host, { resume });
    await expect(longer).rejects.toThrow('The option steps of the interrupted job is 3; received 9.');
  });

  it('of apply knows the styles of its network, and keeps it open for the next', async () => {
    let loaded = 0;
    const own = createNodeHost({
      engine: { device: 'cpu', threads: 1 },
      loadShippedNetwork: (name) => {
        loaded++;
        return loadShippedStyleNetwork(name);
      },
    });
    const spec = (style: string): JobSpecOf<'apply'> => ({
      ...{ kind: 'apply', content: { name: 'photo.png', bytes: photo }, network: { shipped: 'fast' } },
      styles: [{ name: style }],
    });
    try {
      for (const style of ['great-wave', 'udnie']) {
        const { image, recipe } = await runJob<'apply'>(spec(style), own);
        expect([image.width, image.height]).toEqual([64, 48]);
        expect(recipe).toMatchObject({
          ...{ kind: 'apply', transformer: { path: 'fast', shipped: true }, precision: 'int8' },
          ...{ styles: [{ name: style, weight: 1 }], options: { size: 'original', strength: 1 } },
        });
      }
      expect(loaded).toBe(1);
      await expect(runJob<'apply'>(spec('melancholy'), own)).rejects.toThrow(/has no style 'melancholy'/);
    } finally {
      await own.close();
    }
  });

  it('of texture, losses and capture', async () => {
    const small = { size: 32, steps: 1 };
    const { recipe, image } = await runJob<'texture'>(
      { kind: 'texture', style: { shipped: 'udnie' }, options: small },
      host,
    );
    expect([image.width, image.height, recipe.options]).toEqual([32, 32, { ...small, seed: 0, styleScale: 1 }]);
    const picture = { name: 'photo.png', bytes: photo };
    const report = await runJob<'losses'>(
      {
        kind: 'losses',
        picture,
        content: picture,
        styles: [{ shipped: 'udnie' }],
        options: { styleLayers: { relu1_1: 1 } },
      },
      host,
    );
    expect(report).toMatchObject({ width: 64, height: 48, network: { name: 'distilled' } });
    expect(report.terms[0]).toMatchObject({ kind: 'content', value: 0 });
    const style = await runJob<'capture'>(
      {
        ...{ kind: 'capture', painting: { name: 'painting.png', bytes: painting }, cropBottom: 0.1 },
        ...{ about: { name: 'mine', title: 'Mine' }, networks: ['distilled-small'] },
      },
      host,
    );
    expect(style).toMatchObject({ name: 'mine', networks: [{ network: 'distilled-small' }] });
  });
});

describe('options beside a checkpoint', () => {
  it('are those of the interrupted job, layers in any order', () => {
    const interrupted = { ...defaultStylizeOptions, styleLayers: { relu1_1: 1, relu2_1: 2 } };
    expect(() => requireSameOptions({ styleLayers: { relu2_1: 2, relu1_1: 1 }, seed: 0 }, interrupted)).not.toThrow();
    expect(() => requireSameOptions({ styleLayers: { relu1_1: 1 } }, interrupted)).toThrow(
      'The option styleLayers of the interrupted job is relu1_1,relu2_1:2; received relu1_1.',
    );
  });
});
