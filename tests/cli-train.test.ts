import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeImage, encodeImage } from '#src/platform/node/codec.js';
import { decodeStyleNetwork } from '#src/style-network/file.js';
import { decodeTrainCheckpoint } from '#src/training/style-network/checkpoint.js';
import { type Outcome, openWorkplace, picture, type Workplace } from './support/cli.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  await mkdir(place.at('data'));
  for (const seed of [1, 2, 3]) {
    await writeFile(place.at(`data/${seed}.jpg`), await encodeImage(picture(90, 70, seed), 'jpeg'));
  }
  await writeFile(place.at('data/text.jpg'), 'This is no picture.\n');
  await mkdir(place.at('bad'));
  await writeFile(place.at('bad/text.jpg'), 'This is no picture.\n');
  await writeFile(place.at('existing.onnx'), 'mine');
  await writeFile(place.at('other.onnx.checkpoint'), 'no checkpoint');
});
afterAll(() => place.remove());

const tiny = [
  ...['--network', 'vgg19', '--threads', '1', '--device', 'cpu'],
  ...['--content-layers', 'relu2_1', '--style-layers', 'relu1_1,relu2_1'],
  ...['--batch', '1', '--crop-size', '64', '--iterations', '8'],
];
const small = ['--channels', '0,4,4', '--blocks', '1', '--kernels', '3,3'];

const train = (output: string, ...more: string[]) =>
  place.fauve(['train', '--style', 'style.png', '--data', 'data', '-o', output, ...tiny, ...small, ...more]);

const model = async (name: string) => decodeStyleNetwork(await readFile(place.at(name)), name);

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

