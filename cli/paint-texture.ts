import {
  type EncodeOptions,
  encodeImage,
  encodeRecipe,
  FauveError,
  freeMemory,
  type Image,
  loadNetworkWeights,
  outputFormat,
  StylizeAborted,
  startEngine,
  type TextureRecipe,
  texture,
  textureRecipe,
  version,
} from 'fauve';
import type { EngineFlags } from './engine-flags.js';
import { readStyleArgument } from './inputs.js';
import { listenForInterrupt } from './interrupt.js';
import { writeResult } from './keep.js';
import { fileIn, otherFile, otherMaking, otherNetwork } from './recipes.js';
import { reporterFor } from './restyle.js';

/** A texture to paint: all that can be checked without reading the style was checked. */
export interface TextureJob extends EngineFlags, Pick<EncodeOptions, 'quality' | 'bits'> {
  /** A style file, or the name of a style that comes with Fauve. */
  readonly style: string;
  /** That it is such a name, even where there is a file of that name. */
  readonly shipped?: boolean;
  readonly output: string;
  readonly network: string;
  readonly options: TextureRecipe['options'];
  /** The recipe that is repeated: what is different now is told. */
  readonly recipe?: TextureRecipe;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Paints a texture and writes it. @throws FauveError; `aborted` after Ctrl-C, when the picture so far is written */
export async function paintTexture(job: TextureJob): Promise<void> {
  const { output, options, quality, bits } = job;
  const style = await readStyleArgument(job.style, job.shipped);
  if (!('style' in style)) {
    throw new FauveError(
      'usage',
      `${style.path} is a picture, expected a style. Capture it first: fauve capture ${style.path} -o NAME.style.`,
    );
  }
  const weights = await loadNetworkWeights(job.network);
  const reporter = reporterFor(job);
  const interrupt = listenForInterrupt({ after: 'this step', say: reporter.say, close: reporter.close });
  const onNotice = (message: string) => reporter.tell({ type: 'notice', message });
  const runtime = await startEngine({ ...job.engine, onNotice });
  /** @param step of a picture that is not finished */
  const encode = (image: Image, step?: number) => {
    const made = { fauve: version, engine: runtime.engine, quality, step };
    const recipe = textureRecipe({ ...made, weights, style: fileIn(output, style), options });
    return encodeImage(image, outputFormat(output), { quality, bits, recipe: encodeRecipe(recipe) });
  };
  try {
    if (job.recipe) {
      const { recipe } = job;
      const other = [...otherFile('The style', recipe.style, style), ...otherNetwork(recipe.network, weights)];
      for (const message of [...other, ...otherMaking(recipe)]) reporter.tell({ type: 'notice', message });
    }
    const { size, steps, seed, styleScale } = options;
    const result = await texture({
      ...{ style: style.style, weights, runtime, size, steps, seed, options: { styleScale } },
      memoryLimit: freeMemory(),
      signal: interrupt.signal,
      onProgress: (event) => {
        if (event.type !== 'step') return reporter.tell(event);
        const { image: _, checkpoint: __, ...step } = event;
        reporter.tell(step);
      },
    });
    await writeResult(output, await encode(result.image), { what: 'The picture' });
    const { loss, terms, seconds, history } = result;
    const { width, height } = result.image;
    reporter.tell({ type: 'done', path: output, width, height, steps: history.length, loss, terms, seconds });
  } catch (error) {
    if (!(error instanceof StylizeAborted)) throw error;
    await writeResult(output, await encode(error.image, error.steps), { what: 'The picture so far' });
    throw new FauveError('aborted', `Stopped after step ${error.steps}. The picture so far is in ${output}.`);
  } finally {
    reporter.close();
    interrupt.release();
    await runtime.close();
  }
}
