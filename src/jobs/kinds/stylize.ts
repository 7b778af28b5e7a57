import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { sha256Hex } from '../../formats/sha256.js';
import type { Image } from '../../image/image.js';
import { outputSize } from '../../image/size.js';
import type { NetworkWeights } from '../../networks/network.js';
import { defaultNetworkName, fastStyleNetworkName } from '../../networks/registry.js';
import type { Runtime } from '../../runtime/runtime.js';
import { styleShares } from '../../style-network/code.js';
import { type Checkpoint, decodeCheckpoint } from '../../stylize/checkpoint.js';
import { resolveStylizeOptions, type StylizeOptionsInput } from '../../stylize/options.js';
import { planStylize, type StylizePlan, type StylizeRequest } from '../../stylize/plan.js';
import { polishNetworkName } from '../../stylize/polish.js';
import { runStylize } from '../../stylize/run.js';
import type { JobHost, ReadPicture, ReadStyle } from '../host.js';
import type { JobControl, JobKind } from '../kind.js';
import { fileOf, type StylizeRecipe } from '../recipe.js';
import { fileReference, nameOf, type WeightedStyleReference, weightedStyleReference } from '../reference.js';
import { namedOptions, otherOption, requireSameOptions } from '../same-options.js';
import { someOptions } from '../some-options.js';
import { type OptimisedPicture, type OptimiseEvent, optimise } from './optimise.js';

const schema = z.strictObject({
  kind: z.literal('stylize'),
  /** The photo. */
  content: fileReference,
  styles: z.array(weightedStyleReference).min(1, 'expected at least one style').max(100),
  /** Starts from this picture instead of `options.init`. */
  init: fileReference.optional(),
  /** The loss network. */
  network: z.string().default(defaultNetworkName),
  /** The loss network of `options.polish`. */
  polishNetwork: z.string().default(polishNetworkName),
  options: someOptions<StylizeOptionsInput>(resolveStylizeOptions),
});

export type StylizeSpec = z.input<typeof schema>;
type Spec = z.output<typeof schema>;

/** All that is decided about a picture before any work. */
export interface StylizeJobPlan {
  readonly runtime: Runtime;
  readonly plan: StylizePlan;
  readonly recipe: StylizeRecipe;
  /** What is unusual about the files. */
  readonly notices: readonly string[];
}

/** Restyles a photo by optimising it. */
export const stylizeKind: JobKind<typeof schema, StylizeJobPlan, OptimisedPicture<StylizeRecipe>, OptimiseEvent> = {
  schema,
  async check({ styles, init, options, ...networks }, host) {
    for (const style of styles) if ('shipped' in style) await host.requireShippedStyle(style.shipped);
    if (!init && resolveStylizeOptions(options, networks.network).init === 'fast') await fastStart(styles, host);
  },
  plan: planned,
  async run({ plan, runtime, recipe, notices }, control) {
    for (const message of notices) await control.onEvent?.({ type: 'notice', message });
    return optimise((context) => runStylize(plan, { ...context, runtime }), recipe, control);
  },
};

