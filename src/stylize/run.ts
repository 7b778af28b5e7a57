import { stopIfAborted } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { finishColours } from '../image/colour.js';
import { createImage, type Image } from '../image/image.js';
import { quantise } from '../image/quantise.js';
import { resizeImage } from '../image/resize.js';
import type { Size } from '../image/size.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Checkpoint, LossRecord, OptimiserState } from './checkpoint.js';
import type { OnProgress } from './events.js';
import { carryOver, type ImageOptimiser, openImageOptimiser } from './image-optimiser.js';
import type { StylizeOptions } from './options.js';
import type { Stage, StylizePlan } from './plan.js';
import type { Scale } from './scales.js';
import { enlarge, openStart, type StartImage } from './start.js';
import { measureTargets } from './targets.js';

export interface StylizeResult {
  readonly image: Image;
  /**
   * Total loss of the picture with 8 bits a channel, before the colours are finished, as the last network that was used finds it.
   * Σ weight · term.
   */
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly history: readonly LossRecord[];
  readonly scales: readonly Scale[];
  /** Complete, with the size in pixels. */
  readonly options: StylizeOptions;
  readonly seconds: number;
  /** The finished run: whoever goes on from it gets this result, without another step. */
  readonly checkpoint: Checkpoint;
}

/** The signal fired after a step was done. Nothing is lost: the picture so far and the checkpoint to go on from are here. */
export class StylizeAborted extends FauveError {
  constructor(
    readonly image: Image,
    readonly checkpoint: Checkpoint,
    /** Steps that are done, over all scales. */
    readonly steps: number,
  ) {
    super('aborted', `Stopped after step ${steps}.`);
  }
}

/** What a run needs beside its plan. */
export interface RunContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** `performance.now()` of when the clock began. */
  readonly started: number;
}

/** A run on its way. */
interface Run {
  readonly plan: StylizePlan;
  readonly runtime: Runtime;
  readonly signal: AbortSignal | undefined;
  readonly emit: OnProgress;
  /** Grows by one record a step. */
  readonly history: LossRecord[];
  /** Seconds, those before a resume counted. */
  readonly elapsed: () => number;
}

/**
 * Optimises the picture of a plan: over the scales from coarse to fine, at each of them step by step.
 * @throws FauveError `aborted` before the first step is done, and {@link StylizeAborted} after it
 */
export async function runStylize(plan: StylizePlan, context: RunContext): Promise<StylizeResult> {
  const run = runOf(plan, context);
  await announce(run);
  const start = await openStart(plan, run.runtime, run.signal);
  const from = plan.resume?.scale ?? 0;
  let optimiser: ImageOptimiser | undefined;
  try {
    for (const stage of plan.stages.filter(({ index }) => index >= from)) {
      const state = optimiser ? await nextState(run, stage, optimiser, start) : firstState(run, stage, start);
      await optimiser?.close();
      optimiser = undefined;
      optimiser = await openStage(run, stage, state);
      await optimise(run, stage, optimiser);
    }
    if (!optimiser) throw new FauveError('input', 'The checkpoint is of a run with other scales.');
    return await finish(run, optimiser);
  } finally {
    await optimiser?.close();
  }
}

function runOf(plan: StylizePlan, { runtime, signal, onProgress = () => {}, started }: RunContext): Run {
  const { history = [], seconds = 0 } = plan.resume ?? {};
  const elapsed = () => seconds + (performance.now() - started) / 1000;
  return { plan, runtime, signal, emit: onProgress, history: [...history], elapsed };
}

async function announce({ plan, runtime: { engine, device }, signal, emit }: Run): Promise<void> {
  stopIfAborted(signal);
  const { size, terms, memory, notice } = plan;
  const scales = plan.stages.map(({ scale }) => scale);
  const steps = scales.reduce((sum, scale) => sum + scale.steps, 0);
  await emit({ type: 'start', ...size, scales, steps, terms, engine, device, memory });
  if (notice !== undefined) await emit({ type: 'notice', message: notice });
  stopIfAborted(signal);
}

