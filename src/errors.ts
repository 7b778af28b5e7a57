/** Whose mistake an error is, so that a caller can decide what to do (the command line: exit code and tone). */
export type ErrorCode =
  /** An option, a flag or a combination of them. The command line exits 2. */
  | 'usage'
  /** A file or a value that was handed in: unreadable, truncated, too small, wrong checksum. Exits 1. */
  | 'input'
  /** The machine: disk full, no permission, not enough memory, no such device. Exits 1. */
  | 'system'
  /** The `AbortSignal` fired. The command line exits 130 after Ctrl-C, with 128 and its number after another signal. */
  | 'aborted';

/** A size in pixels. */
interface Pixels {
  readonly width: number;
  readonly height: number;
}

/** Why something did not work, as plain data: what a program or a face can act on without reading the message. */
export type Reason =
  /** An option has a value that it cannot have. */
  | { readonly kind: 'option'; readonly name: string; readonly expected: string; readonly received: string }
  /** There is no option of this name. `alike`: those that may be meant. */
  | { readonly kind: 'unknown-option'; readonly name: string; readonly alike: readonly string[] }
  /** An option beside a checkpoint is not the interrupted job's. */
  | { readonly kind: 'other-option'; readonly name: string; readonly before: string; readonly received: string }
  /** Nothing of this name comes with Fauve, or with a style network. `known`: those that do. */
  | {
      readonly kind: 'unknown-name';
      readonly what: 'style' | 'loss network' | 'style network' | 'style of a network';
      readonly name: string;
      readonly known: readonly string[];
    }
  /** A picture where a captured style is needed. */
  | { readonly kind: 'not-captured'; readonly path: string }
  /** A loss network that does not come with Fauve, and is not on this machine yet. */
  | { readonly kind: 'not-pulled'; readonly network: string }
  /** The weights of a loss network that was pulled or imported are damaged, or another file. */
  | { readonly kind: 'weights'; readonly network: string }
  /** More memory is needed than is free, in bytes. `largest`: the size that would fit, as the option `size` takes it. */
  | { readonly kind: 'memory'; readonly need: number; readonly free: number; readonly largest?: string | undefined }
  /** The engine ran out of memory that was predicted to suffice; it has to be started again. */
  | { readonly kind: 'out-of-memory' }
  /** The device is not there. */
  | { readonly kind: 'no-device'; readonly device: string }
  /** The device went away while it worked; the engine has to be started again. */
  | { readonly kind: 'device-lost' }
  /** The engine stopped, or could not be started. */
  | { readonly kind: 'engine' }
  /** The engine cannot run this model. */
  | { readonly kind: 'model' }
  /** Something is there already, and nobody said that it may be replaced. */
  | { readonly kind: 'exists'; readonly path: string }
  /** A file is missing, cannot be read or cannot be written. `code`: the operating system's, where there is one. */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly doing: 'read' | 'write';
      readonly code?: string | undefined;
    }
  /** The disk has no room. */
  | { readonly kind: 'disk-full'; readonly path: string }
  /** A server cannot have the port. */
  | { readonly kind: 'port'; readonly port: number }
  /** A download did not arrive. */
  | { readonly kind: 'download'; readonly what: string }
  /** The files that come with Fauve are not complete. */
  | { readonly kind: 'installation' }
  /** A picture is smaller than the layers need. `received`: its size where it is looked at. */
  | { readonly kind: 'too-small'; readonly received: Pixels; readonly least: number }
  /** The training left what can be learned, and lower rates did not help. */
  | { readonly kind: 'divergence'; readonly step: number }
  /** A checkpoint is damaged, or of another job. */
  | { readonly kind: 'checkpoint' }
  /** Any other call, option or combination that cannot be met. */
  | { readonly kind: 'request' }
  /** Any other file or value that is not what it should be. */
  | { readonly kind: 'input' }
  /** Anything else about the machine. */
  | { readonly kind: 'machine' }
  /** The signal fired. */
  | { readonly kind: 'aborted' };

/** Reasons without data may be given by their kind alone. */
type PlainKind = Reason extends infer R
  ? R extends { readonly kind: infer Kind }
    ? Exclude<keyof R, 'kind'> extends never
      ? Kind
      : never
    : never
  : never;

const codes: Readonly<Record<Reason['kind'], ErrorCode>> = {
  option: 'usage',
  'unknown-option': 'usage',
  'other-option': 'usage',
  'unknown-name': 'usage',
  'not-captured': 'usage',
  'not-pulled': 'input',
  weights: 'input',
  memory: 'system',
  'out-of-memory': 'system',
  'no-device': 'system',
  'device-lost': 'system',
  engine: 'system',
  model: 'input',
  exists: 'input',
  file: 'input',
  'disk-full': 'system',
  port: 'system',
  download: 'system',
  installation: 'system',
  'too-small': 'input',
  divergence: 'input',
  checkpoint: 'input',
  request: 'usage',
  input: 'input',
  machine: 'system',
  aborted: 'aborted',
};

/** Whose mistake a reason is. A file of which the system says that it is its own doing (no permission, a broken disk) is the machine's. */
function codeOf(reason: Reason): ErrorCode {
  if (reason.kind === 'file' && reason.code !== undefined && !usersMistakes.includes(reason.code)) return 'system';
  return codes[reason.kind];
}

/** What the system says of a path that is not what it should be. */
const usersMistakes: readonly string[] = [
  ...['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ERR_FS_FILE_TOO_LARGE'],
  ...['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_URL_SCHEME', 'ERR_INVALID_FILE_URL_HOST'],
];

/**
 * Every error that Fauve expects. The message says what, expected and received, in one line; the reason says it as data.
 * @example
 * ```ts
 * import { FauveError, resolveStylizeOptions } from 'fauve';
 *
 * try {
 *   resolveStylizeOptions({ steps: -1 });
 * } catch (error) {
 *   if (error instanceof FauveError && error.reason.kind === 'option') console.log(error.reason.name); // steps
 * }
 * ```
 */
export class FauveError extends Error {
  override readonly name = 'FauveError';
  readonly reason: Reason;
  readonly code: ErrorCode;

  constructor(reason: Reason | PlainKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = typeof reason === 'string' ? { kind: reason } : reason;
    this.code = codeOf(this.reason);
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
