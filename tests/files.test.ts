import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { checkWritable, errorCode, fileError, readFileChecked, writeFileAtomically } from '#src/platform/node/files.js';

/** Permissions do not hold root back, and Windows has other ones. */
const noPermissions = process.platform === 'win32' || process.getuid?.() === 0;

/** The title says why a test was skipped. */
const titled = (title: string) => (noPermissions ? `${title} (skipped: root passes every permission)` : title);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fauve-files-'));
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

/** The one line that was thrown, after its code. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FauveError)) throw new Error(`expected a FauveError, received ${error}`);
  expect(error.message).not.toContain('\n');
  return `${error.code}: ${error.message}`;
}

const text = (content: string) => new TextEncoder().encode(content);

describe('writeFileAtomically', () => {
  it('makes and replaces a file, and leaves nothing else', async () => {
    const path = join(folder, 'a.bin');
    await writeFileAtomically(path, text('first'));
    await writeFileAtomically(path, text('2'));
    expect(await readFile(path, 'utf8')).toBe('2');
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('shows readers the old or the new content, never a part', async () => {
    const path = join(folder, 'a.bin');
    const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    await writeFileAtomically(path, text(contents[0]!));
    let writing = true;
    const writer = (async () => {
      for (let i = 1; i <= 6; i++) await writeFileAtomically(path, text(contents[i % 2]!));
      writing = false;
    })();
    let reads = 0;
    for (; writing; reads++) expect(contents.includes(await readFile(path, 'utf8'))).toBe(true);
    await writer;
    expect(reads).toBeGreaterThan(0);
  });

  it('writes many at once without mixing them', async () => {
    const path = join(folder, 'a.bin');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(contents.map((content) => writeFileAtomically(path, text(content))));
    expect(contents).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('removes the temporary file when it fails, and keeps the old one', async () => {
    const path = join(folder, 'old.bin');
    await writeFile(path, 'old');
    // A value that cannot be written stands for a disk that fails in the middle.
    const unwritable = { [Symbol.toStringTag]: 'Uint8Array' } as unknown as Uint8Array;
    expect(await failure(writeFileAtomically(path, unwritable))).toMatch(/^system: Cannot write .*old\.bin/);
    expect(await readdir(folder)).toEqual(['old.bin']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('says which folder is missing and how to make it', async () => {
    const missing = join(folder, 'no', 'such');
    const message = await failure(writeFileAtomically(join(missing, 'a.png'), text('x')));
    expect(message).toMatch(/^input: The folder .* does not exist\. Make it \(mkdir/);
    expect(message).toContain(missing);
  });

  it('takes a name as long as the disk allows', async () => {
    const name = `${'n'.repeat(251)}.png`;
    await writeFileAtomically(join(folder, name), text('x'));
    expect(await readdir(folder)).toEqual([name]);
  });

  it.skipIf(process.platform === 'win32')('follows a link and keeps it', async () => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'a.bin'), 'old');
    await symlink(join('real', 'a.bin'), join(folder, 'link'));
    await writeFileAtomically(join(folder, 'link'), text('new'));
    expect(await readFile(join(folder, 'real', 'a.bin'), 'utf8')).toBe('new');
    expect(await readlink(join(folder, 'link'))).toBe(join('real', 'a.bin'));
  });

  it.skipIf(process.platform === 'win32')('does not replace a device', async () => {
    expect(await failure(writeFileAtomically('/dev/null', text('x')))).toMatch(/^input: \/dev\/null is a device/);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it.skipIf(noPermissions)(titled('says that a folder takes no files'), async () => {
    await chmod(folder, 0o500);
    expect(await failure(writeFileAtomically(join(folder, 'a.png'), text('x')))).toMatch(
      /^system: You have no permission to write/,
    );
  });
});

describe('checkWritable', () => {
  it('passes for a new file and leaves nothing', async () => {
    await checkWritable(join(folder, 'a.png'), { overwrite: false });
    expect(await readdir(folder)).toEqual([]);
  });

  it('asks before it replaces', async () => {
    const path = join(folder, 'a.png');
    await writeFile(path, 'kept');
    expect(await failure(checkWritable(path, { overwrite: false }))).toMatch(/^input: .*a\.png exists already\.$/);
    await checkWritable(path, { overwrite: true });
    expect(await readFile(path, 'utf8')).toBe('kept');
    expect(await readdir(folder)).toEqual(['a.png']);
  });

  it.each([true, false])('refuses folders and what cannot be reached (overwrite %s)', async (overwrite) => {
    await writeFile(join(folder, 'file'), '');
    const check = (...names: string[]) => failure(checkWritable(join(folder, ...names), { overwrite }));
    expect(await check()).toMatch(/^input: .* is a folder, expected a file/);
    expect(await check('no', 'a.png')).toMatch(/^input: The folder .*no does not exist\. Make it/);
    expect(await check('file', 'a.png')).toMatch(/^input: .*file/);
    expect(await check('n'.repeat(400))).toMatch(/^input: The name .* is too long/);
    expect(await failure(checkWritable(`${folder}/new/`, { overwrite }))).toMatch(/^input: .* names a folder/);
    expect(await failure(checkWritable('', { overwrite }))).toMatch(/^input: '' names a folder/);
  });

  it.skipIf(noPermissions)(titled('notices a folder that takes no files'), async () => {
    await chmod(folder, 0o500);
    expect(await failure(checkWritable(join(folder, 'a.png'), { overwrite: false }))).toMatch(
      /^system: You have no permission to write/,
    );
  });
});

describe('readFileChecked', () => {
  it('reads all bytes', async () => {
    const content = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
    await writeFile(join(folder, 'a.jpg'), content);
    expect([...(await readFileChecked(join(folder, 'a.jpg'), 'Content image'))]).toEqual([...content]);
  });

  it('names what is missing, a folder or empty', async () => {
    await writeFile(join(folder, 'empty.jpg'), '');
    const read = (...names: string[]) => failure(readFileChecked(join(folder, ...names), 'Content image'));
    expect(await read('no.jpg')).toMatch(/^input: Content image .*no\.jpg does not exist\. Check its name/);
    expect(await read()).toMatch(/^input: Content image .* is a folder, expected a file/);
    expect(await read('empty.jpg')).toMatch(/^input: Content image .*empty\.jpg is empty \(0 bytes\)/);
    expect(await read('empty.jpg', 'a.jpg')).toMatch(/^input: Content image .* leads through a file/);
  });

  it.skipIf(noPermissions)(titled('names what is unreadable'), async () => {
    await writeFile(join(folder, 'a.jpg'), 'x', { mode: 0o000 });
    expect(await failure(readFileChecked(join(folder, 'a.jpg'), 'Weight file'))).toMatch(
      /^system: You have no permission to read Weight file/,
    );
  });
});

describe('fileError', () => {
  it.each([
    ['ENOSPC', 'system', 'The disk is full: /pictures/a.png'],
    ['EDQUOT', 'system', 'The disk is full: /pictures/a.png'],
    ['EROFS', 'system', '/pictures/a.png is on a disk that cannot be written to'],
    ['EACCES', 'system', 'You have no permission to write /pictures/a.png'],
    ['EPERM', 'system', 'You have no permission to write /pictures/a.png'],
    ['ENOENT', 'input', 'The folder'],
    ['EISDIR', 'input', '/pictures/a.png is a folder'],
    ['EIO', 'system', 'Cannot write /pictures/a.png: the disk said so'],
  ])('says what %s means, and a remedy', (code, kind, start) => {
    const cause = Object.assign(new Error('the disk said so'), { code });
    const error = fileError(cause, 'write', '/pictures/a.png');
    expect(error.code).toBe(kind);
    expect(error.message.startsWith(start)).toBe(true);
    expect(error.message).toMatch(/\. [A-Z].*\.$/);
    expect(error.cause).toBe(cause);
  });

  it('finds the code in a cause', () => {
    const cause = Object.assign(new Error(), { code: 'ENOTFOUND' });
    expect(errorCode(new TypeError('fetch failed', { cause }))).toBe('ENOTFOUND');
    expect(errorCode('text')).toBeUndefined();
  });
});
