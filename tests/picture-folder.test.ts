import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countKinds, kindNames, pictureKinds } from '#src/image/kinds.js';
import { listPictures, pictureFolder } from '#src/platform/node/picture-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fauve-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));
const put = async (...names: string[]) => {
  for (const name of names) await writeFile(join(folder, name), '');
};

describe('a folder of pictures', () => {
  it('gives all kinds that can be read, in order, and counts the rest by kind', async () => {
    const all = pictureKinds.flatMap(({ extensions }) => extensions.map((extension, i) => `${i}${extension}`));
    await put(...all, 'LOUD.JPEG', 'two.dots.PNG');
    await put('a.NEF', 'b.nef', 'c.cr2', 'clip.mov', 'notes.txt', 'list.csv', 'scan.bmp', 'no extension', 'x.zip');
    await put('.DS_Store', '._photo.jpg', '.hidden.png', 'Thumbs.db', 'desktop.ini');
    await mkdir(join(folder, 'album.jpg'));
    const { names, leftOut } = await listPictures(folder);
    expect(names).toEqual([...all, 'LOUD.JPEG', 'two.dots.PNG'].sort());
    expect(leftOut).toBe(
      `In ${folder}, 3 raw camera files (.cr2, .nef), 1 folder, 1 video (.mov), 2 texts (.csv, .txt), ` +
        '2 other files (.zip) and 1 picture of another kind (.bmp) are left out.',
    );
  });

  it('says nothing where there is nothing to say', async () => {
    await put('a.jpg', '.DS_Store', 'b.png');
    expect(await listPictures(folder, { without: ['b.png'] })).toEqual({ names: ['a.jpg'], leftOut: undefined });
  });

  it('keeps a link that leads nowhere, to be told in its turn, and follows the others', async () => {
    await put('a.jpg');
    await mkdir(join(folder, 'deep'));
    await symlink(join(folder, 'nowhere'), join(folder, 'gone.jpg'));
    await symlink(join(folder, 'a.jpg'), join(folder, 'link.jpg'));
    await symlink(join(folder, 'deep'), join(folder, 'more.jpg'));
    const { names, leftOut } = await listPictures(folder);
    expect(names).toEqual(['a.jpg', 'gone.jpg', 'link.jpg']);
    expect(leftOut).toMatch(/ 2 folders are left out\.$/);
  });

  it('without any says what it holds instead', async () => {
    await put('a.dng', 'b.dng');
    await expect(listPictures(folder)).rejects.toThrow(
      `${folder} holds no picture (${kindNames()}), but 2 raw camera files (.dng). Name a folder that does.`,
    );
  });

  it('to train on is without HEIC, and says so', async () => {
    await put('a.gif', 'b.heic', 'c.HEIF');
    const told: string[] = [];
    const pictures = await pictureFolder(folder, [], (sentence) => told.push(sentence));
    expect(pictures.map(({ name }) => name)).toEqual(['a.gif']);
    expect(told).toEqual([
      `In ${folder}, 2 HEIC files (.heic, .heif) are left out. HEIC is not read here: save it as JPEG.`,
    ]);
  });
});

describe('countKinds', () => {
  it('names no more than six extensions', () => {
    const entries = [...'abcdefgh'].map((letter) => ({ name: `x.${letter}${letter}`, is: 'file' as const }));
    expect(countKinds(entries)).toBe('8 other files (.aa, .bb, .cc, .dd, .ee, .ff, …)');
    expect(countKinds([])).toBe('');
  });
});
