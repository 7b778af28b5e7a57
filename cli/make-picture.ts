import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type EncodeOptions,
  encodeImage,
  FauveError,
  type Image,
  JobAborted,
  type JobEvent,
  type JobResult,
  type JobSpecOf,
  type LossRecord,
  type Recipe,
} from 'fauve';
import { differences, plainEvent, planJob } from 'fauve/jobs';
import { createNodeHost, writeFileAtomically, writeImage } from 'fauve/node';
import { outputFormat } from 'fauve/pictures';
import type { EngineFlags } from './engine-flags.js';
import { listenForInterrupt } from './interrupt.js';
import { attempt, keepCheckpoint, keepElsewhere } from './keep.js';
import { writeLossPlot } from './loss-plot.js';
import { checkOutputs, checkpointPath, type OutputSettings, readCheckpointFile, stepPath } from './outputs.js';
import { type Reporter, reporterFor } from './progress.js';
import { recipeIn } from './recipes.js';

/** A picture to make by optimisation, and what to write. */
export interface PictureJob extends OutputSettings, EngineFlags {
  readonly spec: JobSpecOf<'stylize' | 'texture'>;
  /** The recipe that is repeated: what is different now is told. */
  readonly before?: Recipe;
  readonly json: boolean;
  readonly quiet: boolean;
}

type PictureEvent = JobEvent<'stylize'>;
type StartEvent = Extract<PictureEvent, { type: 'start' }>;
type Picture = JobResult<'stylize' | 'texture'>;
type Unfinished = Pick<Picture, 'image' | 'recipe' | 'history'>;

/**
 * Makes a picture and writes it, with all checks before the work, progress, and a way back after Ctrl-C.
 * @throws FauveError; `aborted` after Ctrl-C or another signal, when the picture so far and a checkpoint are written. A picture that
 * cannot be written is kept elsewhere, with a checkpoint
 */
export async function makePicture(job: PictureJob): Promise<void> {
  const reporter = reporterFor(job);
  const interrupt = listenForInterrupt({ after: 'this step', say: reporter.say, close: reporter.close });
  try {
    await run(job, reporter, interrupt.signal);
  } catch (error) {
    const before = error instanceof FauveError && error.code === 'aborted' && error.cause === undefined;
    if (!before) throw error;
    throw new FauveError('aborted', 'Stopped before the first step; nothing was written.', { cause: error });
  } finally {
    reporter.close();
    interrupt.release();
  }
}

async function run(job: PictureJob, reporter: Reporter, signal: AbortSignal): Promise<void> {
  const { output, spec, quality, bits } = job;
  await checkOutputs(job, filesOf(spec));
  const resume = job.resume ? await readCheckpointFile(output) : undefined;
  const notice = (message: string) => reporter.tell({ type: 'notice', message });
  const saved = (kind: 'picture' | 'step' | 'checkpoint' | 'plot', path: string) =>
    reporter.tell({ type: 'saved', kind, path });
  const encoding = (recipe: Recipe): EncodeOptions => ({ quality, bits, recipe: recipeIn(output, recipe, quality) });
  await using host = createNodeHost({ engine: { ...job.engine, onNotice: notice } });
  const planned = await planJob<'stylize' | 'texture'>(spec, host, { signal, resume });
  const { recipe } = planned.plan;
  if (job.before) for (const message of differences(job.before, recipe)) notice(message);

  let started: StartEvent | undefined;
  const onEvent = async (event: PictureEvent) => {
    if (event.type === 'start') started = event;
    reporter.tell(plainEvent(event));
    if (event.type !== 'step' || job.saveEvery === undefined || event.step % job.saveEvery !== 0) return;
    const [picture, state] = [await event.image(), await event.checkpoint()];
    await attempt(() => saveStep(event.step, picture, state), notice);
  };
  const saveStep = async (step: number, image: Image, checkpoint: Uint8Array) => {
    const path = stepPath(output, step);
    await writeImage(path, image, encoding({ ...recipe, step }));
    saved('step', path);
    await writeFileAtomically(checkpointPath(output), checkpoint);
    saved('checkpoint', checkpointPath(output));
  };
  const savePlot = async (history: readonly LossRecord[]) => {
    if (job.plot === undefined || !started) return;
    await writeLossPlot(job.plot, history, started.terms, started.scales);
    saved('plot', job.plot);
  };
  try {
    const result = await planned.run({ signal, onEvent });
    const { image, loss, terms, history, seconds } = result;
    await writePicture(output, image, encoding(result.recipe), result.checkpoint);
    saved('picture', output);
    await savePlot(history);
    await rm(checkpointPath(output), { force: true });
    const { width, height } = image;
    reporter.tell({ type: 'done', path: output, width, height, steps: history.length, loss, terms, seconds });
  } catch (error) {
    if (!(error instanceof JobAborted)) throw error;
    const { image, recipe: unfinished, history } = error.result as Unfinished;
    const checkpoint = error.checkpoint!;
    const stopped = `Stopped after step ${error.steps} of ${started!.steps}.`;
    const so = { before: `${stopped} `, what: 'The picture so far' };
    await writePicture(output, image, encoding(unfinished), () => checkpoint, so);
    saved('picture', output);
    const kept = await keepCheckpoint(output, checkpoint);
    if (kept.path !== undefined) saved('checkpoint', kept.path);
    await attempt(() => savePlot(history), notice);
    const where = `The picture so far (${image.width}×${image.height}) is in ${output}.`;
    throw new FauveError('aborted', `${stopped} ${where} ${kept.sentence}`, { cause: error });
  }
}

/** Files that a job reads: never overwritten. */
function filesOf(spec: PictureJob['spec']): string[] {
  const references = spec.kind === 'stylize' ? [spec.content, ...spec.styles, spec.init] : [spec.style];
  return references.flatMap((each) => (each && 'path' in each ? [each.path] : []));
}

/**
 * Writes a picture.
 * @throws FauveError when it cannot be written: the picture is then kept elsewhere, and a checkpoint that makes it again
 */
async function writePicture(
  output: string,
  image: Image,
  encoding: EncodeOptions,
  checkpoint: () => Uint8Array,
  stopped?: { readonly before: string; readonly what: string },
): Promise<void> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await encodeImage(image, outputFormat(output), encoding);
    await writeFileAtomically(output, bytes);
  } catch (error) {
    if (!(error instanceof FauveError)) throw error;
    const { before = '', what = 'The picture' } = stopped ?? {};
    const picture = bytes ? `${await keepElsewhere(what, basename(output), bytes)} ` : '';
    const purpose = stopped ? undefined : 'To write it there without another step';
    const { sentence } = await keepCheckpoint(output, checkpoint(), purpose);
    throw new FauveError(error.reason, `${before}${error.message} ${picture}${sentence}`, { cause: error });
  }
}
