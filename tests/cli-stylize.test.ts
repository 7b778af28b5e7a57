import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeRecipe } from '#src/jobs/recipe.js';
import { decodeImage } from '#src/platform/node/codec.js';
import { type Outcome, openWorkplace, tinyRun, type Workplace } from './support/cli.js';
import { recipeOf } from './support/recipes.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.remove());

const stylize = (output: string, ...more: string[]) =>
  place.fauve(['stylize', 'photo.png', '--style', 'style.png', '-o', output, ...tinyRun, ...more]);

const decoded = async (name: string) =>
  decodeImage(await readFile(place.at(name)), { what: 'Picture', fileName: name });

const pixels = async (name: string) => sharp(place.at(name)).raw().toBuffer();

function events({ stdout }: Outcome): { type: string; [key: string]: unknown }[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function succeeded(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
}

describe('fauve stylize', () => {
  it.each([
    ['png', []],
    ['jpeg', ['--quality', '80']],
    ['webp', []],
    ['tiff', ['--bits', '16']],
  ])('writes a %s that carries its recipe', async (format, more) => {
    const name = `a.${format}`;
    const { stdout, stderr } = succeeded(await stylize(name, ...more));
    expect(stdout).toBe('');
    expect(stderr).toContain(`${name}  48×36`);
    const { image, format: written, bits, recipe } = await decoded(name);
    expect([image.width, image.height, written, bits]).toEqual([48, 36, format, format === 'tiff' ? 16 : 8]);
    expect(decodeRecipe(recipe!)).toMatchObject({
      network: { name: 'vgg19' },
      content: { path: 'photo.png' },
      styles: [{ path: 'style.png', weight: 1 }],
      options: { size: '48x36', steps: 4, styleLayers: { relu1_1: 1, relu2_1: 1 } },
    });
    expect((await readdir(place.at('.'))).filter((file) => /tmp|checkpoint/.test(file))).toEqual([]);
  });

  it('writes the same bytes for the same command and seed, and others for another seed', async () => {
    const noise = ['--init', 'noise', '--quiet'];
    const outcome = succeeded(await stylize('s1.png', ...noise, '--seed', '3'));
    expect(outcome.stderr).toBe('');
    succeeded(await stylize('s2.png', ...noise, '--seed', '3'));
    succeeded(await stylize('s3.png', ...noise, '--seed', '4'));
    expect(await readFile(place.at('s2.png'))).toEqual(await readFile(place.at('s1.png')));
    expect(await pixels('s3.png')).not.toEqual(await pixels('s1.png'));
  });

  it('takes styles with weights, names with a colon, a start image and the other spelling of options', async () => {
    await copyFile(place.at('style.png'), place.at('odd:2'));
    succeeded(
      await place.fauve([
        ...['stylize', 'photo.png', '-s', 'odd:2', '-s', 'other.png:0.5', '--init', 'other.png', '-o', 'many.png'],
        ...[...tinyRun, '--optimizer', 'adam', '--colors', 'luminance', '--normalization', 'classic', '--amsgrad'],
      ]),
    );
    expect(decodeRecipe((await decoded('many.png')).recipe!)).toMatchObject({
      styles: [
        { path: 'odd:2', weight: 1 },
        { path: 'other.png', weight: 0.5 },
      ],
      init: { path: 'other.png' },
      options: { optimiser: 'adam', colours: 'luminance', normalisation: 'classic', amsgrad: true, init: 'content' },
    });
  });

  it('tells as JSON what happens, saves pictures on the way and draws the curves', async () => {
    const outcome = succeeded(await stylize('j.png', '--json', '--save-every', '2', '--plot', 'loss.svg'));
    const told = events(outcome);
    expect(outcome.stderr).toBe('');
    expect(told.map(({ type, kind }) => kind ?? type)).toEqual([
      ...['start', 'scale', 'step', 'step', 'step', 'checkpoint', 'step', 'step', 'step', 'checkpoint'],
      ...['picture', 'plot', 'done'],
    ]);
    const steps = told.filter(({ step, terms }) => step && terms);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(told.at(-1)).toMatchObject({ type: 'done', path: 'j.png', width: 48, height: 36, steps: 4 });
    expect((await decoded('j.step-0002.png')).image.width).toBe(48);
    expect(await pixels('j.step-0004.png')).toEqual(await pixels('j.png'));

    const svg = await readFile(place.at('loss.svg'), 'utf8');
    for (const name of ['total', 'content relu2_1', 'style relu1_1', 'style relu2_1', 'total variation']) {
      expect(svg).toContain(`data-name="${name}"`);
    }
    expect(svg).toContain('add up to the total');
    // Every term is told unweighted, and enters the total with its weight.
    const weights = told[0]!.terms as { name: string; weight: number }[];
    for (const { loss, terms } of steps) {
      const sum = weights.reduce((s, { name, weight }) => s + weight * (terms as Record<string, number>)[name]!, 0);
      expect(sum).toBeCloseTo(loss as number, 5);
    }
  });

  it('reads a config file, whose files are named from its folder, and lets flags win', async () => {
    await mkdir(place.at('sub'), { recursive: true });
    const config = {
      content: '../photo.png',
      styles: ['../style.png:2', '../other.png'],
      output: 'c.png',
      network: 'vgg19',
      contentLayers: { relu2_1: 1 },
      styleLayers: { relu1_1: 1, relu2_1: 0.5 },
      size: 40,
      steps: 3,
      amsgrad: true,
    };
    await writeFile(place.at('sub/config.json'), JSON.stringify(config));
    const flags = ['--config', 'sub/config.json', '--steps', '2', '--no-amsgrad', '--plot', 'loss.png'];
    succeeded(await place.fauve(['stylize', ...flags]));
    expect(decodeRecipe((await decoded('sub/c.png')).recipe!)).toMatchObject({
      content: { path: '../photo.png' },
      styles: [{ path: '../style.png', weight: 2 }, { weight: 1 }],
      options: { size: '40x30', steps: 2, amsgrad: false, styleLayers: { relu2_1: 0.5 } },
    });
    expect((await decoded('loss.png')).image.width).toBe(1720);
  });
});

describe('Ctrl-C', () => {
  // Two sizes: what is interrupted at the first one has to find its way to the second.
  const argsOf = (output: string, optimiser: string) => [
    ...['stylize', 'photo.png', '-s', 'style.png', '-o', output, ...tinyRun],
    ...['--content-layers', 'relu1_1', '--style-layers', 'relu1_1', '--optimiser', optimiser, '--json'],
    ...['--size', '192x192', '--init', 'noise', '--coarse-steps', '80', '--steps', '3'],
  ];

  async function interrupt(args: readonly string[]): Promise<Outcome> {
    let sent = false;
    return place.fauve(args, {
      onLine: (line, child) => {
        if (!sent && JSON.parse(line).step === 2) sent = child.kill('SIGINT');
      },
    });
  }

  it.each(['lbfgs', 'adam'])('keeps the picture, and --resume goes on to the very same one: %s', async (optimiser) => {
    const [whole, cut] = [`whole-${optimiser}.png`, `cut-${optimiser}.png`];
    const interrupted = await interrupt(argsOf(cut, optimiser));
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toMatch(/^fauve: Stopped after step \d+ of 83\. .* with --resume\.\n$/);
    expect(events(interrupted).at(-1)).toMatchObject({ type: 'error', code: 'aborted' });
    expect((await decoded(cut)).image.width).toBe(96);

    const resumed = events(succeeded(await place.fauve([...argsOf(cut, optimiser), '--resume'])));
    const first = resumed.find(({ type }) => type === 'step')!.step as number;
    expect(interrupted.stderr).toContain(`after step ${first - 1} `);
    const uninterrupted = events(succeeded(await place.fauve(argsOf(whole, optimiser))));
    expect(await readFile(place.at(cut))).toEqual(await readFile(place.at(whole)));
    expect(resumed.at(-1)!.loss).toBe(uninterrupted.at(-1)!.loss);
    expect(await readdir(place.at('.'))).not.toContain(`${cut}.checkpoint`);
  });

  it('leaves a checkpoint that only its own settings go on with', async () => {
    const args = argsOf('own.png', 'lbfgs');
    expect((await interrupt(args)).code).toBe(130);
    const before = await readFile(place.at('own.png.checkpoint'));
    const refused = async (code: number, message: RegExp, ...more: string[]) => {
      expect(await place.fauve([...args, ...more])).toMatchObject({ code, stderr: expect.stringMatching(message) });
    };
    await refused(
      2,
      /option steps of the interrupted job is 3; received 6\. Leave --steps out/,
      '--resume',
      '--steps',
      '6',
    );
    await refused(
      2,
      /option size of the interrupted job is 192x192; received 100x100\./,
      '--resume',
      '--size',
      '100x100',
    );
    await refused(1, /of other pictures, styles or weights/, '--resume', '-s', 'other.png');
    await refused(1, /--resume to go on with it, or --overwrite/);
    expect(await readFile(place.at('own.png.checkpoint'))).toEqual(before);
  });

  it('before the first step leaves nothing behind', async () => {
    const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'none.png', ...tinyRun];
    const outcome = await place.fauve([...args, '--size', '400x400', '--scales', '1', '--save-every', '1', '--json'], {
      onLine: (line, child) => {
        if (JSON.parse(line).type === 'start') child.kill('SIGTERM');
      },
    });
    expect(outcome).toMatchObject({
      code: 143,
      stderr: 'fauve: Stopped before the first step; nothing was written.\n',
    });
    expect((await readdir(place.at('.'))).filter((name) => name.includes('none'))).toEqual([]);
  });

  it('twice ends it at once', async () => {
    const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'twice.png', ...tinyRun];
    const { code, signal } = await place.fauve([...args, '--size', '600x600', '--scales', '1', '--json'], {
      onLine: (line, child) => {
        if (JSON.parse(line).type !== 'scale') return;
        child.kill('SIGINT');
        setTimeout(() => child.kill('SIGINT'), 300);
      },
    });
    expect([code, signal]).toEqual([null, 'SIGINT']);
    expect((await readdir(place.at('.'))).filter((name) => name.includes('twice'))).toEqual([]);
  });
});

