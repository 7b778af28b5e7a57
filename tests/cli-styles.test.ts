import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeImage } from '#src/platform/node/codec.js';
import { listStyles } from '#src/platform/node/style-store.js';
import { decodeStyle, encodeStyle } from '#src/styles/style-file.js';
import { type Outcome, openWorkplace, tinyRun, type Workplace } from './support/cli.js';
import { recipeOf } from './support/recipes.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The gallery is made with the networks that come with Fauve: without them there is nothing to list.
const shipped = await listStyles().catch(() => []);

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  succeeded(await capture('wave.style', '--title', 'The Wave', '--artist', 'N. N.', '--year', '1831'));
});
afterAll(() => place.remove());

const engine = ['--network', 'vgg19', '--threads', '1', '--device', 'cpu'];
const capture = (output: string, ...more: string[]) =>
  place.fauve(['capture', 'style.png', '-o', output, ...engine, ...more]);
const read = async (name: string) => decodeStyle(await readFile(place.at(name)), name);
const decoded = async (name: string) =>
  decodeImage(await readFile(place.at(name)), { what: 'Picture', fileName: name });
const exists = async (name: string) => (await readdir(place.at('.'))).includes(name);

function succeeded(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
}

async function refused(args: string[], code: number, message: RegExp): Promise<void> {
  expect(await place.fauve(args)).toMatchObject({ code, stderr: expect.stringMatching(message), stdout: '' });
}

describe('fauve capture', () => {
  it('writes what it is told about the painting, and all that the network has', async () => {
    const style = await read('wave.style');
    expect(style).toMatchObject({ name: 'wave', title: 'The Wave', artist: 'N. N.', year: 1831, source: '' });
    const [network] = style.networks;
    // The painting has 56 pixels: larger sizes would say nothing about it.
    expect(network!.sizes.map(({ size, layers }) => [size, Object.keys(layers)])).toEqual([
      [256, ['relu1_1', 'relu2_1']],
    ]);
    const { length } = await readFile(place.at('wave.style'));
    expect(length).toBeLessThanOrEqual(64 * 1024);
  });

  it('says what it does; takes words from the name of the file; crops the bottom', async () => {
    await copyFile(place.at('style.png'), place.at('Große Welle_2.png'));
    const args = ['capture', 'Große Welle_2.png', '-o', 'Große Welle.style', '--crop-bottom', '50%', ...engine];
    const { stderr } = succeeded(await place.fauve(args));
    expect(stderr).toMatch(/^1\/1 {2}vgg19 at 256 pixels\nGroße Welle\.style {2}Große Welle 2, for vgg19, \d+ KB\n$/);
    const style = await read('Große Welle.style');
    expect(style).toMatchObject({ name: 'grosse-welle', title: 'Große Welle 2', artist: '', year: null });
    expect(style.networks).not.toEqual((await read('wave.style')).networks);
  });

  it('adds a network to a style file and keeps the others and its words', async () => {
    const before = await read('wave.style');
    const other = { ...before.networks[0]!, network: 'other' };
    await writeFile(place.at('two.style'), encodeStyle({ ...before, networks: [other] }));
    const { stderr } = succeeded(await capture('two.style', '--add', '--quiet'));
    expect(stderr).toBe('');
    expect(await read('two.style')).toEqual({ ...before, networks: [other, before.networks[0]] });
  });

  it.each<[number, RegExp, ...string[]]>([
    [2, /no output.*-o wave\.style/, 'style.png'],
    [2, /must end in \.style; received '\.png'/, 'style.png', '-o', 'a.png'],
    [1, /wave\.style exists already.*--overwrite/, 'style.png', '-o', 'wave.style'],
    [1, /folder .*no does not exist/, 'style.png', '-o', 'no/a.style'],
    [1, /a\.style does not exist/, 'style.png', '-o', 'a.style', '--add'],
    [2, /expected a name as great-wave/, 'style.png', '-o', 'a.style', '--name', 'A B'],
    [1, /Painting wave\.style is not a picture/, 'wave.style', '-o', 'a.style'],
    [2, /percentage from 0 to 90/, 'style.png', '-o', 'a.style', '--crop-bottom', '99'],
  ])('checks before the work what it writes: exit %i, %s', async (code, message, ...args) => {
    await refused(['capture', ...args, ...engine], code, message);
    expect(await exists('a.style')).toBe(false);
  });
});

