import {
  type ApplyOptions,
  checkStyleNetwork,
  FauveError,
  fastStyleNetworkName,
  loadStyleNetwork,
  type NamedStyle,
  outputFormat,
  resolveApplyOptions,
  resolveStylizeOptions,
  type StyleNetworkFile,
  styleShares,
} from 'fauve';
import { applyToPhotos } from './apply-batch.js';
import type { Pictures } from './inputs.js';
import { flagOf } from './option-flags.js';
import { checkOutputs } from './outputs.js';
import type { RestyleJob } from './restyle.js';

/** The options of `stylize` that one pass of a network has, too. */
const fastOptions: readonly string[] = ['size', 'colours'];

/** A style as a command line or a recipe names it. */
type NamedPath = { readonly path: string; readonly weight: number };

/**
 * Restyles a picture in one pass of the trained network that comes with Fauve: `stylize --fast`.
 * @throws FauveError `usage` for what only an optimisation has, and for styles that the network does not know; otherwise as `apply`
 */
export async function restyleFast(job: RestyleJob): Promise<void> {
  const other = Object.keys(job.options).find((name) => !fastOptions.includes(name));
  const flags = { saveEvery: job.saveEvery, plot: job.plot, resume: job.resume || undefined };
  const [flag] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  const meaningless = other ?? flag;
  if (meaningless !== undefined) {
    throw new FauveError(
      'usage',
      `--fast is one pass of a trained network, without ${flagOf(meaningless)}. Leave one of them out; --init fast optimises on from its picture.`,
    );
  }
  const { size, colours } = resolveStylizeOptions(job.options);
  if (colours === 'match') {
    throw new FauveError('usage', '--colours match needs an optimisation. Use style or luminance with --fast.');
  }
  const options: ApplyOptions = resolveApplyOptions({ size, colours });
  const { content, styles } = job.pictures;
  await checkOutputs(job, [content]);
  const network = checkStyleNetwork(await loadStyleNetwork(fastStyleNetworkName));
  const { output, quality, bits, json, quiet, engine } = job;
  const named = fastStyles(network, styles);
  await applyToPhotos({
    ...{ network, styles: named, options, json, quiet, engine },
    jobs: [
      {
        ...{ input: content, output, format: outputFormat(output) },
        ...(quality === undefined ? {} : { quality }),
        ...(bits === undefined ? {} : { bits }),
      },
    ],
  });
}

/**
 * The trained network that comes with Fauve and the names of the styles, for `--init fast`.
 * @throws FauveError as {@link restyleFast}
 */
export async function fastStart({
  styles,
}: Pick<Pictures, 'styles'>): Promise<{ transformer: StyleNetworkFile; styles: readonly NamedStyle[] }> {
  const transformer = checkStyleNetwork(await loadStyleNetwork(fastStyleNetworkName));
  return { transformer, styles: fastStyles(transformer, styles) };
}

/** The styles by the names that the network knows. */
function fastStyles(network: ReturnType<typeof checkStyleNetwork>, styles: readonly NamedPath[]): NamedStyle[] {
  const known = network.styles.map(({ name }) => name);
  const unknown = styles.find(({ path }) => !known.includes(path));
  if (unknown) {
    throw new FauveError(
      'usage',
      `The trained network that comes with Fauve has not learned the style ${unknown.path}. It knows ${known.join(', ')}. Use one of these, or leave fast out; fauve train --from ${fastStyleNetworkName} teaches it another.`,
    );
  }
  const named = styles.map(({ path, weight }) => ({ name: path, weight }));
  styleShares(network.styles, named, network.fileName);
  return named;
}
