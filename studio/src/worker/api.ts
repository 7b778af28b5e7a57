import type { ApplyOptionsInput, LossTerm, StylizeOptionsInput } from 'fauve';
import type { Problem } from './problems.js';

/** Where pictures are computed. `native`: the engine of this computer, behind the local server that serves the page. */
export type DeviceName = 'webgpu' | 'wasm' | 'native';

/** One of the chosen styles. */
export type StyleChoice = { readonly weight: number } & (
  | { readonly kind: 'shipped'; readonly name: string }
  /** A picture of the user's, by the number that `openStyle` gave it. */
  | { readonly kind: 'own'; readonly id: number }
);

export interface PhotoFact {
  readonly name: string;
  /** Of the file. */
  readonly width: number;
  readonly height: number;
  /** Of the picture that is worked with, where the photo is larger. */
  readonly shown: { readonly width: number; readonly height: number };
  /** What is unusual about the file. */
  readonly notices: readonly string[];
  readonly bitmap: ImageBitmap;
}

export interface OwnStyleFact {
  readonly id: number;
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/** How much of the style is in the picture that is shown, each from 0 to 1. */
export interface Mix {
  /** Of the whole change. */
  readonly strength: number;
  /** Of the change in brightness. */
  readonly luminance: number;
  /** Of the change in colour. */
  readonly colour: number;
}

export interface ResultFact {
  readonly id: number;
  readonly kind: 'instant' | 'paint';
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
  readonly engine: string;
  /** Steps that were taken, of a painted one. */
  readonly steps?: number;
  /** It was stopped before its last step. */
  readonly stopped?: true;
  readonly thumbnail: ImageBitmap;
  /** As it is, without a mix. */
  readonly bitmap: ImageBitmap;
}

export type RunEvent =
  /** A file is on its way: the engine or a network. */
  | { readonly type: 'loading'; readonly what: string; readonly loaded: number; readonly total: number }
  | {
      readonly type: 'start';
      readonly width: number;
      readonly height: number;
      /** 0 where there are no steps to count. */
      readonly steps: number;
      readonly terms: readonly LossTerm[];
      readonly engine: string;
    }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly loss: number;
      readonly terms: Readonly<Record<string, number>>;
      readonly seconds: number;
    }
  | { readonly type: 'picture'; readonly step: number; readonly bitmap: ImageBitmap }
  | { readonly type: 'notice'; readonly message: string };

export type OnRunEvent = (event: RunEvent) => void;

export interface InstantRequest {
  readonly device: DeviceName;
  readonly styles: readonly StyleChoice[];
  readonly options: ApplyOptionsInput;
}

export interface PaintRequest {
  readonly device: DeviceName;
  readonly styles: readonly StyleChoice[];
  readonly options: StylizeOptionsInput;
}

export type PictureFormat = 'png' | 'jpeg' | 'webp';

export interface ExportRequest {
  readonly result: number;
  readonly mix: Mix;
  readonly format: PictureFormat;
  /** Of JPEG and WebP, 1–100. */
  readonly quality: number;
}

export interface ExportFact {
  readonly blob: Blob;
  readonly width: number;
  readonly height: number;
  /** Bytes that the command line needs for the whole photo, where it was made anew. */
  readonly wholeMemory?: number;
}

/** A square matrix, row by row. */
export interface GramMatrix {
  readonly channels: number;
  readonly data: Float32Array;
}

export interface GramFact {
  readonly layer: string;
  readonly style: GramMatrix;
  readonly photo: GramMatrix;
  readonly result?: GramMatrix;
}

export interface LabRequest {
  readonly device: DeviceName;
  readonly styles: readonly StyleChoice[];
  readonly layer: string;
}

/** What a layer sees: a picture that is made from noise with one loss at one layer. */
export interface RebuildRequest extends LabRequest {
  readonly from: 'photo' | 'style';
}

export interface StripRequest {
  readonly device: DeviceName;
  readonly styles: readonly StyleChoice[];
  /** Content weight over style weight, one picture for each. */
  readonly ratios: readonly number[];
}

export type Reply<T> = { readonly value: T } | { readonly problem: Problem };

/**
 * What the worker does for the page. One job at a time: `instant`, `paint`, and those of the lab end with their picture, also
 * when they are stopped after the first step.
 */
export interface StudioWorker {
  /** @param page address of the page @param server what the local server's engine is, where there is one */
  start(page: string, server: string | undefined): Promise<void>;
  openPhoto(file: Blob, name: string): Promise<Reply<PhotoFact>>;
  openStyle(file: Blob, name: string): Promise<Reply<OwnStyleFact>>;
  /** Loads ahead what Instant needs on a device. */
  prepare(device: DeviceName, onEvent: OnRunEvent): Promise<void>;
  instant(request: InstantRequest, onEvent: OnRunEvent): Promise<Reply<ResultFact>>;
  paint(request: PaintRequest, onEvent: OnRunEvent): Promise<Reply<ResultFact>>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
  /** A result as it is mixed with its photo. */
  show(result: number, mix: Mix): Promise<Reply<ImageBitmap>>;
  export(request: ExportRequest, onEvent: OnRunEvent): Promise<Reply<ExportFact>>;
  forget(result: number): Promise<void>;
  /** Gram matrices at a layer. @param result of which one, beside the style's and the photo's */
  gram(request: LabRequest, result: number | undefined, onEvent: OnRunEvent): Promise<Reply<GramFact>>;
  rebuild(request: RebuildRequest, onEvent: OnRunEvent): Promise<Reply<ImageBitmap>>;
  strip(
    request: StripRequest,
    onPicture: (index: number, bitmap: ImageBitmap) => void,
    onEvent: OnRunEvent,
  ): Promise<Reply<void>>;
}
