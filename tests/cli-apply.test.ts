import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { psnr } from '#src/image/metrics.js';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';
import { type Outcome, openWorkplace, picture, type Workplace } from './support/cli.js';
import { foreignModel, kernelOf, negativeIn } from './support/foreign-model.js';
import { recipeOf } from './support/recipes.js';
import { negative, tinyFile } from './support/tiny-style-network.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  await writeFile(place.at('tiny.onnx'), tinyFile(3));
  await writeFile(place.at('single.onnx'), tinyFile(4, { styles: 1 }));
  await writeFile(place.at('negative.onnx'), negative({ white: 255 }));
  await writeFile(place.at('fixed.onnx'), negative({ white: 255, size: [32, 40] }));
  const open = ['?', '?', '?', '?'];
  await writeFile(place.at('last.onnx'), negativeIn({ inLast: true, outLast: true }, ['?', '?', '?', 3], open));
  const conv = [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }];
  await writeFile(place.at('failing.onnx'), foreignModel({ node: conv, initializer: [kernelOf(5)] }));
  const { rawData: _, ...kernel } = kernelOf(3);
  const elsewhere = { ...kernel, dataLocation: 1, externalData: [{ key: 'location', value: 'alone.data' }] };
  await writeFile(place.at('alone.onnx'), foreignModel({ node: conv, initializer: [elsewhere] }));
  await mkdir(place.at('photos'));
  await writeFile(place.at('photos/a.png'), await encodeImage(picture(33, 21, 1), 'png'));
  await writeFile(place.at('photos/b.jpg'), await encodeImage(picture(20, 44, 2), 'jpeg'));
  await mkdir(place.at('twins'));
  await writeFile(place.at('twins/A.png'), await encodeImage(picture(20, 20, 6), 'png'));
  const gif = await sharp(await encodeImage(picture(19, 18, 3), 'png'))
    .gif()
    .toBuffer();
  await writeFile(place.at('c.gif'), gif);
  const jpeg = await encodeImage(picture(80, 80, 4), 'jpeg');
  await writeFile(place.at('truncated.jpg'), jpeg.subarray(0, jpeg.length / 2));
  await writeFile(place.at('text.jpg'), 'This is no picture.\n');
});
afterAll(() => place.remove());

const apply = (...args: string[]) => place.fauve(['apply', ...args, '--threads', '1', '--device', 'cpu']);

function succeeded(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
}

async function refused(outcome: Promise<Outcome>, code: number, message: RegExp): Promise<void> {
  const { stdout, stderr, ...rest } = await outcome;
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^fauve: [^\n]+\.\n$/);
  expect(rest.code).toBe(code);
}

const decoded = async (name: string) =>
  decodeImage(await readFile(place.at(name)), { what: 'Picture', fileName: name });

