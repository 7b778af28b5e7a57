import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { createImage, encodeImage, FauveError, type OutputFormat } from 'fauve';
import { checkWritable, listPictures, makeFolder } from 'fauve/node';
import { outputFormat } from 'fauve/pictures';

/** A photo to restyle and where its picture goes. */
export interface PhotoJob {
  /** A file; `-` for standard input. */
  readonly input: string;
  /** A file; `-` for standard output. */
  readonly output: string;
  readonly format: OutputFormat;
  readonly quality?: number | undefined;
  readonly bits?: 8 | 16 | undefined;
}

type Target = Pick<PhotoJob, 'input' | 'output' | 'format'>;

/** How the pictures are written. */
export interface PhotoSettings {
  readonly format?: OutputFormat;
  readonly quality?: number;
  readonly bits?: 8 | 16;
  readonly overwrite: boolean;
  /** Photos whose picture is there already are left out. */
  readonly skipExisting: boolean;
}

/** Photos as the command line names them. */
export interface FoundPhotos {
  readonly photos: readonly string[];
  /** Sentences about what else their folders hold. */
  readonly notices: readonly string[];
}

/** What is to be done. */
export interface PhotoPlan {
  readonly jobs: readonly PhotoJob[];
  /** Photos whose picture is there already. */
  readonly skipped: number;
}

const extensions: Readonly<Record<OutputFormat, string>> = { png: '.png', jpeg: '.jpg', webp: '.webp', tiff: '.tif' };

/**
 * The files that arguments stand for: themselves, the pictures of a folder, or those that a pattern with `*` and `?` in its last part
 * fits. Each file once, in the order of the arguments.
 * @throws FauveError `input` when there is no such file
 */
export async function findPhotos(named: readonly string[]): Promise<FoundPhotos> {
  const found = new Map<string, string>();
  const notices = new Set<string>();
  for (const name of named) {
    for (const path of await filesOf(name, (notice) => notices.add(notice))) {
      const key = path === '-' ? path : resolve(path);
      if (!found.has(key)) found.set(key, path);
    }
  }
  return { photos: [...found.values()], notices: [...notices] };
}

async function filesOf(name: string, tell: (notice: string) => void): Promise<string[]> {
  if (name === '-') return ['-'];
  const entry = await stat(name).catch(() => undefined);
  if (entry?.isDirectory()) {
    const { names, leftOut } = await listPictures(name);
    if (leftOut !== undefined) tell(leftOut);
    return names.map((picture) => join(name, picture));
  }
  // A link that leads nowhere stops no other photo: it is told when its turn comes.
  if (entry || (await lstat(name).catch(() => undefined))) return [name];
  if (!/[*?]/.test(basename(name))) {
    throw new FauveError(
      'input',
      `The photo ${name} does not exist. Check its name; names are relative to ${process.cwd()}.`,
    );
  }
  const pattern = matcher(basename(name));
  const folder = dirname(name);
  const names = (await readdir(folder).catch(() => [])).filter((each) => pattern.test(each)).sort();
  // As from a shell, which would find folders, too.
  const each = await Promise.all(names.map((found) => filesOf(join(folder, found), tell)));
  if (names.length > 0) return each.flat();
  throw new FauveError('input', `No file fits ${name}. * and ? may stand in the last part of a path.`);
}

/** As a shell's: `*` is any text, `?` one character; names that begin with a dot have to be asked for. */
function matcher(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's');
}

/**
 * Decides where each picture goes and makes sure that it can be written; a folder is made.
 * @param output a folder, a file, or `-`
 * @throws FauveError `usage`, `input` or `system`, before anything is written
 */
