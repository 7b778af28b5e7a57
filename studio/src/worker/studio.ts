import shipped from 'virtual:shipped';
import {
  apply,
  applyMemory,
  applyRecipe,
  createImage,
  fitLongerSide,
  freeMemory,
  type Image,
  type Recipe,
  resizeImage,
  resolveApplyOptions,
  resolveStylizeOptions,
  sha256Hex,
  stylizeRecipe,
  type WeightedStyle,
} from 'fauve';
import { networkFor } from '../state/network-for.js';
import { texts } from '../texts.js';
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
import { Models } from './models.js';
import { type NativePicture, runNative } from './native.js';
import { paint } from './paint.js';
import { type Opened, openPicture, photoBeside, wholeImage } from './photos.js';
import { bitmapOf, imageOf, pixelsOf } from './pixels.js';
import { ProblemError, problemOf } from './problem-error.js';
import { fileOf, Results } from './results.js';

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
  readonly #models: Models;
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
    this.#models = new Models(new URL('models/', page).href, this.#engines);
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
    const onLoading = loadingEvents(onEvent);
    try {
      const runtime = await this.#engines.get(device, onLoading);
      const transformer = await this.#models.transformer(runtime, onLoading, new AbortController().signal);
      const { styles } = transformer;
      const grey = createImage(WARM_SIDE, WARM_SIDE, new Float32Array(3 * WARM_SIDE ** 2).fill(0.5));
      await transformer.run(
        grey,
        Float32Array.from(styles, () => 1 / styles.length),
      );
    } catch {}
  }

  async instant(request: InstantRequest, onEvent: OnEvent): Promise<ResultFact> {
    const { device, styles } = request;
    const photo = this.#requirePhoto();
    const job = this.#begin();
    const options = { ...request.options };
    if (device === 'native') {
      return this.#keepNative('instant', photo, await this.#native('instant', photo, styles, options, job, onEvent));
    }
    return this.#on(device, async () => {
      const { image, seconds, engine, transformer } = await this.#transform(
        photo.image,
        { ...request, device },
        job,
        onEvent,
      );
      const { name: path, sha256 } = await this.#fastFile(job);
      const recipe = applyRecipe({
        ...this.#made(photo, engine),
        ...{ network: { path, sha256, shipped: true }, transformer, styles: namedStyles(styles), size: image },
        options: resolveApplyOptions(options),
      });
      const made = { kind: 'instant', photo, pixels: pixelsOf(image), engine, seconds, recipe } as const;
      return this.#results.add(photo.whole ? made : { ...made, again: { ...request, device } });
    });
  }

  async paint(request: PaintRequest, onEvent: OnEvent): Promise<ResultFact> {
    const { device, styles, options } = request;
    const photo = this.#requirePhoto();
    const job = this.#begin();
    if (device === 'native') {
      return this.#keepNative('paint', photo, await this.#native('paint', photo, styles, options, job, onEvent));
    }
    return this.#on(device, async () => {
      const bench = await this.#bench(photo.image, device, styles, job, onEvent);
      const fast = options.init === 'fast' ? { fast: await this.#fastStart(styles, job, onEvent) } : {};
      const { image, steps, seconds, stopped } = await paint({ ...bench, options, ...fast }, job, onEvent);
      const { weights, runtime } = bench;
      const recipe = stylizeRecipe({
        ...{ ...this.#made(photo, runtime.engine), weights, step: stopped && steps },
        fast: fast.fast && (await this.#fastFile(job)),
        styles: await Promise.all(styles.map((style) => this.#styleRecipe(style, job))),
        ...{ options: resolveStylizeOptions(options, weights.name), size: image },
      });
      const pixels = pixelsOf(image);
      const made = { kind: 'paint', photo, pixels, engine: runtime.engine, seconds, steps, recipe } as const;
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
    const asked = { ...again, options: { ...again.options, size: 'auto' } } as const;
    const transformed = (limit: number) =>
      this.#on(again.device, () => this.#transform(whole, asked, job, onEvent, limit));
    const limit = freeMemory();
    // Here the host's part lies beside the engine's 4 GB, not in them, so that more may fit: it is tried.
    const generous = limit + hostBytes(whole);
    const { image, wholeMemory } = await transformed(generous).catch((error: unknown) => {
      if (problemOf(error).kind !== 'memory') throw error;
      return transformed(limit);
    });
    const made = pixelsOf(image);
    const beside = photoBeside({ image: whole, pixels: pixelsOf(whole) }, made);
    const file = await fileOf(beside, made, wanted, resized(recipe, image));
    return { ...file, wholeMemory };
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
    return this.#on(own, async () => work(await this.#bench(fitted(photo.image), own, styles, job, onEvent), job));
  }

  async #transform(
    image: Image,
    { device, styles, options }: InstantRequest & { readonly device: BrowserDevice },
    job: Job,
    onEvent: OnEvent,
    memoryLimit = freeMemory(),
  ) {
    const onLoading = loadingEvents(onEvent);
    const runtime = await this.#engines.get(device, onLoading);
    const transformer = await this.#models.transformer(runtime, onLoading, job.signal);
    const { width, height } = image;
    onEvent({ type: 'start', width, height, steps: 0, terms: [], engine: runtime.engine });
    const result = await apply({
      ...{ image, transformer, options, memoryLimit },
      styles: namedStyles(styles),
      signal: job.signal,
    });
    return { ...result, engine: runtime.engine, transformer, wholeMemory: applyMemory(transformer, image) };
  }

  async #bench(
    content: Image,
    device: BrowserDevice,
    styles: readonly StyleChoice[],
    job: Job,
    onEvent: OnEvent,
  ): Promise<Bench> {
    const onLoading = loadingEvents(onEvent);
    const [runtime, weights] = [
      await this.#engines.get(device, onLoading),
      await this.#models.network(networkFor(device), onLoading, job.signal),
    ];
    const weightedStyles = await Promise.all(
      styles.map(async (choice): Promise<WeightedStyle> => {
        const { weight } = choice;
        if (choice.kind === 'own') return { image: this.#ownStyle(choice.id).image, weight };
        return { style: (await this.#models.style(choice.name, onLoading, job.signal)).style, weight };
      }),
    );
    return { content, styles: weightedStyles, weights, runtime };
  }

  /** What Paint starts with that is to start from the instant picture. */
  async #fastStart(styles: readonly StyleChoice[], job: Job, onEvent: OnEvent) {
    const transformer = await this.#models.styleNetworkFile(loadingEvents(onEvent), job.signal);
    return { transformer, styles: namedStyles(styles) };
  }

  #ownStyle(id: number): Opened {
    const style = this.#styles.get(id);
    if (!style) throw new Error(`There is no style ${id}.`);
    return style;
  }

  async #native(
    kind: 'instant' | 'paint',
    photo: Opened,
    styles: readonly StyleChoice[],
    options: object,
    job: Job,
    onEvent: OnEvent,
  ): Promise<NativePicture> {
    if (!this.#server) throw new ProblemError('server', '');
    const request = { kind, photo, styles, ownStyles: this.#styles, options: { ...options } };
    return runNative(this.#page, this.#server, request, job, onEvent);
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

  /** The trained network, for a recipe. */
  async #fastFile(job: Job) {
    const { fileName, bytes } = await this.#models.styleNetworkFile(() => {}, job.signal);
    return { name: fileName, sha256: await sha256Hex(bytes) };
  }

  #made(photo: Opened, engine: string) {
    return { fauve: shipped.version, engine, content: { path: photo.name, sha256: photo.sha256 } };
  }

  async #styleRecipe(choice: StyleChoice, job: Job) {
    const { weight } = choice;
    if (choice.kind === 'own') {
      const { name, sha256 } = this.#ownStyle(choice.id);
      return { path: name, sha256, weight };
    }
    const { sha256 } = await this.#models.style(choice.name, () => {}, job.signal);
    return { path: choice.name, sha256, weight, shipped: true as const };
  }
}

/** Shipped styles as the trained network is asked for them; it knows no others. */
const namedStyles = (styles: readonly StyleChoice[]) =>
  styles.map((style) => {
    if (style.kind === 'shipped') return { name: style.name, weight: style.weight };
    throw new ProblemError('other', texts.make.notInstantOwn);
  });

/** The recipe of an instant picture that was made in another size. */
const resized = (recipe: Recipe, { width, height }: Image): Recipe =>
  recipe.kind === 'apply' ? { ...recipe, options: { ...recipe.options, size: `${width}x${height}` } } : recipe;

const fitted = (image: Image): Image => {
  const { width, height } = fitLongerSide(image.width, image.height, LAB_SIDE);
  return resizeImage(image, width, height);
};

function loadingEvents(onEvent: OnEvent): OnLoading {
  return (what, { loaded, total }) => onEvent({ type: 'loading', what, loaded, total });
}
