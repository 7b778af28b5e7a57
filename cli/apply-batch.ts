import { basename } from 'node:path';
import { styleText } from 'node:util';
import { encodeImage, FauveError, type FileReference, type JobSpecOf, type Recipe } from 'fauve';
import { checkJob, differences, planJob } from 'fauve/jobs';
import { createNodeHost, type NodeHost } from 'fauve/node';
import { outputFormat } from 'fauve/pictures';
import type { EngineFlags } from './engine-flags.js';
import { listenForInterrupt } from './interrupt.js';
import { writeResult } from './keep.js';
import { checkOutputs, type OutputSettings } from './outputs.js';
import type { PhotoJob } from './photos.js';
import { noteText, noticeTo, openMeter } from './progress.js';
import { pipeName, recipeIn } from './recipes.js';
import { messageFor } from './remedies.js';
import { durationText } from './time-left.js';

/** Photos to restyle with one network; all that can be checked was checked. */
export interface ApplyBatch {
  /** Its engine is started when the first photo needs it. */
  readonly host: NodeHost;
  /** The job of each photo, but for the photo. */
  readonly job: Omit<JobSpecOf<'apply'>, 'content'>;
  /** What people call the network. */
  readonly networkName: string;
  readonly photos: readonly PhotoJob[];
  /** Photos that are left out because their picture is there already. */
  readonly skipped?: number;
  /** Sentences to tell at the start. */
  readonly notices?: readonly string[];
  /** The recipe that is repeated: what is different now is told. */
  readonly before?: Recipe | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What is told as lines of JSON. */
type ApplyEvent =
  | { readonly type: 'start'; readonly model: string; readonly pictures: number; readonly engine: string }
  | { readonly type: 'notice'; readonly message: string }
  | {
      readonly type: 'picture';
      readonly input: string;
      readonly path: string;
      readonly width: number;
      readonly height: number;
      /** Of the network and what belongs to it, without reading and writing. */
      readonly seconds: number;
    }
  | { readonly type: 'failed'; readonly input: string; readonly code: string; readonly message: string }
  | {
      readonly type: 'done';
      readonly written: number;
      readonly failed: number;
      /** Their pictures were there already. */
      readonly skipped: number;
      readonly seconds: number;
    };

/** Names that the last line has room for. */
const MOST_NAMES = 5;

/** Restyles one photo, of a recipe or of `stylize --fast`. @throws FauveError as {@link applyToPhotos} */
export async function applyToOne(
  { content, ...job }: JobSpecOf<'apply'>,
  { output, quality, bits, engine, json, quiet, before, ...settings }: OnePhoto,
): Promise<void> {
  const input = (content as { readonly path: string }).path;
  await checkOutputs({ output, quality, bits, ...settings }, [input]);
  const host = createNodeHost({ engine: { ...engine, onNotice: noticeTo({ json, quiet }) } });
  await checkJob({ content, ...job }, host);
  const photo = { input, output, format: outputFormat(output), quality, bits };
  const networkName = 'shipped' in job.network ? job.network.shipped : input;
  await applyToPhotos({ host, job, networkName, photos: [photo], before, json, quiet });
}

/** How the picture of one photo is written. */
export interface OnePhoto extends OutputSettings, EngineFlags, Pick<ApplyBatch, 'before' | 'json' | 'quiet'> {}

/**
 * Restyles the photos one after the other. A photo that cannot be read does not stop the others; a picture that cannot be written does.
 * @throws FauveError `input` at the end when there were such; `aborted` after Ctrl-C, when what was written stays
 */
export async function applyToPhotos(batch: ApplyBatch): Promise<void> {
  const { photos, skipped = 0, host } = batch;
  const reporter = applyReporter(batch);
  for (const message of batch.notices ?? []) reporter.tell({ type: 'notice', message });
  if (photos.length === 0) {
    reporter.tell({ type: 'done', written: 0, failed: 0, skipped, seconds: 0 });
    return reporter.close();
  }
  const interrupt = listenForInterrupt({ after: 'this picture', say: reporter.say, close: reporter.close });
  const { signal } = interrupt;
  const start = performance.now();
  const failures: { readonly input: string; readonly error: FauveError }[] = [];
  let written = 0;
  let unwritten: FauveError | undefined;
  try {
    const { network, range, precision } = batch.job;
    const opened = await host.openStyleNetwork(network, { range, precision });
    reporter.tell({
      ...{ type: 'start', model: batch.networkName, pictures: photos.length, engine: opened.network.engine },
    });
    for (const message of opened.network.notices) reporter.tell({ type: 'notice', message });
    for (const photo of photos) {
      let made: Restyled;
      try {
        made = await restyled(photo, batch, signal);
      } catch (error) {
        if (!(error instanceof FauveError) || error.code === 'aborted' || signal.aborted) throw error;
        failures.push({ input: photo.input, error });
        reporter.tell({ type: 'failed', input: photo.input, code: error.code, message: messageFor(error) });
        continue;
      }
      unwritten = await failureToWrite(photo, made.bytes);
      if (unwritten) throw unwritten;
      for (const event of made.events) reporter.tell(event);
      written++;
    }
  } catch (error) {
    if (unwritten && photos.length > 1) throw afterSome(unwritten, written, photos.length);
    if (unwritten || !signal.aborted) throw error;
    const made = written === 0 ? 'nothing was written' : 'those that are written stay';
    throw new FauveError('aborted', `Stopped after ${written} of ${photos.length} pictures; ${made}.`, {
      cause: error,
    });
  } finally {
    reporter.close();
    interrupt.release();
    await host.close();
  }
  const seconds = (performance.now() - start) / 1000;
  reporter.tell({ type: 'done', written, failed: failures.length, skipped, seconds });
  const [first] = failures;
  if (!first) return;
  if (photos.length === 1) throw first.error;
  // Errors are told even to those who want nothing else told.
  for (const { error } of failures) process.stderr.write(`${messageFor(error)}\n`);
  const names = failures.slice(0, MOST_NAMES).map(({ input }) => input);
  const more = failures.length > MOST_NAMES ? ` and ${failures.length - MOST_NAMES} more` : '';
  throw new FauveError(
    first.error.code === 'system' ? 'machine' : 'input',
    `${failures.length} of ${photos.length} photos could not be restyled: ${names.join(', ')}${more}. The others are written.`,
  );
}

/** A picture as a file, and what is told once it is written. */
interface Restyled {
  readonly bytes: Uint8Array;
  readonly events: readonly ApplyEvent[];
}

/** Writes a picture, or keeps it elsewhere. @returns why, and where it is then */
async function failureToWrite({ output, format }: PhotoJob, bytes: Uint8Array): Promise<FauveError | undefined> {
  const name = output === '-' ? `picture.${format}` : basename(output);
  try {
    await writeResult(output, bytes, { what: 'The picture', name });
    return undefined;
  } catch (error) {
    if (error instanceof FauveError) return error;
    throw error;
  }
}

/** The next picture would not be written either, and each would be kept elsewhere. */
function afterSome({ reason, message }: FauveError, written: number, total: number): FauveError {
  return new FauveError(reason, `${message} ${written} of ${total} pictures are written; the others are not made.`);
}

async function restyled(
  { input, output, format, quality, bits }: PhotoJob,
  { host, job, before }: ApplyBatch,
  signal: AbortSignal,
): Promise<Restyled> {
  if (signal.aborted) throw new FauveError('aborted', 'Stopped before this picture.');
  const content: FileReference = input === '-' ? { name: pipeName, bytes: await readStandardInput() } : { path: input };
  const { plan, run } = await planJob<'apply'>({ ...job, content }, host, { signal });
  const { image, recipe, seconds } = await run();
  const encoded = await encodeImage(image, format, { quality, bits, recipe: recipeIn(output, recipe, quality) });
  const { width, height } = image;
  const messages = [...(before ? differences(before, recipe) : []), ...plan.notices];
  const picture = { type: 'picture', input, path: output, width, height, seconds } as const;
  return { bytes: encoded, events: [...messages.map((message) => ({ type: 'notice', message }) as const), picture] };
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface ApplyReporter {
  tell(event: ApplyEvent): void;
  say(line: string): void;
  close(): void;
}

function applyReporter({ json, quiet, photos }: ApplyBatch): ApplyReporter {
  // A bar among the lines of JSON on the same terminal would make both unreadable.
  const silent = quiet || (json && (process.stdout.isTTY || !process.stderr.isTTY));
  const meter = silent || photos.length === 1 ? undefined : openMeter('picture');
  const say = (line: string) => {
    if (silent) return;
    const write = () => process.stderr.write(`${line}\n`);
    meter ? meter.aside(write) : write();
  };
  const dim = (text: string) => styleText('dim', text, { stream: process.stderr });
  const start = performance.now();
  let finished = 0;
  const advance = () => {
    finished++;
    const left = (photos.length - finished) * ((performance.now() - start) / 1000 / finished);
    meter?.update({ step: finished, total: photos.length, left });
  };
  return {
    say,
    tell(event) {
      if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
      switch (event.type) {
        case 'start':
          return say(dim(`${event.model}; ${event.engine}`));
        case 'notice':
          return say(noteText(event.message));
        case 'picture': {
          if (photos.length > 1) return advance();
          const name = styleText('bold', event.path === '-' ? 'standard output' : event.path, {
            stream: process.stderr,
          });
          return say(`${name}  ${event.width}×${event.height}, ${Math.round(1000 * event.seconds)} ms`);
        }
        case 'failed':
          return advance();
        case 'done':
          if (event.skipped > 0) {
            const were = event.skipped === 1 ? 'picture was' : 'pictures were';
            say(`${event.skipped} ${were} there already; ${event.written} written`);
          } else if (photos.length > 1)
            say(`${event.written} ${event.written === 1 ? 'picture' : 'pictures'}, ${durationText(event.seconds)}`);
      }
    },
    close: () => meter?.close(),
  };
}
