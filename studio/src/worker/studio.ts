import { createImage, type Image, type JobHost, type JobSpecOf, type ReadPicture, resizeImage, runJob } from 'fauve';
import { createBrowserHost, createModelCache, freeMemory } from 'fauve/browser';
import { applyMemory, fastStyleNetworkName } from 'fauve/jobs';
import { fitLongerSide } from 'fauve/pictures';
import type {
  DeviceName,
  ExportFact,
  ExportRequest,
  GramFact,
  InstantRequest,
  LabRequest,
  Mix,
  OwnStyleFact,
  PaintRequest,
  PhotoFact,
  RebuildRequest,
  ResultFact,
  RunEvent,
  StripRequest,
  StyleChoice,
} from './api.js';
import { type BrowserDevice, Engines, type OnLoading } from './engines.js';
import { Job } from './job.js';
import { type Bench, measureGram, rebuild, weighted } from './lab.js';
import { type NativePicture, runNative } from './native.js';
import { networkFor } from './network-for.js';
import { paint } from './paint.js';
import { type Opened, openPicture, photoBeside, wholeImage } from './photos.js';
import { bitmapOf, imageOf, pixelsOf } from './pixels.js';
import { ProblemError, problemOf } from './problem-error.js';
import { fileOf, Results } from './results.js';
import { applySpec, stylizeSpec } from './specs.js';

type OnEvent = (event: RunEvent) => void;

/** Own pictures as styles are looked at no larger than this. */
const THUMBNAIL = 192;

/** What the library counts for the host: 14 pictures of float32 RGB, and 150 MB of its own. */
const hostBytes = ({ width, height }: Image) => 14 * 12 * width * height + 150 * 2 ** 20;

/** Side of the picture that is made ahead. */
const WARM_SIDE = 256;

/** Longer side of what the lab looks at. */
const LAB_SIDE = 256;

/** What the page works with: photo, styles, engines and results of this session. */
export class Studio {
  readonly #page: string;
  readonly #server: string | undefined;
  readonly #engines: Engines;
  readonly #models;
  readonly #results = new Results();
  readonly #styles = new Map<number, Opened>();
  #photo: Opened | undefined;
  #job = new Job();

  /**
   * @param page address of the page
   * @param server what the local server's engine is, where there is one
   */
  constructor(page: string, server: string | undefined) {
    this.#page = page;
    this.#server = server;
    this.#engines = new Engines(new URL('ort/', page).href);
    this.#models = createModelCache(new URL('models/', page));
    this.#engines.onEnd((runtime) => this.#models.forget(runtime));
  }

  get job(): Job {
    return this.#job;
  }

  async openPhoto(file: Blob, name: string): Promise<PhotoFact> {
    const photo = await openPicture(file, name);
    this.#photo = photo;
    const { width, height } = photo.image;
    return {
      name,
      width: photo.width,
      height: photo.height,
      shown: { width, height },
      notices: photo.notices,
      bitmap: await bitmapOf(photo.pixels),
    };
  }

  async openStyle(file: Blob, name: string): Promise<OwnStyleFact> {
    const style = await openPicture(file, name);
    const id = this.#styles.size + 1;
    this.#styles.set(id, style);
    return { id, name, bitmap: await bitmapOf(style.pixels, THUMBNAIL) };
  }

  /**
   * Loads ahead what Instant needs, and makes one small pass: the browser compiles what runs often. What fails here is tried again,
   * and told, when it is needed.
   */
  async prepare(device: DeviceName, onEvent: OnEvent): Promise<void> {
    if (device === 'native') return;
    try {
      const host = this.#host(device, undefined, onEvent);
      const { network } = await host.openStyleNetwork({ shipped: fastStyleNetworkName }, {});
      const { styles } = network;
      const grey = createImage(WARM_SIDE, WARM_SIDE, new Float32Array(3 * WARM_SIDE ** 2).fill(0.5));
      await network.run(grey, await network.encoder.encode(styles));
    } catch {}
  }

