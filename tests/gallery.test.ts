import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '#src/platform/node/codec.js';
import { shippedNetwork } from '#src/platform/node/shipped.js';
import { listStyles, loadStyle, stylesFolder } from '#src/platform/node/style-store.js';
import { parseStyleIndex } from '#src/styles/shipped.js';

interface Entry {
  readonly name: string;
  readonly file: string;
  readonly title: string;
  readonly artist: string;
  readonly year: number | null;
}

const list = JSON.parse(readFileSync(new URL('../models/styles/gallery.json', import.meta.url), 'utf8')) as Entry[];
const paintings = fileURLToPath(new URL('../../shared/paintings', import.meta.url));
const styles = await listStyles().catch(() => []);

describe('the list of the gallery', () => {
  it('names at least 24 styles, each once', () => {
    expect(list.length).toBeGreaterThanOrEqual(24);
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    for (const { name } of list) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it.skipIf(!existsSync(paintings))('names paintings in the public domain (needs ../shared/paintings)', () => {
    const known = JSON.parse(readFileSync(`${paintings}/manifest.json`, 'utf8')) as {
      readonly file: string;
      readonly public_domain: string;
      readonly note?: string;
    }[];
    for (const entry of list) {
      const found = known.find(({ file }) => file === entry.file);
      expect(found?.public_domain, entry.file).toMatch(/^yes/);
      // The note is about a mark at the bottom.
      expect('cropBottom' in entry, entry.file).toBe(found?.note !== undefined);
    }
  });
});

describe.skipIf(styles.length === 0)('the gallery (needs the networks that come with Fauve)', () => {
  it('is what its list says, and small', () => {
    const words = (all: readonly Omit<Entry, 'file'>[]) =>
      all
        .map(({ name, title, artist, year }) => ({ name, title, artist, year }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(words(styles)).toEqual(words(list));
    const files = readdirSync(stylesFolder).filter((file) => !file.endsWith('.json'));
    expect(files.filter((file) => !/\.(style|webp)$/.test(file))).toEqual([]);
    const bytes = files.reduce((sum, file) => sum + statSync(`${stylesFolder}/${file}`).size, 0);
    expect(bytes).toBeLessThanOrEqual(3_000_000);
  });

  it.each(styles.map(({ name }) => name))(
    '%s is for the networks that come with Fauve, with a swatch',
    async (name) => {
      const { style } = await loadStyle(name);
      for (const { network, sha256, sizes } of style.networks) {
        expect(sha256).toBe((await shippedNetwork(network)).sha256);
        expect(sizes.map(({ size }) => size)).toContain(512);
        expect(Object.keys(sizes[0]!.layers)).toHaveLength(5);
      }
      expect(style.networks.map(({ network }) => network)).toEqual(['distilled', 'distilled-small']);
      expect(style.palette.length).toBeGreaterThanOrEqual(5);
      const { swatch } = styles.find((each) => each.name === name)!;
      const bytes = readFileSync(swatch!);
      expect(bytes.length).toBeLessThanOrEqual(15_000);
      const { image } = await decodeImage(bytes, { what: 'Swatch', fileName: name });
      expect([image.width, image.height]).toEqual([192, 192]);
    },
  );

  it('are listed for browsers (npm run manifest)', () => {
    const file = readFileSync(`${stylesFolder}/index.json`, 'utf8');
    expect(parseStyleIndex(JSON.parse(file), (name) => join(stylesFolder, name), 'index.json')).toEqual(styles);
  });

  it('are not listed by what is no list', () => {
    const parse = (json: unknown) => () => parseStyleIndex(json, String, 'https://host/index.json');
    expect(parse({})).toThrow(/^https:\/\/host\/index\.json is no list of styles: the whole: /);
    const [entry] = JSON.parse(readFileSync(`${stylesFolder}/index.json`, 'utf8')) as object[];
    expect(parse([{ ...entry, path: '../../secret' }])).toThrow(/is no list of styles: 0\.path: /);
  });

  it('finds a style by its name, and says which are alike', async () => {
    expect((await loadStyle('starry-night')).style.title).toBe('The Starry Night');
    await expect(loadStyle('stary-nigt')).rejects.toThrow(/Perhaps you mean starry-night\./);
    await expect(loadStyle('wave')).rejects.toThrow(/Perhaps you mean great-wave\./);
    await expect(loadStyle('../styles/starry-night')).rejects.toThrow(/There is no style/);
  });
});