async function planned(spec: Spec, host: JobHost, { resume, signal }: JobControl<OptimiseEvent>) {
  const interrupted = resume && decodeCheckpoint(resume.bytes, resume.name);
  if (interrupted) {
    // Whether the size is the same depends on the picture, too.
    const { size: _, ...others } = namedOptions(spec.options, (options) =>
      resolveStylizeOptions(options, spec.network),
    );
    requireSameOptions(others, interrupted.options);
  }
  const options = interrupted?.options ?? resolveStylizeOptions(spec.options, spec.network);
  const files = await readFiles(spec, host, signal);
  if (interrupted) requireSameSize(interrupted, files.content.image, spec.options.size);
  const fast = options.init === 'fast' && !files.init ? await fastStart(spec.styles, host) : undefined;
  const weights = await host.lossNetwork(spec.network);
  const polishWeights = options.polish > 0 ? await polisher(spec.polishNetwork, host) : undefined;
  stopIfAborted(signal);
  const runtime = await host.runtime();
  const plan = await planStylize({
    content: files.content.image,
    styles: files.styles,
    init: files.init?.image,
    weights,
    polishWeights,
    fast: fast?.start,
    runtime,
    options: spec.options,
    memoryLimit: host.freeMemory(),
    resume: interrupted,
  });
  const recipe: StylizeRecipe = {
    kind: 'stylize',
    fauve: host.version,
    engine: runtime.engine,
    network: named(weights),
    polish: polishWeights && named(polishWeights),
    fast: fast?.network,
    content: fileOf(files.content),
    styles: files.styles.map((style) => ({ ...fileOf(style), weight: style.weight })),
    init: files.init && fileOf(files.init),
    options: { ...plan.options },
  };
  return { runtime, plan, recipe, notices: noticesOf(files) };
}

interface Files {
  readonly content: ReadPicture;
  readonly styles: readonly ((ReadPicture | ReadStyle) & { readonly weight: number })[];
  readonly init: ReadPicture | undefined;
}

async function readFiles({ content, styles, init }: Spec, host: JobHost, signal?: AbortSignal): Promise<Files> {
  const photo = await host.picture(content, 'Content image');
  const read: Files['styles'][number][] = [];
  for (const { weight, ...style } of styles) {
    stopIfAborted(signal);
    read.push({ ...(await host.style(style)), weight });
  }
  return { content: photo, styles: read, init: init && (await host.picture(init, 'Start image')) };
}

function noticesOf({ content, styles, init }: Files): string[] {
  return [content, ...styles, init].flatMap((each) => (each && 'image' in each && each.notices) || []);
}

/** What `init: 'fast'` starts with. @throws FauveError `usage` for a style that the network has not learned */
async function fastStart(
  styles: readonly WeightedStyleReference[],
  host: JobHost,
): Promise<{ readonly start: NonNullable<StylizeRequest['fast']>; readonly network: StylizeRecipe['network'] }> {
  const network = await host.styleNetwork({ shipped: fastStyleNetworkName });
  const known = network.styles.map(({ name }) => name);
  const other = styles.find((style) => !('shipped' in style && known.includes(style.shipped)));
  if (other) {
    throw new FauveError(
      { kind: 'unknown-name', what: 'style of a network', name: nameOf(other), known },
      `The trained network that comes with Fauve has not learned the style ${nameOf(other)}. It knows ${known.join(', ')}. Use one of these, or another init.`,
    );
  }
  const named = styles.map((style) => ({ name: nameOf(style), weight: style.weight }));
  styleShares(network.styles, named, network.fileName);
  const { fileName: name, bytes } = network;
  return { start: { network, styles: named }, network: { name, sha256: await sha256Hex(bytes) } };
}

/** @throws FauveError with the option that wants it */
function polisher(name: string, host: JobHost): Promise<NetworkWeights> {
  return host.lossNetwork(name).catch((error: unknown) => {
    if (!(error instanceof FauveError)) throw error;
    throw new FauveError(error.reason, `The option polish ends with steps of ${name}. ${error.message}`, {
      cause: error,
    });
  });
}

/** The checkpoint's size is in pixels; that of the spec may depend on the picture, or on the memory of that moment. */
function requireSameSize(checkpoint: Checkpoint, content: Image, size: unknown): void {
  if (size === undefined || size === 'auto') return;
  const { width, height } = outputSize(content, resolveStylizeOptions({ size }).size);
  if (width !== checkpoint.width || height !== checkpoint.height) {
    throw otherOption('size', checkpoint.options.size, size);
  }
}

/** A network as recipes name it. */
export const named = ({ name, sha256 }: Pick<NetworkWeights, 'name' | 'sha256'>): StylizeRecipe['network'] => ({
  name,
  sha256,
});
