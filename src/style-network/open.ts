import { checkRequest, oneOf, optional } from '../checks/checks.js';
import { checkRuntime, type Runtime } from '../runtime/runtime.js';
import { aRange, checkStyleNetwork, checkStyleNetworkFile, type StyleNetworkFile } from './check.js';
import { encodeInt8StyleNetwork } from './file.js';
import type { PixelRange } from './foreign.js';
import { foreignStyleNetwork } from './foreign-network.js';
import { rethrow, type StyleNetwork } from './network.js';
import { ownStyleNetwork } from './own-network.js';

/**
 * What a network of `fauve train` is computed with. `int8`: most of the work in 8-bit integers, on a processor and where the file knows
 * the ranges for it. `float32`: all of it in 32-bit floats.
 */
export type Precision = 'int8' | 'float32';

/**
 * Opens a network: one that `fauve train` made, or a "fast neural style" network of another program, which has one picture
 * [1,3,H,W] or [1,H,W,3] in and out, RGB, of one size or of any.
 * @example
 * ```ts
 * import { openStyleNetwork } from 'fauve';
 * import { loadStyleNetwork, startEngine } from 'fauve/node';
 *
 * const runtime = await startEngine();
 * const network = await openStyleNetwork(runtime, await loadStyleNetwork('fast'));
 * console.log(network.styles.map(({ name }) => name));
 * await runtime.close();
 * ```
 * @param options.range what white is in the pictures of another program's network; without it, it is found out
 * @param options.precision `int8` by default, which the eye cannot tell from `float32`
 * @throws FauveError as {@link checkStyleNetwork}; `input` for a network of another form, or that the engine cannot run
 */
export async function openStyleNetwork(
  runtime: Runtime,
  file: StyleNetworkFile,
  options: { readonly range?: PixelRange | undefined; readonly precision?: Precision | undefined } = {},
): Promise<StyleNetwork> {
  checkRuntime(runtime, 'openStyleNetwork, runtime');
  checkStyleNetworkFile(file, 'openStyleNetwork, file');
  const fields = { range: optional(aRange), precision: optional(oneOf('int8', 'float32')) };
  checkRequest(options, 'openStyleNetwork, options', fields);
  const { range, precision = 'int8' } = options;
  const checked = checkStyleNetwork(file, range);
  const { fileName, model } = checked;
  const integers = precision === 'int8' && runtime.device === 'cpu' && model?.ranges;
  const bytes = integers ? encodeInt8StyleNetwork(model.weights, integers) : checked.bytes;
  const session = await runtime.openFile(bytes).catch((error) => rethrow(error, fileName));
  try {
    const opened = { ...checked, session, engine: runtime.engine };
    return model ? ownStyleNetwork(opened, model) : await foreignStyleNetwork(opened, range);
  } catch (error) {
    await session.close();
    throw error;
  }
}