export async function planOutputs(
  photos: readonly string[],
  output: string,
  settings: PhotoSettings,
): Promise<PhotoPlan> {
  const folder = await isFolder(output, photos.length);
  const targets = withOwnNames(
    photos.map((input): Target => {
      if (folder) return { input, ...inFolder(input, output, settings.format) };
      if (output === '-') return { input, output, format: settings.format ?? 'png' };
      const format = outputFormat(output);
      if (settings.format !== undefined && settings.format !== format) {
        throw new FauveError(
          'request',
          `${output} is a ${format} by its name, --format is ${settings.format}. Leave it out.`,
        );
      }
      return { input, output, format };
    }),
  );
  requireDifferent(targets);
  const jobs = withEncoding(targets, settings);
  for (const { format, quality, bits } of jobs) {
    // A single pixel meets the same rules for quality and bits.
    await encodeImage(createImage(1, 1, new Float32Array(3)), format, { quality, bits });
  }
  if (folder) await makeFolder(output);
  const read = new Set(await Promise.all(photos.map((photo) => realpath(photo).catch(() => photo))));
  const left: PhotoJob[] = [];
  for (const job of jobs) {
    if (job.output === '-') {
      left.push(job);
      continue;
    }
    const place = await realpath(job.output).catch(() => undefined);
    if (place !== undefined && read.has(place)) {
      throw new FauveError(
        'request',
        `${job.output} is one of the photos to read. Give the output another name or folder.`,
      );
    }
    if (place !== undefined && settings.skipExisting) continue;
    await checkWritable(job.output, { overwrite: settings.overwrite });
    left.push(job);
  }
  return { jobs: left, skipped: jobs.length - left.length };
}

async function isFolder(output: string, photos: number): Promise<boolean> {
  if (output === '-') {
    if (photos === 1) return false;
    throw new FauveError('request', `Standard output takes one picture, received ${photos}. Name a folder: -o out/.`);
  }
  const entry = await stat(output).catch(() => undefined);
  if (entry?.isDirectory() || /[\\/]$/.test(output)) return true;
  if (photos === 1) return extname(output) === '' && entry === undefined;
  if (entry || extname(output) !== '') {
    throw new FauveError('request', `${output} is a file, and there are ${photos} photos. Name a folder: -o out/.`);
  }
  return true;
}

function inFolder(input: string, folder: string, format: OutputFormat | undefined) {
  if (input === '-') {
    throw new FauveError('request', `The photo from standard input has no name. Name the output file: -o out.png.`);
  }
  const [extension, known] = [extname(input), knownFormat(input)];
  const name = basename(input, extension);
  if (known !== undefined && (format === undefined || format === known)) {
    return { output: join(folder, name + extension), format: known };
  }
  const chosen = format ?? 'png';
  return { output: join(folder, name + extensions[chosen]), format: chosen };
}

function knownFormat(path: string): OutputFormat | undefined {
  try {
    return outputFormat(path);
  } catch {
    return undefined;
  }
}

/** Quality and bits go to the pictures whose formats have them; where none has, the encoder says what is wrong. */
function withEncoding(targets: readonly Target[], { quality, bits }: PhotoSettings): PhotoJob[] {
  const isLossy = ({ format }: { readonly format: OutputFormat }) => format === 'jpeg' || format === 'webp';
  const [anyLossy, anyLossless] = [targets.some(isLossy), targets.some((target) => !isLossy(target))];
  return targets.map((target) => ({
    ...target,
    ...(quality !== undefined && (isLossy(target) || !anyLossy) ? { quality } : {}),
    ...(bits !== undefined && (!isLossy(target) || !anyLossless) ? { bits } : {}),
  }));
}

/** Where a.gif and a.png would both be a.png, the picture of a.gif is a.gif.png. */
function withOwnNames(targets: readonly Target[]): Target[] {
  const places = targets.map(({ output }) => output.toLowerCase());
  return targets.map((target, i) => {
    const { input, output } = target;
    const alone = places.indexOf(places[i]!) === places.lastIndexOf(places[i]!);
    const [from, to] = [extname(input), extname(output)];
    if (alone || output === '-' || from.toLowerCase() === to.toLowerCase()) return target;
    return { ...target, output: output.slice(0, -to.length) + from + to };
  });
}

function requireDifferent(targets: readonly Target[]): void {
  const seen = new Map<string, string>();
  for (const { input, output } of targets) {
    // Some disks do not tell A.png from a.png.
    const key = output.toLowerCase();
    const before = seen.get(key);
    if (before !== undefined) {
      throw new FauveError(
        'request',
        `${before} and ${input} would both be ${output}. Restyle them into different folders, or rename one.`,
      );
    }
    seen.set(key, input);
  }
}
