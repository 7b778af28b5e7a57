import { expose } from 'comlink';
import {
  apply,
  type EncodeOptions,
  encodeImage,
  type Image,
  measureLosses,
  type OutputFormat,
  openStyleNetwork,
  type Precision,
  type Runtime,
  stylize,
} from 'fauve';
import {
  type DecodeOptions,
  type DeviceChoice,
  decodeImage,
  freeMemory,
  listNetworks,
  listStyles,
  loadEngine,
  loadNetworkWeights,
  loadStyle,
  shippedStyleNetworks,
} from 'fauve/browser';
import { imageHeader } from 'fauve/pictures';
import { fromPlain, type PlainImage, toBase64, toPlain } from './plain.js';

const base = new URL('/models/', location.href);
let runtime: Runtime | undefined;

const engine = (): Runtime => {
  if (!runtime) throw new Error('No engine was started in this worker.');
  return runtime;
};

const fetched = async (url: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await fetch(new URL(url, location.href))).arrayBuffer());

const imageAt = async (url: string): Promise<Image> =>
  (await decodeImage(await fetched(url), { what: 'The picture', fileName: url })).image;

/** An error of the other side keeps its code: comlink keeps the message alone. */
async function worded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw new Error(`${code ?? 'unexpected'}: ${message}`);
  }
}

const jobs = {
  /** Starts the engine: its words, and the progress of its download. */
  async start(device: DeviceChoice, threads?: number, assets = '/engine/') {
    const progress: { loaded: number; total: number }[] = [];
    runtime = await worded(
      loadEngine({
        device,
        ...(threads === undefined ? {} : { threads }),
        assets: new URL(assets, location.href),
        onProgress: (each) => progress.push(each),
      }),
    );
    return { engine: runtime.engine, device: runtime.device, progress };
  },
  async losses(content: string, style: string, generated: string) {
    const weights = await loadNetworkWeights('distilled-small', { base });
    return measureLosses({
      content: await imageAt(content),
      styles: [{ image: await imageAt(style), weight: 1 }],
      generated: await imageAt(generated),
      weights,
      runtime: engine(),
    });
  },
  async stylize(content: string, style: string, options: Record<string, unknown>) {
    const { style: captured } = await loadStyle(style, { base });
    const times: number[] = [];
    const result = await stylize({
      content: await imageAt(content),
      styles: [{ style: captured, weight: 1 }],
      weights: await loadNetworkWeights('distilled-small', { base }),
      runtime: engine(),
      options,
      memoryLimit: freeMemory(),
      onProgress: (event) => {
        if (event.type === 'step') times.push(performance.now());
      },
    });
    return { image: toPlain(result.image), losses: result.history.map(({ loss }) => loss), times };
  },
  async apply(
    network: string,
    photo: string,
    styles: readonly { name: string; weight?: number }[],
    repeats = 1,
    precision?: Precision,
  ) {
    const styleNetwork = await worded(
      openStyleNetwork(engine(), { fileName: network, bytes: await fetched(network) }, { precision }),
    );
    const seconds: number[] = [];
    let restyled: Image | undefined;
    for (let i = 0; i < repeats; i++) {
      const result = await apply({ image: await imageAt(photo), network: styleNetwork, styles });
      restyled = result.image;
      seconds.push(result.seconds);
    }
    await styleNetwork.close();
    return { image: toPlain(restyled!), seconds };
  },
  async decode(url: string, options?: DecodeOptions) {
    const bytes = await fetched(url);
    const decoded = await worded(decodeImage(bytes, { what: 'The picture', fileName: url }, options));
    return { ...decoded, image: toPlain(decoded.image), header: imageHeader(bytes) };
  },
  async encode(picture: PlainImage, format: OutputFormat, options?: EncodeOptions) {
    return toBase64(await worded(encodeImage(fromPlain(picture), format, options)));
  },
  async lists(from = '/models/') {
    const options = { base: new URL(from, location.href) };
    return worded(Promise.all([listNetworks(options), shippedStyleNetworks(options), listStyles(options)]));
  },
  async network(name: string, from: string) {
    const progress: { loaded: number; total: number }[] = [];
    const { sha256, tensors } = await worded(
      loadNetworkWeights(name, { base: new URL(from, location.href), onProgress: (each) => progress.push(each) }),
    );
    return { sha256, tensors: tensors.size, progress };
  },
  async memory() {
    return freeMemory();
  },
};

export type Jobs = typeof jobs;

expose(jobs);