describe('fauve apply', () => {
  it('restyles a photo, and gives the same bytes again', async () => {
    const { stdout, stderr } = succeeded(await apply('tiny.onnx', 'photo.png', '-s', 'wave', '-o', 'one.png'));
    expect(stdout).toBe('');
    expect(stderr).toMatch(/one\.png\S* {2}64×48, \d+ ms\n$/);
    const { image, bits } = await decoded('one.png');
    expect([image.width, image.height, bits]).toEqual([64, 48, 8]);
    expect(succeeded(await apply('tiny.onnx', 'photo.png', '-s', 'wave', '-o', 'two.png', '-q')).stderr).toBe('');
    expect(await readFile(place.at('two.png'))).toEqual(await readFile(place.at('one.png')));
    await refused(
      apply('tiny.onnx', 'photo.png', '-s', 'wave', '-o', 'one.png'),
      1,
      /one\.png exists already.*--overwrite/,
    );
    succeeded(await apply('tiny.onnx', 'photo.png', '-s', 'scream', '-o', 'one.png', '--overwrite'));
    expect(await readFile(place.at('two.png'))).not.toEqual(await readFile(place.at('one.png')));
  });

  it('mixes styles, and takes strength, colours, size and bits', async () => {
    const styles = ['-s', 'wave:3', '-s', 'kiss:1'];
    await writeFile(place.at('four.onnx'), tinyFile(3, { styles: 4 }));
    const more = ['--strength', '0.5', '--colors', 'luminance', '--size', '32', '--bits', '16'];
    succeeded(await apply('four.onnx', 'photo.png', ...styles, '-o', 'mixed.tif', ...more));
    const { image, bits, format } = await decoded('mixed.tif');
    expect([image.width, image.height, bits, format]).toEqual([32, 24, 16, 'tiff']);
    succeeded(await apply('four.onnx', 'photo.png', ...styles, '-o', 'plain.png', '--strength', '0'));
    expect((await decoded('plain.png')).image).toEqual((await decoded('photo.png')).image);
  });

  it('reads standard input and writes standard output', async () => {
    succeeded(await apply('single.onnx', 'photo.png', '-o', 'file.webp'));
    const main = fileURLToPath(new URL('../dist/bin/fauve.js', import.meta.url));
    const args = [
      main,
      'apply',
      'single.onnx',
      '-',
      '-o',
      '-',
      '--format',
      'webp',
      '--threads',
      '1',
      '--device',
      'cpu',
    ];
    const child = spawn(process.execPath, args, { cwd: place.at('.'), stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (data) => chunks.push(data));
    child.stdin.end(await readFile(place.at('photo.png')));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    // Pixel by pixel: the recipes do not name the same photo.
    const received = await decodeImage(Buffer.concat(chunks), { what: 'Picture', fileName: 'of the pipe' });
    expect(received.image).toEqual((await decoded('file.webp')).image);
    expect(recipeOf('apply', received.recipe)).toMatchObject({
      transformer: { path: 'single.onnx' },
      content: { path: '-', sha256: recipeOf('apply', (await decoded('file.webp')).recipe).content.sha256 },
    });
    await writeFile(place.at('piped.webp'), Buffer.concat(chunks));
    await refused(place.fauve(['redo', 'piped.webp']), 1, /photo of piped\.webp came from a pipe.* --content FILE/);
    succeeded(await place.fauve(['redo', 'piped.webp', '--content', 'photo.png', '--device', 'cpu', '--threads', '1']));
    expect((await decoded('piped.redo.webp')).image).toEqual(received.image);
  });

  it('restyles folders, patterns and files into a folder, with their names', async () => {
    const args = [
      'tiny.onnx',
      'photos',
      'photos/*.png',
      'c.gif',
      '-s',
      'night',
      '-o',
      'out/deep',
      '--json',
      '--quality',
      '80',
    ];
    const { stdout, stderr } = succeeded(await apply(...args));
    expect(stderr).toBe('');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { type: 'start', model: 'tiny.onnx', pictures: 3 },
      { type: 'picture', input: 'photos/a.png', path: 'out/deep/a.png', width: 33, height: 21 },
      { type: 'picture', input: 'photos/b.jpg', path: 'out/deep/b.jpg', width: 20, height: 44 },
      { type: 'picture', input: 'c.gif', path: 'out/deep/c.png', width: 19, height: 18 },
      { type: 'done', written: 3, failed: 0 },
    ]);
    expect((await readdir(place.at('out/deep'))).sort()).toEqual(['a.png', 'b.jpg', 'c.png']);
    expect((await decoded('out/deep/b.jpg')).format).toBe('jpeg');
    const lines = succeeded(await apply('tiny.onnx', 'photos', '-s', 'night', '-o', 'w/', '--format', 'webp')).stderr;
    expect(lines).toMatch(/picture 1\/2.*\npicture 2\/2\n2 pictures, \d+ s\n$/);
    expect((await readdir(place.at('w'))).sort()).toEqual(['a.webp', 'b.webp']);
  });

  it('goes on after photos that cannot be read, and names them at the end', async () => {
    const photos = ['truncated.jpg', 'photos/a.png', 'text.jpg', 'photo.png'];
    const { code, stderr } = await apply('tiny.onnx', ...photos, '-s', 'wave', '-o', 'some', '--quiet');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Photo truncated\.jpg is truncated.*\nPhoto text\.jpg is not a picture.*\nfauve: 2 of 4 photos could not be restyled: truncated\.jpg, text\.jpg\. The others are written\.\n$/,
    );
    expect((await readdir(place.at('some'))).sort()).toEqual(['a.png', 'photo.png']);
    await refused(apply('tiny.onnx', 'text.jpg', '-s', 'wave', '-o', 'no.png', '-q'), 1, /text\.jpg is not a picture/);
  });

  it('reads what a folder holds, counts what it cannot read, and goes on where it stopped', async () => {
    const put = async (name: string, bytes: Uint8Array | string) => writeFile(place.at(`mixed/${name}`), bytes);
    await mkdir(place.at('mixed/deep'), { recursive: true });
    await put('phone.heic', await readFile(new URL('fixtures/upright.heic', import.meta.url)));
    await put('c.gif', await readFile(place.at('c.gif')));
    await put('c.png', await readFile(place.at('photo.png')));
    await put('camera.jpg', (await readFile(place.at('photos/b.jpg'))).subarray(0, -2));
    for (const name of ['raw.nef', 'clip.mov', '.DS_Store', '._c.gif']) await put(name, 'x');
    await symlink(place.at('nowhere.jpg'), place.at('mixed/gone.jpg'));
    const run = (...more: string[]) => apply('tiny.onnx', 'mixed', '-s', 'wave', '-o', 'mixed-out', '--json', ...more);
    const told = (stdout: string) =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    const first = await run();
    expect(first.code).toBe(1);
    expect(told(first.stdout)).toMatchObject([
      {
        type: 'notice',
        message: 'In mixed, 1 video (.mov), 1 folder and 1 raw camera file (.nef) are left out.',
      },
      { type: 'start', pictures: 5 },
      { type: 'picture', path: 'mixed-out/c.gif.png' },
      { type: 'picture', path: 'mixed-out/c.png' },
      { type: 'notice', message: expect.stringMatching(/^mixed\/camera\.jpg does not end as a JPEG does/) },
      { type: 'picture', path: 'mixed-out/camera.jpg' },
      { type: 'failed', input: 'mixed/gone.jpg', code: 'input' },
      { type: 'picture', path: 'mixed-out/phone.png', width: 64, height: 48 },
      { type: 'done', written: 4, failed: 1, skipped: 0 },
      { type: 'error' },
    ]);

    await rm(place.at('mixed/gone.jpg'));
    await rm(place.at('mixed-out/c.png'));
    const kept = await readFile(place.at('mixed-out/camera.jpg'));
    const { stderr } = await apply('tiny.onnx', 'mixed', '-s', 'night', '-o', 'mixed-out', '--skip-existing');
    expect(stderr).toMatch(/note:\S* In mixed, .* are left out\.\n/);
    expect(stderr).toMatch(/3 pictures were there already; 1 written\n$/);
    expect(await readFile(place.at('mixed-out/camera.jpg'))).toEqual(kept);
    const again = succeeded(await run('--skip-existing'));
    expect(told(again.stdout).slice(1)).toMatchObject([{ type: 'done', written: 0, failed: 0, skipped: 4 }]);
  });

  it('reads a pattern as a shell does, folders and dead links too', async () => {
    await mkdir(place.at('shelf/inner'), { recursive: true });
    await writeFile(place.at('shelf/inner/a.png'), await readFile(place.at('photo.png')));
    await symlink(place.at('nowhere'), place.at('shelf/dead.png'));
    const { code, stderr } = await apply('tiny.onnx', 'shelf/*', '-s', 'wave', '-o', 'shelf-out/', '-q');
    expect(stderr).toMatch(/dead\.png does not exist.*\nfauve: 1 of 2 photos could not be restyled/);
    expect(code).toBe(1);
    expect(await readdir(place.at('shelf-out'))).toEqual(['a.png']);
  });

  it('lists the styles', async () => {
    expect(succeeded(await place.fauve(['apply', 'tiny.onnx', '--list'])).stdout).toBe(
      'wave    The wave, Someone, 1905\nscream  The scream, Someone, 1905\nnight   The night, Someone, 1905\n',
    );
    expect(JSON.parse((await place.fauve(['apply', 'tiny.onnx', '--list', '--json'])).stdout)).toMatchObject({
      ...{ type: 'model', file: 'tiny.onnx', name: 'tiny', licence: 'CC0 1.0' },
      styles: [{ name: 'wave' }, { name: 'scream' }, { name: 'night' }],
    });
    expect((await place.fauve(['apply', 'negative.onnx', '--list'])).stdout).toContain('one style, without a name');
  });

  it('runs networks of other programs', async () => {
    succeeded(await apply('negative.onnx', 'photo.png', '-o', 'negative.png'));
    const [photo, result] = [(await decoded('photo.png')).image, (await decoded('negative.png')).image];
    expect(result.data.every((value, i) => Math.abs(value + photo.data[i]! - 1) < 0.003)).toBe(true);
    succeeded(await apply('last.onnx', 'photo.png', '-o', 'last.png'));
    const last = (await decoded('last.png')).image.data;
    expect(last.every((value, i) => Math.abs(value - result.data[i]!) < 0.005)).toBe(true);
    const { stderr } = succeeded(await apply('fixed.onnx', 'photo.png', '-o', 'fixed.png', '--range', '0-255'));
    expect(stderr).toMatch(/note:\S* fixed\.onnx takes pictures of 40×32: photos are brought to that size and back/);
    expect((await decoded('fixed.png')).image).toMatchObject({ width: 64, height: 48 });
  });

  it('computes in integers or in floats', async () => {
    const given = ['fast', 'photo.png', '-s', 'great-wave', '-q'];
    succeeded(await apply(...given, '-o', 'usual.png'));
    succeeded(await apply(...given, '-o', 'int8.png', '--precision', 'int8'));
    succeeded(await apply(...given, '-o', 'float32.png', '--precision', 'float32'));
    const bytes = (name: string) => readFile(place.at(name));
    expect(await bytes('int8.png')).toEqual(await bytes('usual.png'));
    const [int8, float32] = [(await decoded('int8.png')).image, (await decoded('float32.png')).image];
    expect(psnr(int8, float32)).toBeGreaterThan(30);
    expect(psnr(int8, float32)).toBeLessThan(70);
  });

  it('stops at Ctrl-C: what is written stays', async () => {
    await mkdir(place.at('many'));
    const bytes = await encodeImage(picture(700, 700, 5), 'png');
    for (let i = 0; i < 30; i++) await writeFile(place.at(`many/${i}.png`), bytes);
    const args = ['apply', 'tiny.onnx', 'many', '-s', 'wave', '-o', 'stopped', '--json', '--device', 'cpu'];
    const { code, stdout, stderr } = await place.fauve(args, {
      onLine: (line, child) => {
        if (JSON.parse(line).type === 'picture') child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/^fauve: Stopped after \d+ of 30 pictures; those that are written stay\.\n$/);
    const written = stdout.split('\n').filter((line) => line.includes('"picture"'));
    const files = await readdir(place.at('stopped'));
    expect(files.filter((name) => !name.endsWith('.png'))).toEqual([]);
    expect(files).toHaveLength(written.length);
    expect(files.length).toBeLessThan(30);
  });
});

