import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type Checkpoint,
  decodeCheckpoint,
  type EncodeOptions,
  encodeCheckpoint,
  encodeImage,
  encodeRecipe,
  FauveError,
  freeMemory,
  type Image,
  loadNetworkWeights,
  outputFormat,
  outputSize,
  polishNetworkName,
  resolveStylizeOptions,
  StylizeAborted,
  type StylizeEvent,
  type StylizeRecipe,
  sha256Hex,
  startEngine,
  stylize,
  stylizeRecipe,
  version,
  writeFileAtomically,
  writeImage,
} from 'fauve';
import type { EngineFlags } from './engine-flags.js';
import { fastStart } from './fast.js';
import { noticesOf, type PicturePaths, readPictures, throwIfStopped } from './inputs.js';
import { listenForInterrupt } from './interrupt.js';
import { attempt, keepCheckpoint, keepElsewhere } from './keep.js';
import { writeLossPlot } from './loss-plot.js';
import { conflict, type GivenOptions, requireSameOptions } from './option-flags.js';
import { checkOutputs, checkpointPath, type OutputSettings, readCheckpointFile, stepPath } from './outputs.js';
import { allReporters, jsonReporter, quietReporter, type Reporter, textReporter } from './progress.js';
import { differences, type Networks, picturesIn } from './recipes.js';

/** A picture to make: what `stylize` and `redo` come down to. */
export interface RestyleJob extends OutputSettings, EngineFlags {
  readonly pictures: PicturePaths;
  readonly network: string;
  readonly options: GivenOptions;
  /** Options that the user named for this run; beside `resume` they must be the interrupted run's. */
  readonly asked: GivenOptions;
  /** The recipe that is repeated: what is different now is told. */
  readonly recipe?: StylizeRecipe;
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * Makes a picture and writes it, with all checks before the work, progress, and a way back after Ctrl-C.
 * @throws FauveError; `aborted` after Ctrl-C or another signal, when the picture so far and a checkpoint are written. A picture that
 * cannot be written is kept elsewhere, with a checkpoint
 */
export async function restyle(job: RestyleJob): Promise<void> {
  const reporter = reporterFor(job);
  const interrupt = listenForInterrupt({ after: 'this step', say: reporter.say, close: reporter.close });
  try {
    await run(job, reporter, interrupt.signal);
  } finally {
    reporter.close();
    interrupt.release();
  }
}

/** Does the work of a command; with `json` an error is an event too, before it goes on its way. */
export async function tellingErrors(json: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (json && error instanceof FauveError) {
      jsonReporter().tell({ type: 'error', code: error.code, message: error.message });
    }
    throw error;
  }
}

/** Who is told: as JSON, as text, or nobody. */
export function reporterFor({ json, quiet }: Pick<RestyleJob, 'json' | 'quiet'>): Reporter {
  // A bar among the lines of JSON on the same terminal would make both unreadable.
  const text = quiet || (json && (process.stdout.isTTY || !process.stderr.isTTY)) ? quietReporter : textReporter();
  return json ? allReporters([jsonReporter(), text]) : text;
}

type StartEvent = Extract<StylizeEvent, { type: 'start' }>;