/** Where the first stage of this run begins: where the checkpoint left off, or at the start picture. */
function firstState({ plan: { resume } }: Run, { index, scale }: Stage, start: StartImage): OptimiserState {
  return resume?.scale === index ? resume.state : { arrays: { image: start(scale).data }, numbers: {} };
}

/** Where a stage begins after the one before it. */
async function nextState({ plan }: Run, { index, scale }: Stage, before: ImageOptimiser, start: StartImage) {
  const previous = plan.stages[index - 1]!.scale;
  const image = enlarge(await before.image(), previous, scale, plan.options.init === 'noise' ? undefined : start);
  return carryOver(await before.state(), previous, scale, image);
}

/** Measures the targets of a stage and puts the optimiser to work on them. */
async function openStage(run: Run, { scale, network }: Stage, state: OptimiserState): Promise<ImageOptimiser> {
  const { plan, runtime } = run;
  const { settings, options, colours } = plan;
  const content = resizeImage(colours.content, scale.width, scale.height);
  const stop = () => stopIfNothingDone(run);
  const { styles } = colours;
  const targets = await measureTargets(runtime, network, settings, content, styles, options.styleScale, stop);
  return openImageOptimiser({ runtime, network, settings, options, size: scale, targets }, state);
}

/** The steps of one stage. */
async function optimise(run: Run, { index, scale }: Stage, optimiser: ImageOptimiser): Promise<void> {
  const { plan, signal, emit, history, elapsed } = run;
  const image = async () => shown(plan, scale, await optimiser.image());
  const checkpoint = async (done: number) => checkpointOf(run, index, done, await optimiser.state());
  await emit({ type: 'scale', index, ...scale });
  for (let done = plan.resume?.scale === index ? plan.resume.scaleStep : 0; done < scale.steps; ) {
    stopIfNothingDone(run);
    if (signal?.aborted) throw new StylizeAborted(await image(), await checkpoint(done), history.length);
    const { notice, done: converged, loss, terms } = await optimiser.step();
    // A scale where nothing is left to do is done, also for those who go on from here.
    done = converged ? scale.steps : done + 1;
    const record = { step: history.length + 1, scale: index, loss, terms };
    history.push(record);
    if (notice) await emit({ type: 'notice', message: notice });
    await emit({ type: 'step', ...record, seconds: elapsed(), image, checkpoint: () => checkpoint(done) });
  }
}

/** What the picture is worth with 8 bits a channel, and the picture with its colours. */
async function finish(run: Run, optimiser: ImageOptimiser): Promise<StylizeResult> {
  const { plan, history, elapsed } = run;
  const { size, options } = plan;
  const scales = plan.stages.map(({ scale }) => scale);
  const picture = createImage(size.width, size.height, await optimiser.image());
  const { loss, terms } = await optimiser.measure(quantise(picture).data);
  const image = shown(plan, size, picture.data);
  // Nothing is left to optimise: without the optimiser's memory, which is many times the picture.
  const state = { arrays: { image: picture.data }, numbers: {} };
  const checkpoint = checkpointOf(run, scales.length - 1, scales.at(-1)!.steps, state);
  return { image, loss, terms, history, scales, options, seconds: elapsed(), checkpoint };
}

/** Before the first step there is nothing to keep. */
function stopIfNothingDone({ plan, history, signal }: Run): void {
  if (history.length === (plan.resume?.history.length ?? 0)) stopIfAborted(signal);
}

/** A picture as the result would be. */
function shown({ photo, options, colours }: StylizePlan, { width, height }: Size, data: Float32Array): Image {
  return finishColours(createImage(width, height, data), photo, options.colours, colours.colourless);
}

function checkpointOf(run: Run, scale: number, scaleStep: number, state: OptimiserState): Checkpoint {
  const { plan, history, elapsed } = run;
  const { options, fingerprint, size } = plan;
  const { width, height } = size;
  return { options, fingerprint, width, height, scale, scaleStep, seconds: elapsed(), history: [...history], state };
}
