import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeImage } from '#src/platform/node/codec.js';
import { openWorkplace, picture, tinyRun, type Workplace } from './support/cli.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
let before: string[];
beforeAll(async () => {
  place = await openWorkplace();
  await writeFile(place.at('text.jpg'), 'This is no picture.\n');
  const jpeg = await encodeImage(picture(200, 200, 1), 'jpeg');
  await writeFile(place.at('truncated.jpg'), jpeg.subarray(0, jpeg.length / 2));
  await writeFile(place.at('dot.png'), await encodeImage(picture(1, 1, 1), 'png'));
  await writeFile(place.at('line.png'), await encodeImage(picture(12, 1, 1), 'png'));
  await writeFile(place.at('existing.png'), 'mine');
  await writeFile(place.at('interrupted.png.checkpoint'), 'no checkpoint');
  await writeFile(place.at('bad.json'), '{"steps": ');
  await writeFile(place.at('wrong.json'), '{"styleWeigth": 2}');
  await writeFile(place.at('style.json'), '{"style": "style.png"}');
  before = await contents();
});
afterAll(() => place.remove());

const contents = async () => (await readdir(place.at('.'), { recursive: true })).sort();

/** Runs `fauve stylize photo.png --style style.png -o out.png` with changes. */
function stylize(changes: { content?: string; style?: string; output?: string; more?: readonly string[] }) {
  const { content = 'photo.png', style = 'style.png', output = 'out.png', more = [] } = changes;
  return place.fauve(['stylize', content, '--style', style, '-o', output, ...tinyRun, ...more]);
}

async function expectRefused(outcome: ReturnType<Workplace['fauve']>, code: number, message: RegExp): Promise<void> {
  const { stdout, stderr, ...rest } = await outcome;
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
  // One line, and no stack.
  expect(stderr).toMatch(/^fauve: [^\n]+\.\n$/);
  expect(rest.code).toBe(code);
}

describe('bad input gets one line and a non-zero exit, and leaves nothing behind', () => {
  it.each<[string, Parameters<typeof stylize>[0], RegExp]>([
    ['a missing photo', { content: 'nowhere.png' }, /Content image nowhere\.png does not exist/],
    ['a missing style', { style: 'nowhere.png' }, /Style image nowhere\.png does not exist/],
    ['a text named .jpg', { content: 'text.jpg' }, /text\.jpg is not a picture that can be read/],
    ['a truncated JPEG', { content: 'truncated.jpg' }, /truncated\.jpg is truncated/],
    ['1×1', { content: 'dot.png' }, /1×1; relu2_1 needs at least 2×2/],
    ['12×1', { style: 'line.png' }, /style image is 12×1; relu2_1 needs at least 2×2/],
    ['a style scaled to nothing', { more: ['--style-scale', '0.02'] }, /1×1; relu2_1 needs at least 2×2/],
    ['a missing folder', { output: 'no/where/out.png' }, /The folder .*where does not exist/],
    ['an existing output', { output: 'existing.png' }, /existing\.png exists already\. Use --overwrite/],
    ['nothing to resume', { more: ['--resume'] }, /nothing to resume: out\.png\.checkpoint/],
    ['a broken checkpoint', { output: 'interrupted.png', more: ['--resume'] }, /interrupted\.png\.checkpoint/],
    ['a checkpoint', { output: 'interrupted.png' }, /Use --resume to go on with it, or --overwrite/],
    ['a plot in a missing folder', { more: ['--plot', 'no/loss.svg'] }, /The folder .*no does not exist/],
    ['a config that is no JSON', { more: ['--config', 'bad.json'] }, /bad\.json is not JSON/],
  ])('%s', async (_, changes, message) => {
    await expectRefused(stylize(changes), 1, message);
  });

  it.each<[string, Parameters<typeof stylize>[0], RegExp]>([
    [
      'an unknown layer',
      { more: ['--style-layers', 'relu7_1'] },
      /no layer 'relu7_1'\. Use one of relu1_1, relu1_2, relu2_1/,
    ],
    [
      'a layer below the weights',
      { more: ['--content-layers', 'relu5_1'] },
      /no layer 'relu5_1'.*as deep as these weights/,
    ],
    ['not a number', { more: ['--style-weight', 'NaN'] }, /'--style-weight <number>' argument 'NaN'/],
    ['a number out of range', { more: ['--steps', '0'] }, /--steps: .*; received 0/],
    ['no such size', { more: ['--size', 'huge'] }, /--size: expected 512, 800x600, auto or original; received "huge"/],
    ['a negative style weight', { style: 'style.png:-1' }, /weight of the style style\.png is a positive number/],
    ['a style weight of text', { style: 'style.png:lots' }, /received 'lots'/],
    [
      'all weights 0',
      { more: ['--style-weight', '0', '--content-weight', '0', '--tv-weight', '0'] },
      /All loss weights are 0/,
    ],
    ['an unknown extension', { output: 'out.bmp' }, /out\.bmp must end in \.png/],
    ['an unknown plot', { more: ['--plot', 'loss.pdf'] }, /loss\.pdf must end in \.svg or \.png/],
    ['a plot over the picture', { more: ['--plot', 'out.png'] }, /are both out\.png/],
    ['an output over an input', { output: 'photo.png', more: ['--overwrite'] }, /photo\.png is one of the pictures/],
    ['16 bits of JPEG', { output: 'out.jpg', more: ['--bits', '16'] }, /8 bits per channel/],
    [
      'an unknown name in the config',
      { more: ['--config', 'wrong.json'] },
      /wrong\.json: There is no option 'styleWeigth'\. Perhaps you mean styleWeight\./,
    ],
    [
      'a style for styles in the config',
      { more: ['--config', 'style.json'] },
      /style\.json: There is no option 'style'\. Perhaps you mean styles\./,
    ],
    [
      'an option in both spellings',
      { more: ['--colours', 'style', '--colors', 'luminance'] },
      /--colours: expected one spelling; received colours and colors\./,
    ],
    [
      'an unknown flag',
      { more: ['--style-wight', '1'] },
      /unknown option '--style-wight' .*--style-weight.* See fauve stylize --help/,
    ],
  ])('in the command line: %s', async (_, changes, message) => {
    await expectRefused(stylize(changes), 2, message);
  });

  it.each<[readonly string[], RegExp]>([
    [['stylize'], /no content image/],
    [['stylize', 'photo.png', '-o', 'out.png'], /no style image/],
    [['stylize', 'photo.png', '-s', 'style.png'], /no output/],
    [['losses', 'photo.png', '-s', 'style.png'], /no content image/],
    [['stylise'], /unknown command 'stylise' \(Did you mean stylize\?\)/],
    [['models', 'pull'], /missing required argument 'name'.* See fauve models pull --help/],
  ])('fauve %j', async (args, message) => {
    await expectRefused(place.fauve(args), 2, message);
  });

  it('leaves nothing behind', async () => {
    expect(await contents()).toEqual(before);
    expect(await readFile(place.at('existing.png'), 'utf8')).toBe('mine');
  });
});

