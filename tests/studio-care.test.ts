import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './support/axe.js';
import { chromiumPath, skipped } from './support/browser.js';
import {
  examplePhoto,
  openPhoto,
  openStudioPage,
  type StudioPage,
  setOptions,
  untilIdle,
  useProcessor,
} from './support/studio-page.js';

const slow = 400_000;

describe.skipIf(!chromiumPath)(`care for all who use the studio${skipped}`, () => {
  let studio: StudioPage;
  beforeAll(async () => {
    studio = await openStudioPage({ viewport: { width: 1024, height: 768 }, reducedMotion: 'reduce' });
  }, slow);
  afterAll(() => studio?.close());

  const violations = () => axeViolations(studio.page);

  it('leaves axe nothing to find before there is a photo', { timeout: slow }, async () => {
    expect(await violations()).toEqual([]);
  });

  it.each<[string, () => Promise<{ name: string; mimeType: string; buffer: Buffer }>, RegExp]>([
    [
      'a text that is named .jpg',
      async () => ({ name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('Dear diary, today …') }),
      /notes\.jpg is not a picture that can be read.*Use JPEG/,
    ],
    [
      'half a picture',
      async () => {
        const { data } = await png(200, 200);
        return { name: 'half.png', mimeType: 'image/png', buffer: data.subarray(0, data.length / 2) };
      },
      /half\.png is truncated.*Copy or download it again/,
    ],
    [
      'one pixel',
      async () => ({ name: 'dot.png', mimeType: 'image/png', buffer: (await png(1, 1)).data }),
      /dot\.png has 1 × 1 pixels; at least 16 × 16 are needed\. Open a larger picture\./,
    ],
  ])('says what to do about %s', { timeout: slow }, async (_, file, sentence) => {
    const { page } = studio;
    await page.setInputFiles('[data-photo-input]', await file());
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent(), { timeout: slow }).toMatch(sentence);
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Close this message' }).click();
    expect(await alert.textContent()).toBe('');
  });

  it('works on 60 megapixels in a smaller size, and says so', { timeout: slow }, async () => {
    const { page } = studio;
    const { data } = await png(10_000, 6000);
    await openPhoto(page, { name: 'huge.png', mimeType: 'image/png', buffer: data });
    const told = page.getByText(/^This photo has 60 megapixels/);
    expect(await told.textContent()).toMatch(/You work on it at \d{4} × \d{3},.*fauve apply --size auto/);
    await page.getByRole('button', { name: 'Close this message' }).click();
  });

  it('is used by keyboard alone, from the photo to the download', { timeout: slow }, async () => {
    const { page } = studio;
    await page.reload();
    await page.getByLabel('Device').waitFor();
    const press = (key: string) => page.keyboard.press(key);
    const focused = () =>
      page.evaluate<string>(
        "((e) => (e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent ?? '').trim())(document.activeElement)",
      );
    /** Tab until that has the focus. */
    const tabTo = async (name: RegExp) => {
      for (let i = 0; i < 90; i++) {
        await press('Tab');
        if (name.test(await focused())) return;
      }
      throw new Error(`Tab does not reach ${name}; it ended at ${await focused()}.`);
    };
    await tabTo(/^Device/);
    await page.keyboard.type('Proc');
    await tabTo(/^A cat$/);
    await press('Enter');
    await page.getByRole('img', { name: 'Photo', exact: true }).waitFor();
    await tabTo(/The Starry Night/);
    await press('ArrowRight');
    expect(await focused()).toMatch(/Wheat Field/);
    await press('i');
    await page.getByRole('img', { name: 'Result' }).waitFor({ timeout: slow });
    // The picture: moved, zoomed, compared.
    await tabTo(/^Picture$/);
    await press('ArrowRight');
    await press('+');
    const place = () => page.locator('.placed').first().getAttribute('style');
    expect(await place()).toMatch(/translate\(-\d+\.?\d*px, 0px\) scale\(1\.4\)/);
    await press('0');
    await tabTo(/^Before and after/);
    for (let i = 0; i < 3; i++) await press('ArrowRight');
    expect(await page.getByLabel(/^Before and after/).inputValue()).toBe('0.53');
    await tabTo(/^Download$/);
    const [file] = await Promise.all([page.waitForEvent('download', { timeout: slow }), press('Enter')]);
    expect(file.suggestedFilename()).toBe('chelsea-wheat-field-with-cypresses.png');
    // The lab, its tabs, and the dialog of the keys.
    await press('l');
    await page.getByRole('tab', { name: 'Losses' }).waitFor();
    await tabTo(/^Losses$/);
    await press('ArrowRight');
    await page.getByRole('tab', { name: 'Gram matrices', selected: true }).waitFor();
    await press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await violations()).toEqual([]);
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('leaves axe nothing to find while it works, when it is done, and in the lab', { timeout: slow }, async () => {
    const { page } = studio;
    await page.reload();
    await page.getByLabel('Device').waitFor();
    await openPhoto(page, examplePhoto('coffee'));
    await useProcessor(page);
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Loss lab' }).click();
    await setOptions(page, { size: 128, steps: 300, scales: 1 });
    await page.getByRole('switch', { name: 'Mix several' }).or(page.getByLabel('Mix several')).first().check();
    await page.getByRole('checkbox', { name: 'The Scream' }).check({ force: true });
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await expect.poll(() => page.locator('.status').textContent(), { timeout: slow }).toMatch(/Step [2-9]/);
    await page.getByRole('button', { name: 'Pause' }).click();
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Stop' }).click();
    await untilIdle(page);
    expect(await violations()).toEqual([]);
    await page.getByRole('tab', { name: 'Gram matrices' }).click();
    await page.getByRole('button', { name: 'Measure' }).click();
    await untilIdle(page);
    await page.getByRole('img', { name: /^Result: distance from the style/ }).waitFor();
    expect(await violations()).toEqual([]);
    for (const tab of ['What a layer sees', 'Content ÷ style']) {
      await page.getByRole('tab', { name: tab }).click();
      expect(await violations()).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await violations()).toEqual([]);
    // Nothing sticks out at the side.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });

  it('asked nobody else, and nothing was refused', () => {
    expect(studio.requests.filter((address) => !/^(blob:)?http:\/\/127\.0\.0\.1:/.test(address))).toEqual([]);
    expect(studio.complaints).toEqual([]);
  });
});

async function png(width: number, height: number) {
  const image = sharp({ create: { width, height, channels: 3, background: '#5a86b8' } });
  return image.png().toBuffer({ resolveWithObject: true });
}
