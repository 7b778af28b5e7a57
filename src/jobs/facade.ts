/// <reference lib="esnext.disposable" preserve="true" />
import { anObject, isBytes } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { sha256OfFloats } from '../formats/sha256.js';
import { checkImage, type Image } from '../image/image.js';
import type { NamedStyle } from '../style-network/code.js';
import type { ApplyOptionsInput } from '../style-network/options.js';
import { encodeStyle, type Style } from '../styles/style-file.js';
import type { StylizeOptionsInput } from '../stylize/options.js';
import type { JobHost, ReadPicture } from './host.js';
import type { FileReference, StyleNetworkReference, StyleReference } from './reference.js';
import { type JobControlOf, type JobResult, runJob } from './run.js';

/** A picture: a path or an address, the bytes of a file, or an image. */
export type PictureInput = string | URL | Uint8Array | Image;

/** A style: the name of one that comes with Fauve, a painting, a style file, or a captured style. */
export type AnyStyle = PictureInput | Style;

/** One style, or several with their shares. */
export type StyleOrBlend = AnyStyle | readonly { readonly style: AnyStyle; readonly weight?: number | undefined }[];

/** What every call takes beside its pictures. */
interface CallOf<Name extends 'stylize' | 'apply' | 'texture' | 'losses' | 'capture'> {
  /** Ends the work: after the step that is being computed, if it has steps. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: JobControlOf<Name>['onEvent'];
}

/** `fauve.stylize`: the photo, the style, and any option of `stylize`. */
export interface StylizeCall extends Omit<StylizeOptionsInput, 'init'>, CallOf<'stylize'> {
  readonly photo: PictureInput;
  readonly style: StyleOrBlend;
  /** Where it starts: `content`, `noise`, `fast`, or a picture. */
  readonly init?: StylizeOptionsInput['init'] | PictureInput;
  /** The loss network: `distilled` by default. */
  readonly network?: string | undefined;
  /** Goes on from the checkpoint of a `JobAborted`. */
  readonly resume?: Uint8Array | undefined;
}

/** `fauve.apply`: the photo, a style that the network has learned, and any option of `apply`. */
export interface ApplyCall extends ApplyOptionsInput, CallOf<'apply'> {
  readonly photo: PictureInput;
  /** A name, or several with their shares; may be left out where the network has only one. */
  readonly style?: string | readonly NamedStyle[] | undefined;
  /** A trained network, by the name under which it comes with Fauve or as a file; `fast` by default. */
  readonly network?: string | URL | Uint8Array | undefined;
}

/** `fauve.texture`: a captured style. */
export interface TextureCall extends CallOf<'texture'> {
  readonly style: AnyStyle;
  /** Side of the square in pixels; 256 by default. */
  readonly size?: number | undefined;
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  readonly styleScale?: number | undefined;
  readonly network?: string | undefined;
}

/** `fauve.losses`: a picture, and what it is compared with. */
export interface LossesCall extends Omit<StylizeOptionsInput, 'init'>, CallOf<'losses'> {
  readonly picture: PictureInput;
  readonly photo: PictureInput;
  readonly style: StyleOrBlend;
  readonly network?: string | undefined;
}

/** `fauve.capture`: a painting, and what is known of it. */
export interface CaptureCall extends CallOf<'capture'> {
  readonly painting: PictureInput;
  /** Short name: `great-wave`. */
  readonly name: string;
  readonly title?: string | undefined;
  readonly artist?: string | undefined;
  readonly year?: number | undefined;
  /** Share of the height that is left out at the bottom, such as a mark. */
  readonly cropBottom?: number | undefined;
  readonly networks?: string[] | undefined;
}

/** What `createFauve` is told. */
export interface CreateFauveOptions {
  /** Where to compute; the fastest by default. */
  readonly device?: 'cpu' | 'webgpu' | 'auto' | undefined;
  /** Threads of the processor; by default one for each core. */
  readonly threads?: number | undefined;
  /** In a browser: where the folder `models/` of the package is served. Node finds it. */
  readonly models?: string | URL | undefined;
  /** In a browser: where the files of the engine are served. */
  readonly assets?: string | URL | undefined;
}

/** Neural style transfer with an engine that is started once. Close it when the work is done. */
export interface Fauve extends AsyncDisposable {
  /** Restyles a photo by optimising it. @throws FauveError; `JobAborted` with the picture so far when the signal fires */
  stylize(call: StylizeCall): Promise<JobResult<'stylize'>>;
  /** Restyles a photo in one pass of a trained network. @throws FauveError */
  apply(call: ApplyCall): Promise<JobResult<'apply'>>;
  /** Paints a picture from a style alone. @throws FauveError; `JobAborted` as `stylize` */
  texture(call: TextureCall): Promise<JobResult<'texture'>>;
  /** Measures a picture as `stylize` does, layer by layer. @throws FauveError */
  losses(call: LossesCall): Promise<JobResult<'losses'>>;
  /** Takes the style out of a painting. @throws FauveError */
  capture(call: CaptureCall): Promise<Style>;
  /** Ends the engine. */
  close(): Promise<void>;
}

/** What differs from one machine to the other: what a text or an address means. */
export interface Names {
  picture(text: string | URL): FileReference | Promise<FileReference>;
  style(text: string | URL): StyleReference | Promise<StyleReference>;
  network(text: string | URL): StyleNetworkReference | Promise<StyleNetworkReference>;
}

/** The façade over a host. @param close ends what the host holds */
export function facadeOf(host: JobHost, names: Names, close: () => Promise<void>): Fauve {
  const filesFor = (call: object, name: string) => {
    anObject(call, `fauve.${name}`);
    return filesOf(host, names);
  };
  return {
    async stylize(call) {
      const files = filesFor(call, 'stylize');
      const { photo, style, init, network, resume, signal, onProgress, ...options } = call;
      const isOption = init === 'content' || init === 'noise' || init === 'fast';
      const content = await files.picture(photo, 'photo');
      const styles = await files.styles(style);
      const start = init === undefined || isOption ? undefined : await files.picture(init, 'init');
      return runJob<'stylize'>(
        { kind: 'stylize', content, styles, init: start, network, options: isOption ? { ...options, init } : options },
        files.host,
        { signal, onEvent: onProgress, resume: resume && { bytes: resume, name: 'The checkpoint' } },
      );
    },
    async apply(call) {
      const files = filesFor(call, 'apply');
      const { photo, style = [], network = 'fast', signal, onProgress, ...options } = call;
      const content = await files.picture(photo, 'photo');
      const styles = typeof style === 'string' ? [{ name: style }] : style.map((each) => ({ ...each }));
      const spec = { kind: 'apply', content, network: await files.network(network), styles, options } as const;
      return runJob<'apply'>(spec, files.host, { signal, onEvent: onProgress });
    },
    async texture(call) {
      const files = filesFor(call, 'texture');
      const { style, network, signal, onProgress, ...options } = call;
      const spec = { kind: 'texture', style: await files.style(style, 'style'), network, options } as const;
      return runJob<'texture'>(spec, files.host, { signal, onEvent: onProgress });
    },
    async losses(call) {
      const files = filesFor(call, 'losses');
      const { picture: measured, photo, style, network, signal, onProgress, ...options } = call;
      const picture = await files.picture(measured, 'picture');
      const content = await files.picture(photo, 'photo');
      const spec = { kind: 'losses', picture, content, styles: await files.styles(style), network, options } as const;
      return runJob<'losses'>(spec, files.host, { signal, onEvent: onProgress });
    },
    async capture(call) {
      const files = filesFor(call, 'capture');
      const { painting: picture, name, title = name, artist, year, cropBottom, networks, signal, onProgress } = call;
      const painting = await files.picture(picture, 'painting');
      const about = { name, title, artist, year };
      const spec = { kind: 'capture', painting, cropBottom, about, networks } as const;
      return runJob<'capture'>(spec, files.host, { signal, onEvent: onProgress });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The files of one call as a job names them, and a host that knows the images among them. */
function filesOf(host: JobHost, names: Names) {
  const images = new Map<string, ReadPicture>();
  const known = (reference: StyleReference) => ('sha256' in reference ? images.get(reference.sha256) : undefined);
  const picture = async (input: PictureInput, name: string): Promise<FileReference> => {
    if (typeof input === 'string' || input instanceof URL) return names.picture(input);
    if (isBytes(input)) return { name, bytes: input as Uint8Array };
    checkImage(input, name);
    const sha256 = await sha256OfFloats(input.data);
    images.set(sha256, { path: name, sha256, image: input });
    return { name, sha256 };
  };
  const style = async (input: AnyStyle, name: string): Promise<StyleReference> => {
    if (typeof input === 'string' || input instanceof URL) return names.style(input);
    if (typeof input === 'object' && input !== null && 'networks' in input) {
      return { name: `${input.name}.style`, bytes: encodeStyle(input) };
    }
    return picture(input, name);
  };
  return {
    picture,
    style,
    async styles(input: StyleOrBlend) {
      if (!Array.isArray(input)) return [{ ...(await style(input as AnyStyle, 'style')), weight: 1 }];
      const blend = input as Extract<StyleOrBlend, readonly unknown[]>;
      return Promise.all(
        blend.map(async (each, i) => {
          if (typeof each !== 'object' || each === null || !('style' in each)) {
            throw new FauveError('request', 'A style of a blend is { style, weight }. Write it so.');
          }
          return { ...(await style(each.style, `style-${i + 1}`)), weight: each.weight };
        }),
      );
    },
    network: async (input: string | URL | Uint8Array): Promise<StyleNetworkReference> =>
      typeof input === 'string' || input instanceof URL ? names.network(input) : { name: 'network', bytes: input },
    host: {
      ...host,
      picture: async (file, what) => known(file) ?? host.picture(file, what),
      style: async (reference) => known(reference) ?? host.style(reference),
    } satisfies JobHost,
  };
}