describe('what is wrong is said before the work, and leaves nothing behind', () => {
  const wave = ['-s', 'wave'];

  it.each<[string, string[], RegExp]>([
    ['no photo', ['tiny.onnx', ...wave, '-o', 'x.png'], /no photo/],
    ['no output', ['tiny.onnx', 'photo.png', ...wave], /no output/],
    ['no style', ['tiny.onnx', 'photo.png', '-o', 'x.png'], /has 3 styles\. Say which: wave, scream, night/],
    [
      'an unknown style',
      ['tiny.onnx', 'photo.png', '-s', 'wale', '-o', 'x.png'],
      /no style 'wale'\. It has wave, scream/,
    ],
    ['a style of a foreign network', ['negative.onnx', 'photo.png', ...wave, '-o', 'x.png'], /Leave the style out/],
    [
      'a strength',
      ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--strength', '2'],
      /^fauve: --strength: .*received 2/,
    ],
    ['a size', ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--size', 'big'], /^fauve: --size: .*received "big"/],
    [
      'colours',
      ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--colours', 'match'],
      /Expected style or luminance/,
    ],
    ['a precision', ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--precision', 'int4'], /int8 or float32/],
    ['a range that is known', ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--range', '0-255'], /Leave it out/],
    ['a format', ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.bmp'], /x\.bmp must end in/],
    ['two formats', ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--format', 'webp'], /is a png by its name/],
    ['quality of a PNG', ['tiny.onnx', 'photos/a.png', ...wave, '-o', 'x/', '--quality', '9'], /loses nothing/],
    ['several into one', ['tiny.onnx', 'photos', ...wave, '-o', 'x.png'], /x\.png is a file, and there are 2 photos/],
    ['several to stdout', ['tiny.onnx', 'photos', ...wave, '-o', '-'], /takes one picture, received 2/],
    ['stdin into a folder', ['tiny.onnx', '-', ...wave, '-o', 'x/'], /standard input has no name/],
    ['two of one name', ['tiny.onnx', 'photos/a.png', 'twins/A.png', ...wave, '-o', 'x'], /would both be x.A\.png/],
    [
      'two ways with what is there',
      ['tiny.onnx', 'photo.png', ...wave, '-o', 'x.png', '--overwrite', '--skip-existing'],
      /'--overwrite' cannot be used with .*'--skip-existing'/,
    ],
    [
      'an output over an input',
      ['tiny.onnx', 'photos', ...wave, '-o', 'photos', '--overwrite'],
      /is one of the photos to read/,
    ],
    ['stdout twice', ['tiny.onnx', 'photo.png', ...wave, '-o', '-', '--json'], /cannot both go to standard output/],
  ])('in the command line: %s', async (_, args, message) => {
    const before = (await readdir(place.at('.'))).sort();
    const { code, stderr } = await place.fauve(['apply', ...args]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^fauve: [^\n]+\.\n$/);
    expect(code).toBe(2);
    expect((await readdir(place.at('.'))).sort()).toEqual(before);
  });

  it.each<[string, string[], RegExp]>([
    ['a missing network', ['no.onnx', 'photo.png', '-o', 'x.png'], /The network no\.onnx does not exist/],
    [
      'a network that is none',
      ['photo.png', 'photo.png', '-o', 'x.png'],
      /photo\.png is a picture; expected a network as ONNX\. Name the network first/,
    ],
    [
      'weights that are missing',
      ['alone.onnx', 'photo.png', '-o', 'x.png'],
      /'alone\.data', which is not in its folder/,
    ],
    [
      'a network that does not run',
      ['failing.onnx', 'photo.png', '-o', 'x.png'],
      /: its Conv \S+ failed: Input channels/,
    ],
    ['a missing photo', ['tiny.onnx', 'no.png', ...wave, '-o', 'x.png'], /The photo no\.png does not exist/],
    ['a pattern that fits nothing', ['tiny.onnx', 'photos/*.tif', ...wave, '-o', 'x/'], /No file fits photos\/\*\.tif/],
    ['a missing folder', ['tiny.onnx', 'photo.png', ...wave, '-o', 'no/x.png'], /no does not exist/],
  ])('in the files: %s', async (_, args, message) => {
    await refused(place.fauve(['apply', ...args]), 1, message);
  });

  it('an output that is a link to an input', async () => {
    await symlink(place.at('photo.png'), place.at('link.png'));
    const args = ['tiny.onnx', 'photo.png', ...wave, '-o', 'link.png', '--overwrite'];
    await refused(place.fauve(['apply', ...args]), 2, /link\.png is one of the photos to read/);
  });
});

describe('fauve redo of a picture of fauve apply', () => {
  const redo = (...args: string[]) => place.fauve(['redo', ...args, '--threads', '1', '--device', 'cpu']);
  const bytes = (name: string) => readFile(place.at(name));

  it.each([
    ['png', ['--bits', '16', '--strength', '0.5', '--precision', 'float32']],
    ['jpg', ['--quality', '70', '--size', '40']],
    ['webp', ['--colours', 'luminance']],
    ['tif', ['--size', 'auto']],
  ])('gives the same %s', async (extension, more) => {
    const [first, again] = [`first.${extension}`, `first.redo.${extension}`];
    succeeded(await apply('tiny.onnx', 'photo.png', '-s', 'wave:2', '-s', 'night', '-o', first, ...more));
    expect(succeeded(await redo(first)).stderr).not.toContain('will differ');
    expect(await bytes(again)).toEqual(await bytes(first));
  });

  it('knows the range of a network of another program, and takes other settings and files', async () => {
    succeeded(await apply('negative.onnx', 'photo.png', '-o', 'n.png', '--range', '0-255'));
    expect(recipeOf('apply', (await decoded('n.png')).recipe).range).toBe('0-255');
    const { stderr } = succeeded(await redo('n.png', '--size', '32', '--content', 'other.png', '-o', 'n2.png'));
    expect(stderr).toMatch(/The photo other\.png is not the file/);
    expect((await decoded('n2.png')).image).toMatchObject({ width: 32, height: 32 });
    await refused(redo('n.png', '--steps', '5', '-o', 'n3.png'), 2, /made in one pass.* no --steps/);
    await refused(redo('n.png', '--save-every', '5', '-o', 'n3.png'), 2, /no --save-every/);
    await rename(place.at('negative.onnx'), place.at('moved.onnx'));
    await refused(redo('n.png', '-o', 'n3.png'), 1, /trained network .* no longer at .* --model FILE/);
    succeeded(await redo('n.png', '--model', 'moved.onnx', '-o', 'n3.png'));
    expect((await decoded('n3.png')).image).toEqual((await decoded('n.png')).image);
    await rename(place.at('moved.onnx'), place.at('negative.onnx'));
  });
});
