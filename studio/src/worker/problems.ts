/** What can go wrong, as far as the page has a sentence of its own for it. */
export type ProblemKind =
  /** No picture, or one that cannot be read. */
  | 'broken-picture'
  | 'small-picture'
  | 'large-picture'
  | 'memory'
  /** The graphics card went away. */
  | 'device-lost'
  | 'no-webgpu'
  /** A file that ships with Fauve could not be fetched. */
  | 'download'
  /** The local server is gone. */
  | 'server'
  /** The browser lacks something that is needed. */
  | 'unsupported'
  /** Stopped before there was a picture. */
  | 'stopped'
  /** Anything else: the message says it. */
  | 'other';

export interface Problem {
  readonly kind: ProblemKind;
  /** What the library said, or the facts that the sentence needs. */
  readonly message: string;
}