describe('fauve redo', () => {
  beforeAll(async () => {
    await mkdir(place.at('redo'));
    for (const name of ['photo', 'style', 'other']) {
      await copyFile(place.at(`${name}.png`), place.at(`redo/${name}.png`));
    }
    const styles = ['-s', 'redo/style.png:3', '-s', 'redo/other.png'];
    const start = ['--init', 'noise', '--seed', '9'];
    succeeded(await place.fauve(['stylize', 'redo/photo.png', ...styles, '-o', 'redo/a.png', ...tinyRun, ...start]));
  });

  it('makes the same picture again, or with an option changed', async () => {
    const { stderr } = succeeded(await place.fauve(['redo', 'redo/a.png', '--threads', '1']));
    expect(stderr).not.toContain('note:');
    expect(await pixels('redo/a.redo.png')).toEqual(await pixels('redo/a.png'));
    succeeded(await place.fauve(['redo', 'redo/a.redo.png', '-o', 'b.tif', '--size', '32', '--quiet']));
    const { image, recipe } = await decoded('b.tif');
    expect([image.width, image.height]).toEqual([32, 24]);
    expect(decodeRecipe(recipe!)).toMatchObject({
      styles: [{ path: 'redo/style.png', weight: 3 }, { weight: 1 }],
      options: { seed: 9, steps: 4, init: 'noise' },
    });
  });

  it('finds files that are named anew, and says which have changed', async () => {
    await rename(place.at('redo/photo.png'), place.at('redo/moved.png'));
    await copyFile(place.at('photo.png'), place.at('redo/other.png'));
    const missing = await place.fauve(['redo', 'redo/a.png', '-o', 'c.png']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^fauve: The content image .*photo\.png\. Say where it is with --content FILE\.\n$/);
    const args = ['redo', 'redo/a.png', '-o', 'c.png', '--content', 'redo/moved.png', '--threads', '1'];
    const { stderr } = succeeded(await place.fauve(args));
    expect(stderr).not.toContain('moved.png is not');
    expect(stderr).toContain('note: The style redo/other.png is not the file that the picture was made with');
    expect(recipeOf('stylize', (await decoded('c.png')).recipe).styles.map(({ weight }) => weight)).toEqual([3, 1]);
    await rm(place.at('redo/style.png'));
    const styleless = await place.fauve(['redo', 'redo/a.png', '-o', 'd.png', '--content', 'redo/moved.png']);
    expect(styleless.stderr).toContain('--style FILE for each of the 2 styles, in their order');
  });

  it('says when a picture carries no recipe', async () => {
    const { code, stderr } = await place.fauve(['redo', 'photo.png']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^fauve: photo\.png carries no recipe: .*\n$/)]);
  });
});
