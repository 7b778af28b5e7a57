import { basename } from 'node:path';
import { styleText } from 'node:util';
import {
  type ApplyOptions,
  apply,
  applyRecipe,
  type CheckedStyleNetwork,
  decodeImage,
  encodeImage,
  encodeRecipe,
  FauveError,
  freeMemory,
  type NamedStyle,
  openStyleNetwork,
  type PixelRange,
  type Precision,
  readFileChecked,
  type StyleNetwork,
  sha256Hex,
  startEngine,
  version,
} from 'fauve';
import type { EngineFlags } from './engine-flags.js';
import { listenForInterrupt } from './interrupt.js';
import { writeResult } from './keep.js';
import type { PhotoJob } from './photos.js';
import { noteText, openMeter } from './progress.js';
import { fileIn } from './recipes.js';
import { durationText } from './time-left.js';

/** Photos to restyle with one network; all that can be checked was checked. */
export interface ApplyBatch extends EngineFlags {
  readonly network: CheckedStyleNetwork;
  readonly jobs: readonly PhotoJob[];
  /** Photos that are left out because their picture is there already. */
  readonly skipped?: number;
  /** Sentences to tell at the start. */
  readonly notices?: readonly string[];
  readonly styles: readonly NamedStyle[];
  readonly options: ApplyOptions;
  readonly range?: PixelRange;
  readonly precision?: Precision;
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

/**
 * Restyles the photos one after the other. A photo that cannot be read does not stop the others; a picture that cannot be written does.
 * @throws FauveError `input` at the end when there were such; `aborted` after Ctrl-C, when what was written stays
 */
export async function applyToPhotos(batch: ApplyBatch): Promise<void> {
  const { jobs, skipped = 0 } = batch;
  const reporter = applyReporter(batch);
  for (const message of batch.notices ?? []) reporter.tell({ type: 'notice', message });
  if (jobs.length === 0) {
    reporter.tell({ type: 'done', written: 0, failed: 0, skipped, seconds: 0 });
    return reporter.close();
  }
  const interrupt = listenForInterrupt({ after: 'this picture', say: reporter.say, close: reporter.close });
  const { signal } = interrupt;
  const start = performance.now();
  const failures: { readonly input: string; readonly error: FauveError }[] = [];
  let written = 0;
  let unwritten: FauveError | undefined;
  // Once, before the engine takes any: it keeps what it has for the next picture.
  const memoryLimit = freeMemory();
  try {
    const onNotice = (message: string) => reporter.tell({ type: 'notice', message });
    const runtime = await startEngine({ ...batch.engine, onNotice });
    try {
      const transformer = await openStyleNetwork(runtime, batch.network, {
        range: batch.range,
        precision: batch.precision,
      });
      reporter.tell({
        ...{ type: 'start', model: batch.network.fileName, pictures: jobs.length, engine: transformer.engine },
      });
      for (const message of transformer.notices) reporter.tell({ type: 'notice', message });
      const sha256 = await sha256Hex(batch.network.bytes);
      for (const job of jobs) {
        let made: Restyled;
        try {
          made = await applyToPhoto(job, batch, { transformer, sha256 }, memoryLimit, signal);
        } catch (error) {
          if (!(error instanceof FauveError) || error.code === 'aborted' || signal.aborted) throw error;
          failures.push({ input: job.input, error });
          reporter.tell({ type: 'failed', input: job.input, code: error.code, message: error.message });
          continue;
        }
        unwritten = await failureToWrite(job, made.bytes);
        if (unwritten) throw unwritten;
        for (const event of made.events) reporter.tell(event);
        written++;
      }
    } finally {
      await runtime.close();
    }
  } catch (error) {
    if (unwritten && jobs.length > 1) throw afterSome(unwritten, written, jobs.length);
    if (unwritten || !signal.aborted) throw error;
    const made = written === 0 ? 'nothing was written' : 'those that are written stay';
    throw new FauveError('aborted', `Stopped after ${written} of ${jobs.length} pictures; ${made}.`, { cause: error });
  } finally {
    reporter.close();
    interrupt.release();
  }
  const seconds = (performance.now() - start) / 1000;
  reporter.tell({ type: 'done', written, failed: failures.length, skipped, seconds });
  const [first] = failures;
  if (!first) return;
  if (jobs.length === 1) throw first.error;
  // Errors are told even to those who want nothing else told.
  for (const { error } of failures) process.stderr.write(`${error.message}\n`);
  const names = failures.slice(0, MOST_NAMES).map(({ input }) => input);
  const more = failures.length > MOST_NAMES ? ` and ${failures.length - MOST_NAMES} more` : '';
  throw new FauveError(
    first.error.code === 'usage' ? 'input' : first.error.code,
    `${failures.length} of ${jobs.length} photos could not be restyled: ${names.join(', ')}${more}. The others are written.`,
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
function afterSome({ code, message }: FauveError, written: number, total: number): FauveError {
  return new FauveError(code, `${message} ${written} of ${total} pictures are written; the others are not made.`);
}

async function applyToPhoto(
  job: PhotoJob,
  { network, styles, options, precision }: ApplyBatch,
  { transformer, sha256 }: { readonly transformer: StyleNetwork; readonly sha256: string },
  memoryLimit: number,
  signal: AbortSignal,
): Promise<Restyled> {
  const { input, output, format, quality, bits } = job;
  if (signal.aborted) throw new FauveError('aborted', 'Stopped before this picture.');
  const bytes = input === '-' ? await readStandardInput() : await readFileChecked(input, 'Photo');
  const fileName = input === '-' ? 'from standard input' : input;
  const { image, notices = [] } = await decodeImage(bytes, { what: 'Photo', fileName });
  const result = await apply({ image, transformer, styles, options, memoryLimit, signal });
  const recipe = applyRecipe({
    ...{ fauve: version, engine: transformer.engine, quality, transformer, styles, precision, options },
    network: fileIn(output, { path: network.fileName, sha256, shipped: network.shipped }),
    content: fileIn(output, { path: input, sha256: await sha256Hex(bytes) }),
    size: result.image,
  });
  const encoded = await encodeImage(result.image, format, { quality, bits, recipe: encodeRecipe(recipe) });
  const { width, height } = result.image;
  const picture = { type: 'picture', input, path: output, width, height, seconds: result.seconds } as const;
  const events = [...notices.map((message) => ({ type: 'notice', message }) as const), picture];
  return { bytes: encoded, events };
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

function applyReporter({ json, quiet, jobs }: ApplyBatch): ApplyReporter {
  // A bar among the lines of JSON on the same terminal would make both unreadable.
  const silent = quiet || (json && (process.stdout.isTTY || !process.stderr.isTTY));
  const meter = silent || jobs.length === 1 ? undefined : openMeter('picture');
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
    const left = (jobs.length - finished) * ((performance.now() - start) / 1000 / finished);
    meter?.update({ step: finished, total: jobs.length, left });
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
          if (jobs.length > 1) return advance();
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
          } else if (jobs.length > 1)
            say(`${event.written} ${event.written === 1 ? 'picture' : 'pictures'}, ${durationText(event.seconds)}`);
      }
    },
    close: () => meter?.close(),
  };
}