describe('fauve train', () => {
  it('writes a network that says what it is, with its curves and test pictures', async () => {
    const more = ['--licence', 'CC0-1.0', '--test', 'photo.png', '--test-every', '4', '--test-size', '48'];
    const curves = ['--plot', 'loss.svg', '--csv', 'loss.csv', '--seed', '7', '--amsgrad'];
    const styles = ['--style', 'other.png:0.5'];
    const { stdout, stderr } = succeeded(await train('two.onnx', ...more, ...curves, ...styles));
    expect(stdout).toBe('');
    expect(stderr).toContain('left out: text.jpg: ');
    expect(stderr).toMatch(/8 iterations of 1 photos? of 64×64/);
    expect(stderr).toMatch(/unevenness of flat cards: grey \d/);
    expect(stderr).toContain('two.onnx  2 styles, 0.0');
    const made = await model('two.onnx');
    expect(made).toMatchObject({
      name: 'two',
      licence: 'CC0-1.0',
      styles: [{ name: 'style' }, { name: 'other' }],
      training: {
        ...{ iterations: 8, batch: 1, cropSize: 64, amsgrad: true, seed: 7, channels: [0, 4, 4] },
        ...{ lossNetwork: 'vgg19', photos: 4, styleWeights: { style: 1, other: 0.5 } },
      },
    });
    expect(Object.keys(made.training.losses as object)).toEqual([
      ...['content relu2_1', 'style relu1_1', 'style relu2_1', 'total variation'],
    ]);
    expect(made.weights.get('first.scale')!.shape).toEqual([2, 4]);

    const svg = await readFile(place.at('loss.svg'), 'utf8');
    for (const name of ['total', 'content relu2_1', 'style relu1_1', 'style relu2_1', 'total variation']) {
      expect(svg).toContain(`data-name="${name}"`);
    }
    const [head, ...rows] = (await readFile(place.at('loss.csv'), 'utf8')).trimEnd().split('\n');
    expect(head).toBe(
      'iteration,total,content relu2_1,style relu1_1,style relu2_1,total variation,learning rate,seconds',
    );
    expect(rows.map((row) => row.split(',').length)).toEqual(Array(8).fill(8));
    expect(rows.map((row) => Number(row.split(',')[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);

    const pictures = ['step-000004-photo-other.png', 'step-000004-photo-style.png'];
    expect((await readdir(place.at('two.onnx.tests'))).sort()).toEqual([
      ...pictures,
      ...pictures.map((name) => name.replace('4', '8')),
    ]);
    const shown = await readFile(place.at(`two.onnx.tests/${pictures[0]}`));
    const { image } = await decodeImage(shown, { what: 'Picture', fileName: pictures[0]! });
    expect([image.width, image.height]).toEqual([48, 36]);
    expect(await readdir(place.at('.'))).not.toContain('two.onnx.checkpoint');
  });

  it('tells as JSON what happens', async () => {
    const more = ['--json', '--test-every', '5', '--test', 'photo.png', '--test-folder', 'seen', '--save-every', '3'];
    const name = ['--name', 'a name', '--seed', '7'];
    const outcome = succeeded(await train('j.onnx', ...more, ...name, '--plot', 'loss.png'));
    expect(outcome.stderr).toBe('');
    const told = events(outcome);
    expect(told.filter(({ type }) => type !== 'skipped').map(({ type }) => type)).toEqual([
      ...['start', 'step', 'step', 'step', 'step', 'test', 'step', 'step', 'step', 'test', 'step'],
    ]);
    expect(told.filter(({ type }) => type === 'skipped')).toMatchObject([{ name: 'text.jpg' }]);
    expect(told[0]).toMatchObject({
      options: { iterations: 8 },
      terms: [{ name: 'content relu2_1', weight: 0.15 }, {}, {}, {}],
    });
    const steps = told.filter(({ type }) => type === 'step');
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(Object.keys(steps[0]!)).toEqual(['type', 'step', 'total', 'terms', 'rate', 'seconds']);
    expect(told.find(({ type }) => type === 'test')).toMatchObject({
      pictures: [{ photo: 'photo', style: 'style' }],
      cards: { grey: expect.any(Number), white: expect.any(Number), gradient: expect.any(Number) },
    });
    expect(await readdir(place.at('seen'))).toHaveLength(2);
    expect((await model('j.onnx')).name).toBe('a name');
    const plot = await decodeImage(await readFile(place.at('loss.png')), { what: 'Plot', fileName: 'loss.png' });
    expect(plot.image.width).toBe(1720);
  });

  it('adds a style to a network that it made', async () => {
    succeeded(await train('base.onnx', '--iterations', '2'));
    const add = [
      ...['train', '--from', 'base.onnx', '--train', 'styles', '--data', 'data', '-o', 'more.onnx'],
      ...[...tiny, '--iterations', '3'],
    ];
    succeeded(await place.fauve([...add, '--style', 'other.png']));
    const [before, after] = [await model('base.onnx'), await model('more.onnx')];
    expect(after.styles.map(({ name }) => name)).toEqual(['style', 'other']);
    expect(after.training).toMatchObject({ from: { name: 'base' }, train: 'styles', channels: [0, 4, 4] });
    expect(after.weights.get('last.weight')).toEqual(before.weights.get('last.weight'));
    expect(after.weights.get('first.scale')!.data.slice(0, 4)).toEqual(before.weights.get('first.scale')!.data);
    const twice = await place.fauve([...add, '--style', 'style.png', '--overwrite']);
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringMatching(/two styles called 'style'\. Rename/) });
  });
});

describe('what cannot work gets one line and a non-zero exit, and leaves nothing behind', () => {
  const cases: [string, number, string, string[], RegExp][] = [
    ['another extension', 2, 'a.png', [], /a\.png must end in \.onnx; received '\.png'/],
    ['no extension', 2, 'a', [], /must end in \.onnx; received 'no extension'/],
    ['a plot of another kind', 2, 'a.onnx', ['--plot', 'loss.gif'], /must end in \.svg or \.png/],
    ['an existing output', 1, 'existing.onnx', [], /existing\.onnx exists already\. Use --overwrite/],
    ['a missing folder', 1, 'no/where/a.onnx', [], /The folder .*where does not exist/],
    ['no photos', 1, 'a.onnx', ['--data', 'nowhere'], /The folder nowhere does not exist/],
    ['a folder without photos', 1, 'a.onnx', ['--data', 'cache'], /cache holds no picture/],
    ['photos that are none', 1, 'a.onnx', ['--data', 'bad'], /None of the 1 pictures can be trained on/],
    ['an unknown style', 2, 'a.onnx', ['--style', 'no-such-style'], /no-such-style/],
    ['a missing style', 1, 'a.onnx', ['--style', 'nowhere.png'], /Style image nowhere\.png does not exist/],
    ['a style twice', 2, 'a.onnx', ['--style', 'style.png'], /two styles called 'style'/],
    ['a missing test photo', 1, 'a.onnx', ['--test', 'nowhere.png'], /Test photo nowhere\.png does not exist/],
    ['no network', 1, 'a.onnx', ['--from', 'existing.onnx'], /existing\.onnx/],
    ['nothing to resume', 1, 'a.onnx', ['--resume'], /nothing to resume: a\.onnx\.checkpoint does not exist/],
    ['a broken checkpoint', 1, 'other.onnx', ['--resume'], /other\.onnx\.checkpoint is truncated or corrupted/],
    ['an interrupted run', 1, 'other.onnx', [], /--resume to go on with it, or --overwrite/],
    ['a number out of range', 2, 'a.onnx', ['--iterations', '0'], /iterations/],
    ['not a number', 2, 'a.onnx', ['--learning-rate', 'fast'], /'--learning-rate <number>' argument 'fast'/],
    ['too few channels', 2, 'a.onnx', ['--channels', '4,4'], /--channels: expected 3 or 4 numbers, at full, half/],
    ['even kernels', 2, 'a.onnx', ['--kernels', '3,4'], /--kernels: expected odd numbers; received \[3, 4\]/],
    ['an unknown layer', 2, 'a.onnx', ['--style-layers', 'relu7_1'], /no layer 'relu7_1'/],
    ['nothing to lower', 2, 'a.onnx', ['--style-weight', '0', '--content-weight', '0', '--tv-weight', '0'], /are 0/],
    ['only the styles of nothing', 2, 'a.onnx', ['--train', 'styles'], /of a network that is given/],
    ['a licence without end', 2, 'a.onnx', ['--licence', 'x'.repeat(1001)], /The licence of the network/],
    ['an option that there is not', 2, 'a.onnx', ['--itterations', '5'], /unknown option '--itterations'/],
  ];
  it.each(cases)('%s', async (_, code, output, more, message) => {
    const before = (await readdir(place.at('.'), { recursive: true })).sort();
    const outcome = await train(output, '--json', ...more);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).toMatch(/^fauve: [^\n]+\.\n$/);
    expect(outcome.code).toBe(code);
    expect((await readdir(place.at('.'), { recursive: true })).sort()).toEqual(before);
    expect(await readFile(place.at('existing.onnx'), 'utf8')).toBe('mine');
  });

  it.each([
    ['train', ['--style', 'style.png', '--data', 'nowhere', '-o', 'a.onnx']],
    ['distil', ['--photos', 'nowhere', '--paintings', 'nowhere', '-o', 'student.safetensors']],
  ])('and is an event of --json: %s', async (command, args) => {
    const outcome = await place.fauve([command, ...args, '--json']);
    expect(outcome.code).toBe(1);
    expect(events(outcome).at(-1)).toMatchObject({
      type: 'error',
      code: 'input',
      message: expect.stringMatching(/nowhere/),
    });
  });
});

