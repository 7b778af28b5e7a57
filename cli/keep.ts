import { fstatSync, writeFile as writeDescriptor } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { FauveError } from 'fauve';
import { cacheFolder, fileError, makeFolder, writeFileAtomically } from 'fauve/node';
import { checkpointPath } from './outputs.js';

/**
 * Writes what a command has made. What cannot be written where it belongs is kept in another place.
 * @param path a file; `-` for standard output
 * @param about.what what it is, at the start of a sentence: `The network`
 * @param about.name of its file, where standard output has none
 * @throws FauveError that says why it was not written, and where it is
 */
export async function writeResult(
  path: string,
  bytes: Uint8Array,
  { what, name = basename(path) }: { readonly what: string; readonly name?: string },
): Promise<void> {
  try {
    await (path === '-' ? writeStandardOutput(bytes) : writeFileAtomically(path, bytes));
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.reason, `${error.message} ${await keepElsewhere(what, name, bytes)}`, { cause: error });
  }
}

/**
 * Writes a checkpoint beside the output or, where that cannot be, elsewhere.
 * @param purpose what it is good for, at the start of a sentence
 * @returns where it is, if there was a place for it, and the sentence that says how to go on
 */
export async function keepCheckpoint(
  output: string,
  bytes: Uint8Array,
  purpose = 'To go on',
): Promise<{ readonly path: string | undefined; readonly sentence: string }> {
  const beside = checkpointPath(output);
  try {
    await writeFileAtomically(beside, bytes);
    return { path: beside, sentence: `${purpose}, run the same command with --resume.` };
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    const path = await keepInTemporary(basename(beside), bytes);
    const sentence =
      path === undefined
        ? `There is no place for a checkpoint, so that --resume cannot go on: ${error.message}`
        : `${purpose}, copy the checkpoint ${path} to ${beside} and run the same command with --resume.`;
    return { path, sentence };
  }
}

/**
 * Keeps something that cannot be written where it belongs.
 * @returns the sentence that says where it is
 */
export async function keepElsewhere(what: string, name: string, bytes: Uint8Array): Promise<string> {
  const kept = await keepInTemporary(name, bytes);
  return kept === undefined ? `${what} is lost: there was no other place for it.` : `${what} is kept as ${kept}.`;
}

/** Among the temporary files or, where these have no room, in Fauve's cache. @returns the path, if there is room */
async function keepInTemporary(name: string, bytes: Uint8Array): Promise<string | undefined> {
  for (const place of [tmpdir(), cacheFolder()]) {
    let folder: string | undefined;
    try {
      await makeFolder(place);
      folder = await mkdtemp(join(place, 'fauve-kept-'));
      const path = join(folder, name);
      await writeFile(path, bytes);
      return path;
    } catch {
      // The next place may have room.
      if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }
  return undefined;
}

/** Does something that long work can do without. That it failed is told, and no more. @param tell is given the sentence */
export async function attempt(work: () => Promise<void>, tell: (message: string) => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    tell(error.message);
  }
}

/** @throws FauveError `system` when it takes no more; not when its reader has stopped reading */
async function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  const kind = fstatSync(1);
  try {
    // The stream would take a part of the bytes for all of them where the disk is nearly full.
    if (kind.isFile() || kind.isCharacterDevice()) await promisify(writeDescriptor)(1, bytes);
    else
      await new Promise<void>((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
  } catch (error) {
    if (!isReaderGone(error)) throw fileError(error, 'write', 'standard output');
  }
}

/** Whoever reads our output may stop reading (`| head`), or close the terminal; that is no error. */
export function isReaderGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EPIPE' || (code === 'EIO' && process.stdout.isTTY);
}
