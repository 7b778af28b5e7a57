import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './support/axe.js';
import { chromiumPath, skipped } from './support/browser.js';
import { openStudioPage, type StudioPage } from './support/studio-page.js';

const slow = 400_000;

describe.skipIf(!chromiumPath)(`the pages of the method beside the studio${skipped}`, () => {
  let studio: StudioPage;
  beforeAll(async () => {
    studio = await openStudioPage({ viewport: { width: 1024, height: 768 }, reducedMotion: 'reduce' });
  }, slow);
  afterAll(() => studio?.close());

  it('are linked by every tab of the loss lab', { timeout: slow }, async () => {
    const { page } = studio;
    await page.keyboard.press('l');
    await page.getByRole('tab').first().waitFor();
    const links: string[] = [];
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      const panel = page.getByRole('tabpanel', { name: (await tab.textContent())! });
      await panel.getByRole('link').first().waitFor();
      for (const link of await panel.getByRole('link').all()) links.push((await link.getAttribute('href'))!);
    }
    const topics = ['content-loss', 'networks', 'optimisers', 'style-loss', 'total-loss', 'total-variation'];
    expect([...new Set(links)].sort()).toEqual(topics.map((topic) => `method/${topic}.html`));
    const opened = studio.context.waitForEvent('page');
    await page.getByRole('link', { name: 'the content loss' }).first().click();
    const reader = await opened;
    await reader.getByRole('heading', { level: 1, name: 'Content loss' }).waitFor();
    await reader.close();
  });

  it('lead to each other, show their pictures, and leave axe nothing to find', { timeout: slow }, async () => {
    const { context, url, complaints } = studio;
    const page = await context.newPage();
    await page.goto(new URL('method/index.html', url).href);
    const next = await page.evaluate<string[]>("[...document.querySelectorAll('ol a')].map((link) => link.href)");
    expect(next).toHaveLength(6);
    for (const address of [page.url(), ...next]) {
      const response = await page.goto(address);
      expect(response?.status()).toBe(200);
      const widths = await page.evaluate<number[]>('[...document.images].map((picture) => picture.naturalWidth)');
      expect(widths).not.toContain(0);
      expect(await axeViolations(page)).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });
});