describe('Ctrl-C', () => {
  const long = ['--iterations', '60', '--test-every', '0', '--style', 'other.png', '--json', '--csv', 'cut.csv'];

  async function interrupt(output: string, at: number): Promise<Outcome> {
    let sent = false;
    const args = ['train', '--style', 'style.png', '--data', 'data', '-o', output, ...tiny, ...small, ...long];
    return place.fauve(args, {
      onLine: (line, child) => {
        if (!sent && JSON.parse(line).step === at) sent = child.kill('SIGINT');
      },
    });
  }

  it('saves a checkpoint, and --resume goes on to the very same network', async () => {
    const stopped = await interrupt('cut.onnx', 3);
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/fauve: Stopped after iteration \d+ of 60\. .* with --resume\.\n$/);
    const checkpoint = decodeTrainCheckpoint(await readFile(place.at('cut.onnx.checkpoint')));
    const told = events(stopped);
    expect(told.at(-1)).toMatchObject({ type: 'error', code: 'aborted' });
    const last = told.findLast(({ type }) => type === 'step')!.step as number;
    expect(checkpoint.step).toBe(last);
    expect(last).toBeLessThan(60);
    expect((await readFile(place.at('cut.csv'), 'utf8')).trimEnd().split('\n')).toHaveLength(1 + last);
    expect(await readdir(place.at('.'))).not.toContain('cut.onnx');

    const refused = async (code: number, message: RegExp, ...more: string[]) => {
      const outcome = await train('cut.onnx', ...long, ...more);
      expect(outcome).toMatchObject({ code, stderr: expect.stringMatching(message) });
    };
    await refused(
      2,
      /option batch of the interrupted job is 1; received 2\. Leave --batch out/,
      '--resume',
      '--batch',
      '2',
    );
    await refused(1, /of a run with other pictures/, '--resume', '--style', 'photo.png');
    await refused(1, /cut\.onnx was interrupted .*--resume to go on with it/);
    expect(decodeTrainCheckpoint(await readFile(place.at('cut.onnx.checkpoint')))).toEqual(checkpoint);

    const resumed = events(succeeded(await train('cut.onnx', ...long, '--resume')));
    expect(resumed.find(({ type }) => type === 'step')).toMatchObject({ step: last + 1 });
    // Names of the files are in the networks.
    await mkdir(place.at('whole'));
    const whole = events(succeeded(await train('whole/cut.onnx', ...long)));
    expect(await readFile(place.at('cut.onnx'))).toEqual(await readFile(place.at('whole/cut.onnx')));
    expect(resumed.at(-1)).toMatchObject({ step: 60, total: whole.at(-1)!.total, terms: whole.at(-1)!.terms });
    expect(await readdir(place.at('.'))).not.toContain('cut.onnx.checkpoint');
  });

  it('leaves a run that --overwrite starts again', async () => {
    expect((await interrupt('again.onnx', 1)).code).toBe(130);
    await copyFile(place.at('again.onnx.checkpoint'), place.at('kept.checkpoint'));
    const told = events(succeeded(await train('again.onnx', '--json', '--overwrite', '--iterations', '2')));
    expect(told.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([1, 2]);
    expect((await model('again.onnx')).training).toMatchObject({ iterations: 2 });
    expect(await readdir(place.at('.'))).not.toContain('again.onnx.checkpoint');
  });
});
