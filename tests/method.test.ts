import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = `${root}docs/method/`;
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const read = (page: string) => readFileSync(folder + page, 'utf8');

/** What an example prints, line by line. It runs inside the project, where the package finds itself by its name. */
async function printed(page: string): Promise<string[]> {
  const [example, ...others] = [...read(page).matchAll(/```js\n\/\/ runs in the tests\n([\s\S]*?)```/g)];
  expect(others).toEqual([]);
  const file = `${root}out/method-examples/${page.replace('.md', '.mjs')}`;
  mkdirSync(`${root}out/method-examples`, { recursive: true });
  writeFileSync(file, example![1]!);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
  return stdout.trimEnd().split('\n');
}

/** The numbers at the ends of lines. */
const lastNumbers = (lines: readonly string[]) => lines.map((line) => Number(line.split(' ').at(-1)));

describe('the examples of the method do what their pages say', { timeout: 180_000 }, () => {
  it('content-loss.md', async () => {
    const lines = await printed('content-loss.md');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe('content relu4_2 0.000');
    expect(lastNumbers(lines)[1]).toBeGreaterThan(0.3);
  });

  it('style-loss.md', async () => {
    const lines = await printed('style-loss.md');
    expect(lines.slice(0, 6).map((line) => line.replace(/ [\d.]+$/, ''))).toEqual([
      'content relu4_2',
      ...[1, 2, 3, 4, 5].map((block) => `style relu${block}_1`),
    ]);
    const [content, ...style] = lastNumbers(lines.slice(0, 6));
    expect(content).toBeGreaterThan(1);
    expect(Math.max(...style)).toBeLessThan(0.1);
    expect(Math.max(...style)).toBe(style[4]);
  });

  it('total-variation.md', async () => {
    const [photo, soft] = lastNumbers(await printed('total-variation.md'));
    expect(soft! / photo!).toBeGreaterThan(0.05);
    expect(soft! / photo!).toBeLessThan(0.15);
  });

  it('total-loss.md', async () => {
    const rows = (await printed('total-loss.md')).map((line) => line.split(' ').map(Number));
    expect(rows.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const [, total, sum] of rows) expect(sum).toBeCloseTo(total!, 3);
    const totals = rows.map(([, total]) => total!);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
  });

  it('optimisers.md', async () => {
    const lines = await printed('optimisers.md');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['L-BFGS', 'Adam', 'AMSGrad']);
    for (const line of lines) {
      const [, first, last] = line.split(' ').map(Number);
      expect(last).toBeLessThan(first!);
    }
  });

  it('networks.md', async () => {
    expect(await printed('networks.md')).toEqual([expect.stringMatching(/^16 styles; 192 × 128 pixels in [\d.]+ s$/)]);
  });
});

describe.each(pages)('docs/method/%s', (page) => {
  it('links to what is there', () => {
    const targets = [...read(page).matchAll(/\]\(([^)#]+)/g)].map(([, target]) => target!);
    expect(targets.filter((target) => !existsSync(folder + target))).toEqual([]);
    expect(targets.length).toBeGreaterThan(0);
  });

  it('is short, and so are its pictures', () => {
    expect(read(page).split(/\s+/).length).toBeLessThan(900);
    const pictures = [...read(page).matchAll(/!\[[^\]]+\]\((.+)\)/g)].map(([, path]) => folder + path!);
    for (const picture of pictures) expect(statSync(picture).size).toBeLessThan(80_000);
  });
});