async function run(job: RestyleJob, reporter: Reporter, signal: AbortSignal): Promise<void> {
  const { output, options } = job;
  const { content, styles, init } = job.pictures;
  await checkOutputs(job, [content, ...styles.map(({ path }) => path), ...(init === undefined ? [] : [init])]);
  const resume = job.resume ? await readCheckpoint(output, job.asked) : undefined;
  const pictures = await readPictures(job.pictures, signal);
  if (resume) requireSameSize(resume, pictures.content.image, job.asked);
  const complete = resume?.options ?? resolveStylizeOptions(options, job.network);
  const fast = complete.init === 'fast' && !pictures.init ? await fastStart(pictures) : undefined;
  const networks = {
    ...(await loadNetworks(job.network, complete.polish, job.recipe?.polish?.name)),
    ...(fast ? { fast: { name: fast.transformer.fileName, sha256: await sha256Hex(fast.transformer.bytes) } } : {}),
  };
  throwIfStopped(signal);
  for (const message of noticesOf(pictures)) reporter.tell({ type: 'notice', message });
  if (job.recipe) {
    for (const message of differences(job.recipe, pictures, networks)) reporter.tell({ type: 'notice', message });
  }

  const onNotice = (message: string) => reporter.tell({ type: 'notice', message });
  const runtime = await startEngine({ ...job.engine, onNotice });
  const saved = (kind: 'picture' | 'step' | 'checkpoint' | 'plot', path: string) =>
    reporter.tell({ type: 'saved', kind, path });
  let started: StartEvent | undefined;
  /** How the pictures of this run are written: with the recipe of the run. @param step of one that is not finished */
  const encoding = (step?: number): EncodeOptions => {
    const { quality, bits } = job;
    const made = { fauve: version, engine: started!.engine, quality, step };
    const recipe = stylizeRecipe({
      ...{ ...made, ...picturesIn(output, pictures), ...networks },
      ...{ options: complete, size: started! },
    });
    return { quality, bits, recipe: encodeRecipe(recipe) };
  };
  const notice = (message: string) => reporter.tell({ type: 'notice', message });
  const saveStep = async (step: number, image: Image, checkpoint: Checkpoint) => {
    const path = stepPath(output, step);
    await writeImage(path, image, encoding(step));
    saved('step', path);
    await writeFileAtomically(checkpointPath(output), encodeCheckpoint(checkpoint));
    saved('checkpoint', checkpointPath(output));
  };
  const onProgress = async (event: StylizeEvent) => {
    if (event.type !== 'step') {
      if (event.type === 'start') started = event;
      reporter.tell(event);
      return;
    }
    const { image, checkpoint, ...step } = event;
    reporter.tell(step);
    if (job.saveEvery !== undefined && step.step % job.saveEvery === 0) {
      const [picture, state] = [await image(), await checkpoint()];
      await attempt(() => saveStep(step.step, picture, state), notice);
    }
  };
  const savePlot = async (history: Checkpoint['history']) => {
    if (job.plot === undefined || !started) return;
    await writeLossPlot(job.plot, history, started.terms, started.scales);
    saved('plot', job.plot);
  };

  try {
    const result = await stylize({
      content: pictures.content.image,
      styles: pictures.styles,
      ...(pictures.init ? { init: pictures.init.image } : {}),
      weights: networks.weights,
      ...(networks.polishWeights ? { polishWeights: networks.polishWeights } : {}),
      ...(fast ? { fast } : {}),
      runtime,
      options,
      memoryLimit: freeMemory(),
      ...(resume ? { resume } : {}),
      signal,
      onProgress,
    });
    const { image, loss, terms, history, seconds } = result;
    await writePicture(output, image, encoding(), result.checkpoint);
    saved('picture', output);
    await savePlot(history);
    await rm(checkpointPath(output), { force: true });
    const { width, height } = image;
    reporter.tell({ type: 'done', path: output, width, height, steps: history.length, loss, terms, seconds });
  } catch (error) {
    if (!(error instanceof StylizeAborted)) {
      if (error instanceof FauveError && error.code === 'aborted') throwIfStopped(signal);
      throw error;
    }
    const { image, checkpoint, steps } = error;
    const stopped = `Stopped after step ${steps} of ${started!.steps}.`;
    const so = { before: `${stopped} `, what: 'The picture so far' };
    await writePicture(output, image, encoding(steps), checkpoint, so);
    saved('picture', output);
    const kept = await keepCheckpoint(output, encodeCheckpoint(checkpoint));
    if (kept.path !== undefined) saved('checkpoint', kept.path);
    await attempt(() => savePlot(checkpoint.history), notice);
    const where = `The picture so far (${image.width}×${image.height}) is in ${output}.`;
    throw new FauveError('aborted', `${stopped} ${where} ${kept.sentence}`, { cause: error });
  } finally {
    await runtime.close();
  }
}

/**
 * Writes a picture.
 * @throws FauveError when it cannot be written: the picture is then kept elsewhere, and a checkpoint that makes it again
 */
async function writePicture(
  output: string,
  image: Image,
  encoding: EncodeOptions,
  checkpoint: Checkpoint,
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
    const { sentence } = await keepCheckpoint(output, encodeCheckpoint(checkpoint), purpose);
    throw new FauveError(error.code, `${before}${error.message} ${picture}${sentence}`, { cause: error });
  }
}

/** @throws FauveError as `loadNetworkWeights`, before any work */
async function loadNetworks(name: string, polish: number, polisher = polishNetworkName): Promise<Networks> {
  const weights = await loadNetworkWeights(name);
  if (polish === 0) return { weights };
  const polishWeights = await loadNetworkWeights(polisher).catch((error: unknown) => {
    if (!(error instanceof FauveError)) throw error;
    const why = `--polish ends with steps of ${polisher}. ${error.message}`;
    throw new FauveError(error.code, why, { cause: error });
  });
  return { weights, polishWeights };
}

async function readCheckpoint(output: string, asked: GivenOptions): Promise<Checkpoint> {
  const { path, bytes } = await readCheckpointFile(output);
  const checkpoint = decodeCheckpoint(bytes, path);
  requireSameOptions(asked, checkpoint.options);
  return checkpoint;
}

/** The checkpoint's size is in pixels, what was asked for may depend on the picture or on the memory of that moment. */
function requireSameSize({ width, height, options }: Checkpoint, content: Image, { size }: GivenOptions): void {
  if (size === undefined || size === 'auto') return;
  const wanted = outputSize(content, size);
  if (wanted.width !== width || wanted.height !== height) throw conflict('size', options.size, size);
}
