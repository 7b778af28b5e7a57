import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cropImage } from '#src/image/crop.js';
import type { Image } from '#src/image/image.js';
import { resizeImage } from '#src/image/resize.js';
import { decodeImage } from '#src/platform/node/codec.js';
import { readImage } from '#src/platform/node/images.js';
import { shippedStyleNetworks } from '#src/platform/node/shipped.js';
import { loadStyleNetwork } from '#src/platform/node/style-networks.js';
import { apply } from '#src/style-network/apply.js';
import { openStyleNetwork } from '#src/style-network/open.js';
import { openWorkplace, type Workplace } from './support/cli.js';
import { recipeOf } from './support/recipes.js';
import { openEngine } from './support/restyling.js';

// Each command is a process of its own, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const example = (name: string) => fileURLToPath(new URL(`../examples/photos/${name}.jpg`, import.meta.url));
const photo = example('coffee');
const portrait = example('astronaut');
let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.remove());

const fauve = (...args: string[]) => place.fauve([...args, '--device', 'cpu']);
const pixels = async (path: string) => (await readImage(place.at(path))).data;

describe('the trained networks that come with Fauve', () => {
  it('are small, and one knows 16 styles or more', async () => {
    const all = await shippedStyleNetworks();
    expect(all.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(2e6);
    expect(all.find(({ name }) => name === 'fast')?.styles.length).toBeGreaterThanOrEqual(16);
  });

  it.each(['fast', 'starry-night'])('%s paints no frame: at a border as if the photo went on', async (name) => {
    const runtime = await openEngine();
    const network = await openStyleNetwork(runtime, await loadStyleNetwork(name));
    const whole = resizeImage(await readImage(portrait), 320, 320);
    const [side, cut] = [256, 64];
    const part = cropImage(whole, { left: cut, top: cut, width: side, height: side });
    for (const style of network.styles) {
      const restyled = async (image: Image) => (await apply({ image, network, styles: [{ name: style.name }] })).image;
      const [inside, alone] = [await restyled(whole), await restyled(part)];
      // What the new border changes, next to it and in the middle of the picture.
      const change = (x0: number, y0: number, x1: number, y1: number) => {
        let sum = 0;
        for (let c = 0; c < 3; c++)
          for (let y = y0; y < y1; y++)
            for (let x = x0; x < x1; x++)
              sum += (alone.data[(c * side + y) * side + x]! - inside.data[(c * 320 + y + cut) * 320 + x + cut]!) ** 2;
        return Math.sqrt(sum / (3 * (x1 - x0) * (y1 - y0)));
      };
      // Two to four times as much is usual; a network that painted broad frames came to nine.
      const middle = change(64, 64, 192, 192);
      expect(change(0, 0, side, 16) / middle, `${style.name}, above`).toBeLessThan(6);
      expect(change(0, 0, 16, side) / middle, `${style.name}, left`).toBeLessThan(6);
    }
    await network.close();
    await runtime.close();
  });

  it('are named where another is asked for', async () => {
    const { code, stderr } = await fauve('apply', 'slow', photo, '-o', 'x.png');
    expect(code).toBe(2);
    expect(stderr).toMatch(/no trained network 'slow'.*fast/);
  });
});

describe('stylize --fast', () => {
  it('gives the picture of fauve apply, at the size of stylize', async () => {
    const small = ['--size', '96'];
    expect(await fauve('stylize', photo, '-s', 'great-wave', '-o', 'fast.png', '--fast', ...small)).toMatchObject({
      code: 0,
    });
    expect(await fauve('apply', 'fast', photo, '-s', 'great-wave', '-o', 'applied.png', ...small)).toMatchObject({
      code: 0,
    });
    expect(await pixels('fast.png')).toEqual(await pixels('applied.png'));
    expect(await fauve('redo', 'fast.png')).toMatchObject({ code: 0 });
    expect(await readFile(place.at('fast.redo.png'))).toEqual(await readFile(place.at('fast.png')));
    expect(await fauve('stylize', photo, '-s', 'great-wave', '-o', 'default.png', '--fast')).toMatchObject({ code: 0 });
    const { width, height } = await readImage(place.at('default.png'));
    expect(Math.max(width, height)).toBe(512);
  });

  it.each([
    [['--steps', '5'], /without --steps/],
    [['--plot', 'p.svg'], /without --plot/],
    [['--resume'], /without --resume/],
    [['--colours', 'match'], /--colours match/],
    [['-s', 'melancholy'], /has no style 'melancholy'.*great-wave/],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await fauve('stylize', photo, '-s', 'great-wave', '-o', 'no.png', '--fast', ...flags);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('stylize --init fast', () => {
  const run = (output: string, ...flags: string[]) =>
    fauve(
      'stylize',
      photo,
      '-s',
      'great-wave',
      '-o',
      output,
      '--size',
      '64',
      '--scales',
      '1',
      '--network',
      'distilled-small',
      ...flags,
    );

  it('starts with a lower loss than the photo, and is repeated by redo', async () => {
    const lossAfterOne = async (output: string, ...flags: string[]) => {
      const { code, stdout } = await run(output, '--steps', '1', '--json', ...flags);
      expect(code).toBe(0);
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; loss: number });
      return events.find(({ type }) => type === 'step')!.loss;
    };
    expect(await lossAfterOne('from-fast.png', '--init', 'fast')).toBeLessThan(await lossAfterOne('from-photo.png'));

    const { recipe } = await decodeImage(await readFile(place.at('from-fast.png')), {
      what: 'Picture',
      fileName: 'from-fast.png',
    });
    const { options, fast } = recipeOf('stylize', recipe);
    const [shipped] = (await shippedStyleNetworks()).filter(({ name }) => name === 'fast');
    expect(options.init).toBe('fast');
    expect(fast).toEqual({ name: 'fast', sha256: shipped!.sha256 });
    expect(await fauve('redo', 'from-fast.png')).toMatchObject({ code: 0 });
    expect(await pixels('from-fast.redo.png')).toEqual(await pixels('from-fast.png'));
  });

  it('needs a style that the network knows', async () => {
    const { code, stderr } = await fauve('stylize', photo, '-s', 'melancholy', '-o', 'no.png', '--init', 'fast');
    expect(code).toBe(2);
    expect(stderr).toMatch(/not learned the style melancholy/);
  });
});
