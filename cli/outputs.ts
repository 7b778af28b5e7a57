import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { createImage, encodeImage, FauveError, type JobCheckpoint } from 'fauve';
import { checkWritable, type PlotFormat, readFileChecked } from 'fauve/node';
import { outputFormat } from 'fauve/pictures';

/** What a run writes, and how. */
export interface OutputSettings {
  /** The picture. */
  readonly output: string;
  readonly plot?: string | undefined;
  readonly saveEvery?: number | undefined;
  readonly quality?: number | undefined;
  readonly bits?: 8 | 16 | undefined;
  readonly overwrite: boolean;
  readonly resume: boolean;
}

/** Where an interrupted run is kept. */
export function checkpointPath(output: string): string {
  return `${output}.checkpoint`;
}

/** The file of an interrupted run. @throws FauveError `input` or `system` when it cannot be read */
export async function readCheckpointFile(output: string): Promise<JobCheckpoint> {
  const path = checkpointPath(output);
  return { name: path, bytes: await readFileChecked(path, 'Checkpoint', 'Delete it and start again.') };
}

/** The picture after a number of steps, beside the finished one: `out.step-0050.png`. */
export function stepPath(output: string, step: number): string {
  return `${withoutExtension(output)}.step-${String(step).padStart(4, '0')}${extname(output)}`;
}

/** `out.png` → `out.redo.png`. A name that is no picture's gets .png. */
export function redoPath(picture: string): string {
  const known = isOutput(picture);
  return known ? `${withoutExtension(picture)}.redo${extname(picture)}` : `${picture}.redo.png`;
}

/** @throws FauveError `usage` for a name that ends in neither .svg nor .png */
export function plotFormat(path: string): PlotFormat {
  const extension = extname(path).toLowerCase();
  if (extension === '.svg') return 'svg';
  if (extension === '.png') return 'png';
  throw new FauveError(
    'request',
    `The plot ${path} must end in .svg or .png; received '${extension || 'no extension'}'.`,
  );
}

/**
 * Makes sure before the work that all that a run writes can be written.
 * @param inputs files that the run reads: never overwritten
 * @throws FauveError `usage`, `input` or `system`
 */
export async function checkOutputs(settings: OutputSettings, inputs: readonly string[]): Promise<void> {
  const { output, plot, saveEvery, quality, bits, resume } = settings;
  const format = outputFormat(output);
  // A single pixel meets the same rules for quality and bits.
  await encodeImage(createImage(1, 1, new Float32Array(3)), format, { quality, bits });
  if (plot !== undefined) {
    plotFormat(plot);
    if (resolve(plot) === resolve(output)) {
      throw new FauveError('request', `The picture and the plot are both ${output}. Give the plot another name.`);
    }
  }
  for (const path of [output, ...(plot === undefined ? [] : [plot])]) {
    for (const input of inputs) {
      if (await isSameFile(path, input)) {
        throw new FauveError('request', `${path} is one of the pictures to read. Give the output another name.`);
      }
    }
  }
  await checkInterrupted(settings);
  const overwrite = settings.overwrite || resume;
  await checkWritable(output, { overwrite });
  await checkWritable(checkpointPath(output), { overwrite });
  if (plot !== undefined) await checkWritable(plot, { overwrite });
  if (saveEvery !== undefined && !overwrite) await requireNoSteps(output);
}

/**
 * Makes sure that an interrupted run is there to go on with, or else that none is lost.
 * @throws FauveError `input`
 */
export async function checkInterrupted({
  output,
  resume,
  overwrite,
}: Pick<OutputSettings, 'output' | 'resume' | 'overwrite'>): Promise<void> {
  const interrupted = await exists(checkpointPath(output));
  if (resume && !interrupted) {
    throw new FauveError(
      'input',
      `There is nothing to resume: ${checkpointPath(output)} does not exist. Start without --resume.`,
    );
  }
  if (interrupted && !resume && !overwrite) {
    throw new FauveError(
      'input',
      `${output} was interrupted (${checkpointPath(output)} is there). Use --resume to go on with it, or --overwrite to start again.`,
    );
  }
}

async function requireNoSteps(output: string): Promise<void> {
  const [start, end] = [`${basename(withoutExtension(output))}.step-`, extname(output)];
  const isStep = (name: string) =>
    name.startsWith(start) && name.endsWith(end) && /^\d+$/.test(name.slice(start.length, name.length - end.length));
  const found = (await readdir(dirname(output))).find(isStep);
  if (found) {
    throw new FauveError(
      'input',
      `${join(dirname(output), found)} exists already. Use --overwrite to replace such pictures, or give another name.`,
    );
  }
}

function isOutput(path: string): boolean {
  try {
    outputFormat(path);
    return true;
  } catch {
    return false;
  }
}

function withoutExtension(path: string): string {
  return path.slice(0, path.length - extname(path).length);
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  return (await real(a)) === (await real(b));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