describe('fauve stylize --style', () => {
  const stylize = (output: string, ...args: string[]) =>
    place.fauve(['stylize', 'photo.png', '-o', output, ...tinyRun, '--network', 'vgg19', ...args]);

  it('takes a style file, alone and beside a painting, and redo makes the picture again', async () => {
    succeeded(await stylize('a.png', '-s', 'wave.style:2', '-s', 'other.png'));
    const { image, recipe } = await decoded('a.png');
    expect(recipeOf('stylize', recipe).styles).toEqual([
      { path: 'wave.style', weight: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { path: 'other.png', weight: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    const { stderr } = succeeded(await place.fauve(['redo', 'a.png', '-o', 'b.png', '--threads', '1']));
    expect(stderr).not.toContain('note:');
    expect((await decoded('b.png')).image).toEqual(image);
  });

  it('says when a style file has changed since', async () => {
    succeeded(await capture('wave.style', '--overwrite', '--crop-bottom', '20'));
    const { stderr } = succeeded(await place.fauve(['redo', 'a.png', '-o', 'c.png', '--threads', '1']));
    expect(stderr).toContain('note: The style wave.style is not the file');
  });

  it('is told by its content', async () => {
    await copyFile(place.at('wave.style'), place.at('wave'));
    succeeded(await stylize('d.png', '-s', 'wave'));
    await copyFile(place.at('style.png'), place.at('picture.style'));
    expect(await stylize('e.png', '-s', 'picture.style')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^fauve: picture\.style is no style file: it does not begin as one\./),
    });
  });

  it('says which names are alike when it knows none', async () => {
    const message = /^fauve: There is no style 'stary-nigt': it is neither a file nor a style that comes with Fauve\./;
    expect(await stylize('f.png', '-s', 'stary-nigt')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
    expect(await stylize('f.png', '-s', 'nothing.jpg')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Style image nothing\.jpg does not exist/),
    });
    expect(await stylize('f.png', '-s', 'wave.style', '--colours', 'match')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/'match' recolours the painting/),
    });
  });

  it('measures losses against a style file', async () => {
    const args = ['losses', 'photo.png', '--content', 'photo.png', '--style', 'wave.style', ...engine, '--json'];
    const layers = ['--content-layers', 'relu2_1', '--style-layers', 'relu1_1,relu2_1'];
    const { stdout } = succeeded(await place.fauve([...args, ...layers]));
    expect(JSON.parse(stdout).total).toBeGreaterThan(0);
  });
});

describe('fauve texture', () => {
  it('paints a picture from a style file, or says that it needs one', async () => {
    // The style of this network ends at relu2_1, the default goes on to relu5_1.
    const args = ['texture', 'wave.style', '-o', 't.png', '--size', '48', '--steps', '2', ...engine];
    await refused(args, 2, /no layer 'relu3_1'|has no layer relu3_1/);
    await refused(
      ['texture', 'style.png', '-o', 't.png', ...engine],
      2,
      /style\.png is a picture.*fauve capture style\.png/,
    );
    await refused(['texture', 'wave.style', ...engine], 2, /no output/);
    await refused(['texture', 'wave.style', '-o', 't.gif', ...engine], 2, /must end in/);
    await refused(['texture', 'wave.style', '-o', 't.png', '--size', '7', ...engine], 2, /--size: expected a whole/);
    await refused(['texture', 'nothing', '-o', 't.png', ...engine], 2, /There is no style 'nothing'/);
    expect(await exists('t.png')).toBe(false);
  });

  it.skipIf(shipped.length === 0)('is repeated by redo, all the same or with another seed', async () => {
    const cpu = ['--device', 'cpu', '--threads', '1'];
    const small = ['--size', '32', '--steps', '1', '--network', 'distilled-small', '--quality', '80'];
    succeeded(await place.fauve(['texture', 'great-wave', '-o', 'wave.jpg', ...small, '--seed', '3', ...cpu]));
    expect(recipeOf('texture', (await decoded('wave.jpg')).recipe)).toMatchObject({
      network: { name: 'distilled-small' },
      style: { path: 'great-wave', shipped: true },
      options: { size: 32, steps: 1, seed: 3, styleScale: 1 },
      quality: 80,
    });
    succeeded(await place.fauve(['redo', 'wave.jpg', ...cpu]));
    expect(await readFile(place.at('wave.redo.jpg'))).toEqual(await readFile(place.at('wave.jpg')));
    succeeded(await place.fauve(['redo', 'wave.jpg', '--seed', '4', '-o', 'other.jpg', '--json', ...cpu]));
    expect(await readFile(place.at('other.jpg'))).not.toEqual(await readFile(place.at('wave.jpg')));
    await refused(['redo', 'wave.jpg', '-o', 'x.jpg', '--content', 'photo.png'], 2, /a style alone.* no --content/);
    await refused(['redo', 'wave.jpg', '-o', 'x.jpg', '--size', 'auto'], 2, /one side of a texture/);
  });
});

describe.skipIf(shipped.length === 0)('fauve styles', () => {
  it('lists what comes with Fauve', async () => {
    const { stdout } = succeeded(await place.fauve(['styles']));
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^name +title +artist +year$/);
    expect(lines).toHaveLength(shipped.length);
    const json = JSON.parse(succeeded(await place.fauve(['styles', '--json'])).stdout);
    expect(json).toEqual(JSON.parse(JSON.stringify(shipped)));
  });

  it('draws them as one picture', async () => {
    await mkdir(place.at('sheets'));
    succeeded(await place.fauve(['styles', '--sheet', 'sheets/all.png']));
    const { image } = await decoded('sheets/all.png');
    expect(image.width).toBeGreaterThan(1200);
    await refused(['styles', '--sheet', 'sheets/all.png'], 1, /exists already/);
    await refused(['styles', '--sheet', 'all.gif'], 2, /must end in/);
  });
});