  async instant({ device, styles, options }: InstantRequest, onEvent: OnEvent): Promise<ResultFact> {
    const photo = this.#requirePhoto();
    const job = this.#begin();
    const spec = applySpec(photo, styles, options);
    if (device === 'native') return this.#keepNative('instant', photo, await this.#native(spec, job, onEvent));
    return this.#on(device, async () => {
      const host = this.#host(device, job, onEvent);
      const { image, seconds, recipe } = await applied(spec, host, job, onEvent);
      const made = { kind: 'instant', photo, pixels: pixelsOf(image), engine: recipe.engine, seconds, recipe } as const;
      return this.#results.add(photo.whole ? made : { ...made, again: { device, spec } });
    });
  }

  async paint({ device, styles, options }: PaintRequest, onEvent: OnEvent): Promise<ResultFact> {
    const photo = this.#requirePhoto();
    const job = this.#begin();
    const spec = stylizeSpec(photo, styles, this.#styles, networkFor(device), options);
    if (device === 'native') return this.#keepNative('paint', photo, await this.#native(spec, job, onEvent));
    return this.#on(device, async () => {
      const painted = await paint(spec, this.#host(device, job, onEvent), job, onEvent);
      const { image, recipe, steps, seconds, stopped } = painted;
      const made = {
        kind: 'paint',
        photo,
        pixels: pixelsOf(image),
        engine: recipe.engine,
        seconds,
        steps,
        recipe,
      } as const;
      return this.#results.add(stopped ? { ...made, stopped } : made);
    });
  }

  show(result: number, mix: Mix): Promise<ImageBitmap> {
    return this.#results.show(result, mix);
  }

  forget(result: number): void {
    this.#results.forget(result);
  }

  /** A result as a file; an instant one of a large photo is made anew, from all of the photo. */
  async export({ result, ...wanted }: ExportRequest, onEvent: OnEvent): Promise<ExportFact> {
    const { photo, pixels, again, recipe } = this.#results.get(result);
    if (!again) return fileOf(photoBeside(photo, pixels), pixels, wanted, recipe);
    const job = this.#begin();
    const whole = await wholeImage(photo);
    const { device } = again;
    const spec = { ...again.spec, options: { ...again.spec.options, size: 'auto' as const } };
    const limit = freeMemory();
    const make = (most: number) =>
      this.#on(device, async () => {
        const host = this.#host(device, job, onEvent, {
          pictures: [{ ...photo, image: whole }],
          freeMemory: () => most,
        });
        const { network } = await host.openStyleNetwork(spec.network, {});
        return { ...(await applied(spec, host, job, onEvent)), wholeMemory: applyMemory(network, whole) };
      });
    // Here the host's part lies beside the engine's 4 GB, not in them, so that more may fit: it is tried.
    const made = await make(limit + hostBytes(whole)).catch((error: unknown) => {
      if (problemOf(error).kind !== 'memory') throw error;
      return make(limit);
    });
    const picture = pixelsOf(made.image);
    const beside = photoBeside({ image: whole, pixels: pixelsOf(whole) }, picture);
    return { ...(await fileOf(beside, picture, wanted, made.recipe)), wholeMemory: made.wholeMemory };
  }

  async gram({ device, styles, layer }: LabRequest, result: number | undefined, onEvent: OnEvent): Promise<GramFact> {
    const made = result === undefined ? undefined : this.#results.get(result);
    const small = made && fitted(imageOf(made.pixels));
    return this.#inLab(device, styles, onEvent, (bench) => measureGram(bench, layer, small));
  }

  async rebuild({ device, styles, layer, from }: RebuildRequest, onEvent: OnEvent): Promise<ImageBitmap> {
    return this.#inLab(device, styles, onEvent, (bench, job) => rebuild(bench, from, layer, job, onEvent));
  }

  async strip(
    { device, styles, ratios }: StripRequest,
    onPicture: (index: number, bitmap: ImageBitmap) => void,
    onEvent: OnEvent,
  ): Promise<void> {
    await this.#inLab(device, styles, onEvent, async (bench, job) => {
      // From the middle outwards: what is most alike to Paint comes first.
      const order = [...ratios.keys()].sort((a, b) => Math.abs(Math.log(ratios[a]!)) - Math.abs(Math.log(ratios[b]!)));
      for (const index of order) {
        if (job.signal.aborted) return;
        const live = (event: RunEvent) => {
          if (event.type === 'picture') onPicture(index, event.bitmap);
          else onEvent(event);
        };
        onPicture(index, await weighted(bench, ratios[index]!, job, live));
      }
    });
  }

  #begin(): Job {
    this.#job = new Job();
    return this.#job;
  }

  #requirePhoto(): Opened {
    if (!this.#photo) throw new Error('There is no photo.');
    return this.#photo;
  }

  /** Work on an engine of the browser. One that ran out of memory or lost its card is ended: the next work starts a fresh one. */
  async #on<T>(device: BrowserDevice, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { kind, message } = problemOf(error);
      // With a size that would fit, the engine has not even begun.
      if (kind === 'device-lost' || (kind === 'memory' && message === '')) await this.#engines.restart(device);
      throw error;
    }
  }

  async #inLab<T>(
    device: DeviceName,
    styles: readonly StyleChoice[],
    onEvent: OnEvent,
    work: (bench: Bench, job: Job) => Promise<T>,
  ): Promise<T> {
    const photo = this.#requirePhoto();
    const job = this.#begin();
    const own = device === 'native' ? 'wasm' : device;
    return this.#on(own, async () => {
      const small = { ...photo, image: fitted(photo.image) };
      const spec = stylizeSpec(photo, styles, this.#styles, networkFor(own), {});
      return work({ host: this.#host(own, job, onEvent, { pictures: [small] }), spec }, job);
    });
  }

  /** This tab as a host of jobs. @param instead what takes the place of the session's pictures and of the free memory */
  #host(
    device: BrowserDevice,
    job: Job | undefined,
    onEvent: OnEvent,
    instead: { readonly pictures?: readonly Opened[]; readonly freeMemory?: () => number } = {},
  ): JobHost {
    const onLoading = loadingEvents(onEvent);
    const photo = this.#photo ? [this.#photo] : [];
    const pictures = [...(instead.pictures ?? []), ...photo, ...this.#styles.values()];
    return createBrowserHost({
      models: this.#models,
      runtime: () => this.#engines.get(device, onLoading),
      pictureOf: (sha256): ReadPicture | undefined => {
        const found = pictures.find((each) => each.sha256 === sha256);
        return found && { path: found.name, sha256, image: found.image };
      },
      onLoading,
      signal: job?.signal,
      freeMemory: instead.freeMemory,
    });
  }

  async #native(spec: JobSpecOf<'stylize' | 'apply'>, job: Job, onEvent: OnEvent): Promise<NativePicture> {
    if (!this.#server) throw new ProblemError('server', '');
    const named = spec.kind === 'apply' ? [spec.content] : [spec.content, ...spec.styles];
    const known = [this.#requirePhoto(), ...this.#styles.values()];
    const files = named.flatMap((each) =>
      'sha256' in each ? known.find(({ sha256 }) => sha256 === each.sha256)! : [],
    );
    return runNative(this.#page, this.#server, { spec, files }, job, onEvent);
  }

  #keepNative(kind: 'instant' | 'paint', photo: Opened, picture: NativePicture): Promise<ResultFact> {
    const { pixels, seconds, steps, stopped, recipe } = picture;
    const engine = this.#server ?? '';
    const made = { kind, photo, pixels, engine, seconds, recipe };
    return this.#results.add({
      ...made,
      ...(kind === 'paint' ? { steps } : {}),
      ...(stopped ? { stopped } : {}),
    });
  }
}

/** One pass of the style network, told of. */
async function applied(spec: JobSpecOf<'apply'>, host: JobHost, job: Job, onEvent: OnEvent) {
  return runJob<'apply'>(spec, host, {
    signal: job.signal,
    onEvent(event) {
      if (event.type !== 'start') return;
      const { width, height, engine } = event;
      onEvent({ type: 'start', width, height, steps: 0, terms: [], engine });
    },
  });
}

const fitted = (image: Image): Image => {
  const { width, height } = fitLongerSide(image.width, image.height, LAB_SIDE);
  return resizeImage(image, width, height);
};

function loadingEvents(onEvent: OnEvent): OnLoading {
  return (what, { loaded, total }) => onEvent({ type: 'loading', what, loaded, total });
}