describe('weights', () => {
  const args = ['stylize', 'photo.png', '-s', 'style.png', '-o', 'out.png', ...tinyRun];

  it('that are missing: the error says how to get them', async () => {
    const env = { FAUVE_CACHE: place.at('nothing') };
    const message = /fauve models pull vgg19.*fauve models import FILE --name vgg19/;
    await expectRefused(place.fauve(args, { env }), 1, message);
  });

  it('that are corrupted: the error says so, also as JSON', async () => {
    const file = place.at('cache/networks/vgg19.safetensors');
    const bytes = await readFile(file);
    await writeFile(file, bytes.with(bytes.length - 5, bytes[bytes.length - 5]! ^ 1));
    const { code, stdout, stderr } = await place.fauve([...args, '--json']);
    await writeFile(file, bytes);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fauve: The weights .* are damaged: expected SHA-256 .*\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'input', message: stderr.slice(7, -1) });
  });
});

describe('an error', () => {
  it('before the run is an event of --json too', async () => {
    const { code, stdout } = await stylize({ more: ['--config', 'wrong.json', '--json'] });
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { type: 'error', code: 'usage' }]);
  });

  it('shows where it comes from only with --verbose', async () => {
    const args = ['stylize', 'nowhere.png', '-s', 'style.png', '-o', 'out.png'];
    const { stderr } = await place.fauve([...args, '--verbose']);
    expect(stderr).toMatch(/^fauve: Content image nowhere\.png .*\n/);
    expect(stderr).toMatch(/ at .*\.js:\d+/);
  });
});

describe('help', () => {
  it('is on stdout and exits 0, names every option with its default, and hides the aliases', async () => {
    const { code, stdout, stderr } = await place.fauve(['stylize', '--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const flag of ['--style-weight', '--tv-norm', '--beta1', '--resume', '--device', '--verbose']) {
      expect(stdout).toContain(`  ${flag}`);
    }
    expect(stdout.replace(/\s+/g, ' ')).toContain('content loss and their weights (default: relu4_2)');
    expect(stdout).not.toMatch(/--optimizer|--colors|--normalization|--no-/);
  });

  it('is what fauve alone prints, and the version is the one of the package', async () => {
    const { code, stdout, stderr } = await place.fauve([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('fauve stylize photo.jpg --style');
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await place.fauve(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});
