import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { aPath, bytes as areBytes, aSwitch, aText, checkRequest } from '../../checks/checks.js';
import { received } from '../../checks/received.js';
import { FauveError, messageOf, type Reason } from '../../errors.js';

/**
 * Writes a whole file or nothing: into a temporary file in the same folder, to the disk, then renamed over the old one. A link is
 * followed, so that it stays a link.
 * @param path the file; its folder must exist
 * @throws FauveError `input` when the folder is missing or the path is no regular file, `system` when the disk is full or the
 * folder cannot be written to; the old file is then as it was, and no temporary file is left
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  areBytes(bytes, 'writeFileAtomically, bytes');
  await checkTarget(path);
  const target = await realpath(path).catch(() => path);
  const temporary = temporaryBeside(target);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, 'write', path);
  }
}

/**
 * Makes sure, before long work starts, that its result can be written: the folder is there and takes files (one is made and
 * removed), and nothing is in the way.
 * @param options.overwrite whether an existing file may be replaced
 * @throws FauveError `input` for a missing folder, a path that is a folder, or an existing file; `system` when it cannot be written to
 */
export async function checkWritable(path: string, options: { readonly overwrite: boolean }): Promise<void> {
  checkRequest(options, 'checkWritable', { overwrite: aSwitch });
  const { overwrite } = options;
  const exists = await checkTarget(path);
  if (exists && !overwrite) {
    throw new FauveError({ kind: 'exists', path }, `${path} exists already.`);
  }
  const target = await realpath(path).catch(() => path);
  const probe = temporaryBeside(target);
  try {
    // Access alone is not enough: network drives and sandboxes can say yes and refuse the file.
    await access(dirname(target), constants.W_OK);
    await (await open(probe, 'wx')).close();
  } catch (error) {
    throw fileError(error, 'write', path);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/**
 * The bytes of a file that a user named; never empty.
 * @param what what the file is to the user, at the start of the error: `Content image`, `Weight file`
 * @param remedy what helps when it is empty, as a sentence
 * @throws FauveError `input` when the file is missing, a folder or empty; `system` when it cannot be read
 */
export async function readFileChecked(
  path: string | URL,
  what: string,
  remedy = 'Get the file again, or give another one.',
): Promise<Uint8Array> {
  aPath(path, what);
  let bytes: Uint8Array;
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    bytes = new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    throw fileError(error, 'read', path, what);
  }
  if (bytes.byteLength === 0) {
    throw new FauveError(
      { kind: 'file', path: String(path), doing: 'read' },
      `${what} ${path} is empty (0 bytes). ${remedy}`,
    );
  }
  return bytes;
}

/** Bytes of a file, `undefined` when there is none. @throws FauveError `system` when it cannot be asked */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError(error, 'read', path);
  }
}

/** Makes a folder and those above it, unless they exist. @throws FauveError `system` or `input` when it cannot be made */
export async function makeFolder(folder: string): Promise<void> {
  aPath(folder, 'The folder');
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fileError(error, 'write', folder, 'The folder');
  }
}

/**
 * What the operating system said about a file, as one line with a remedy.
 * @param what what the file is to the user (`Weight file`), said before its path
 */
export function fileError(error: unknown, doing: 'read' | 'write', given: string | URL, what?: string): FauveError {
  const code = errorCode(error);
  const path = String(given);
  const subject = [what, isName(path) ? path : `with a name of ${path.length} characters`].filter(Boolean).join(' ');
  const make = (message: string, reason: Reason = { kind: 'file', path, doing, code: code ?? 'unknown' }) =>
    new FauveError(reason, message, { cause: error });
  switch (code) {
    case 'ENOENT':
      return doing === 'read'
        ? make(`${subject} does not exist. Check its name; names are relative to ${process.cwd()}.`)
        : missingFolder(path, error);
    case 'ENOTDIR':
      return make(`${subject} leads through a file where a folder is expected. Check the path.`);
    case 'EISDIR':
      return make(`${subject} is a folder, expected a file. Add the name of a file.`);
    case 'ENAMETOOLONG':
      return isName(path)
        ? make(`The name ${subject} is too long for this disk. Give a shorter one.`)
        : make(`A name of ${path.length} characters is too long for this disk. Give a shorter one.`);
    case 'ERR_INVALID_ARG_VALUE':
    case 'ERR_INVALID_URL_SCHEME':
    case 'ERR_INVALID_FILE_URL_HOST':
      return make(`${what ?? 'A file'}: expected the path of a file; received ${received(path)}.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return make(`The disk is full: ${subject} was not written. Free some space, or write to another disk.`, {
        kind: 'disk-full',
        path,
      });
    case 'EROFS':
      return make(`${subject} is on a disk that cannot be written to. Write to another folder.`);
    case 'EACCES':
    case 'EPERM':
      return make(`You have no permission to ${doing} ${subject}. Change the permissions, or use another place.`);
    case 'ERR_FS_FILE_TOO_LARGE':
      return make(`${subject} is larger than 2 GiB, which is too large to read. Use a smaller file.`);
    default:
      return make(`Cannot ${doing} ${subject}: ${messageOf(error)}. Check the disk, or use another place.`);
  }
}

/** Whether a text can be a name: where one is expected, a whole file may be handed in. */
const isName = (path: string) => path.length <= 1000 && !/\p{Cc}/u.test(path);

/** The code of a system error (`ENOENT`), looked for in its causes too. */
export function errorCode(error: unknown): string | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string') return e.code;
  }
  return undefined;
}

/** Whether the path is an existing regular file. @throws FauveError when it cannot become one */
async function checkTarget(path: string): Promise<boolean> {
  aText(path, 'The path of a file');
  if (path === '' || /[\\/]$/.test(path)) {
    throw new FauveError(notWritable(path), `'${path}' names a folder, expected a file. Add the name of a file.`);
  }
  const found = await statOf(path);
  if (found?.isDirectory()) {
    throw new FauveError(notWritable(path), `${path} is a folder, expected a file. Add the name of a file.`);
  }
  if (found && !found.isFile()) {
    throw new FauveError(
      notWritable(path),
      `${path} is a device or a pipe, which a file would replace. Give the name of a file.`,
    );
  }
  const folder = await statOf(dirname(path));
  if (!folder) throw missingFolder(path);
  if (!folder.isDirectory()) {
    throw new FauveError(
      notWritable(path),
      `${dirname(path)} is a file, expected a folder. Choose another place for ${path}.`,
    );
  }
  return found !== undefined;

  async function statOf(place: string) {
    try {
      return await stat(place);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw fileError(error, 'write', path);
    }
  }
}

/** Of a path that is no file's. */
const notWritable = (path: string): Reason => ({ kind: 'file', path, doing: 'write' });

function missingFolder(path: string, cause?: unknown): FauveError {
  const folder = resolve(dirname(path));
  return new FauveError(
    notWritable(path),
    `The folder ${folder} does not exist. Make it (mkdir ${process.platform === 'win32' ? '' : '-p '}"${folder}"), or choose another.`,
    { cause },
  );
}

/** Without the target's name, which may already be as long as the disk allows. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.fauve-${randomUUID()}.tmp`);
}
