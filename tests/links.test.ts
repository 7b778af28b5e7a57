import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);

const pages = [
  ...readdirSync(root),
  ...['docs', 'gpu', 'examples', 'tests/oracle'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name.replaceAll('\\', '/')}`,
    ),
  ),
].filter((path) => path.endsWith('.md'));

/** Markdown without its code, where brackets mean something else. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, 'code');

/** The places of a page that a link can lead to, as GitHub names them. */
function anchorsOf(page: URL): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading]) =>
    heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Links of a page that lead nowhere. */
function brokenLinks(path: string, text: string): string[] {
  const targets = [
    ...[...prose(text).matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map(([, target]) => target!),
    ...[...prose(text).matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, target]) => target!),
  ].filter((target) => !/^[a-z]+:/.test(target));
  return targets.filter((target) => {
    const page = new URL(target, new URL(path, root));
    const anchor = decodeURIComponent(page.hash.slice(1));
    page.hash = '';
    return !existsSync(page) || (anchor !== '' && !anchorsOf(page).includes(anchor));
  });
}

describe('links between the pages', () => {
  it('are found', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md', 'docs/experiments/README.md']));
  });

  it.each(pages)('%s', (path) => {
    expect(brokenLinks(path, readFileSync(new URL(path, root), 'utf8'))).toEqual([]);
  });

  it('are told apart from those that lead nowhere', () => {
    const text =
      '[a](README.md#anchors) [b](missing.md) ![c](LICENSE) [d](https://example.org) `[e](code.md)` [f](#title)';
    expect(brokenLinks('README.md', text)).toEqual(['README.md#anchors', 'missing.md', '#title']);
  });
});
