import type { Image } from '../image/image.js';
import type { NetworkWeights } from '../networks/network.js';
import type { Runtime } from '../runtime/runtime.js';
import type { CheckedStyleNetwork } from '../style-network/check.js';
import type { PixelRange } from '../style-network/foreign.js';
import type { StyleNetwork } from '../style-network/network.js';
import type { Precision } from '../style-network/open.js';
import type { Style } from '../styles/style-file.js';
import type { PictureSource } from '../training/crops.js';
import type { FileReference, StyleNetworkReference, StyleReference } from './reference.js';

/** A file that was read, as recipes name it. */
export interface ReadFile {
  /** Its path or its name; of what comes with Fauve the name. */
  readonly path: string;
  readonly sha256: string;
  readonly shipped?: true | undefined;
}

/** A picture that was read. */
export interface ReadPicture extends ReadFile {
  readonly image: Image;
  /** What is unusual about the file. */
  readonly notices?: readonly string[] | undefined;
}

/** A captured style that was read. */
export interface ReadStyle extends ReadFile {
  readonly style: Style;
}

/** A style network that is ready, and stays so as long as its host likes. */
export interface OpenedStyleNetwork {
  readonly network: StyleNetwork;
  readonly file: ReadFile;
  /** Bytes that a picture may take: measured before the network was opened, because the engine keeps what it has taken. */
  readonly memoryLimit: number;
}

/**
 * What jobs need of the machine that they run on: where files are, what has been loaded, which engine computes. A host loads each
 * thing when it is needed first and keeps it for the next job.
 */
export interface JobHost {
  /** Of Fauve, for recipes. */
  readonly version: string;
  /** The engine. @throws FauveError when it cannot be started */
  runtime(): Promise<Runtime>;
  /** @param what the part that the file plays, for errors: `Content image` @throws FauveError when it is missing or no picture */
  picture(file: FileReference, what: string): Promise<ReadPicture>;
  /** @throws FauveError when it is missing, or neither a picture nor a style */
  style(style: StyleReference): Promise<ReadPicture | ReadStyle>;
  /** Whether a style of this name comes with Fauve. @throws FauveError for one that does not, with those that are alike */
  requireShippedStyle(name: string): Promise<void>;
  /** The weights of a loss network. @throws FauveError when it is not there */
  lossNetwork(name: string): Promise<NetworkWeights>;
  /**
   * A style network, not yet opened.
   * @param range what white is said to be in its pictures
   * @throws FauveError when it is missing, or no style network
   */
  styleNetwork(network: StyleNetworkReference, range?: PixelRange): Promise<CheckedStyleNetwork>;
  /** The same, ready. @throws FauveError as `openStyleNetwork` */
  openStyleNetwork(network: StyleNetworkReference, how: NetworkSettings): Promise<OpenedStyleNetwork>;
  /** Pictures of a folder, to train on. @throws FauveError when there are none */
  pictures(folder: string, without?: readonly string[]): Promise<readonly PictureSource[]>;
  /** Bytes that a job may still take. */
  freeMemory(): number;
}

/** How a style network is opened. */
export interface NetworkSettings {
  readonly range?: PixelRange | undefined;
  readonly precision?: Precision | undefined;
}
