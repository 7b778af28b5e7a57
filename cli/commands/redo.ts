import { type Command, Option } from 'commander';
import {
  decodeImage,
  decodeRecipe,
  type EncodeOptions,
  FauveError,
  outputFormat,
  type Recipe,
  readFileChecked,
  type StylizeRecipe,
} from 'fauve';
import type { PicturePaths, StyleArgument } from '../inputs.js';
import { addOptionFlags, optionsOf } from '../option-flags.js';
import { redoPath } from '../outputs.js';
import { found } from '../recipes.js';
import { refuse, repeatApply, repeatTexture } from '../repeat.js';
import { restyle, tellingErrors } from '../restyle.js';
import { addRunFlags, filesHeading, type RunValues, runSettingsOf, styleOption } from '../run-flags.js';

interface Values extends RunValues {
  readonly output?: string;
  readonly content?: string;
  readonly style?: readonly StyleArgument[];
  readonly network?: string;
  readonly model?: string;
}

const examples = `
Examples:
  $ fauve redo out.png                              the same picture again, into out.redo.png
  $ fauve redo out.png --size 1024 -o large.png     the same, larger
  $ fauve redo out.png --style-weight 3             with one setting changed
  $ fauve redo out.png --content photos/moved.jpg   when the photo has moved since

All settings of a picture travel inside its file, with the names and checksums of the pictures that it was made from.`;

/** `fauve redo`: makes a picture again from the recipe that it carries. */
export function addRedoCommand(program: Command): void {
  const command = program
    .command('redo')
    .description('make a picture again from the settings that it carries, all the same or some changed')
    .argument('<picture>', 'a picture made by Fauve')
    .addOption(
      new Option('-o, --output <file>', 'the result (default: <picture>.redo beside it)').helpGroup(filesHeading),
    )
    .addOption(
      new Option('--content <file>', 'the content image, where it has moved or another is wanted').helpGroup(
        filesHeading,
      ),
    )
    .addOption(styleOption('likewise for the styles, each of them in their order (repeatable)'))
    .addOption(
      new Option('--model <file>', 'likewise for the trained network of a picture of fauve apply').helpGroup(
        filesHeading,
      ),
    )
    .addHelpText('after', examples)
    .action((picture: string, values: Values) => tellingErrors(values.json === true, () => redo(picture, values)));
  addOptionFlags(command, { defaults: '' });
  addRunFlags(command, "the picture's");
}

async function redo(picture: string, values: Values): Promise<void> {
  const asked = optionsOf(values);
  const output = values.output ?? redoPath(picture);
  const format = outputFormat(output);
  const { recipe, bits } = await readRecipe(picture);
  const keepsBits = format === 'png' || format === 'tiff';
  const encoding: EncodeOptions = keepsBits ? { bits } : { quality: recipe.quality };
  const settings = { ...runSettingsOf(values), output };
  const job = { ...settings, quality: settings.quality ?? encoding.quality, bits: settings.bits ?? encoding.bits };
  const { content, style: styles, network, model } = values;
  const again = { picture, job, asked, named: { content, styles, network, model } };
  switch (recipe.kind) {
    case 'apply':
      return repeatApply(recipe, again);
    case 'texture':
      return repeatTexture(recipe, again);
    case 'stylize':
      refuse({ model }, 'is optimised, without a trained network');
      return restyle({
        ...job,
        pictures: picturePaths(picture, recipe, values, asked),
        network: network ?? recipe.network.name,
        options: { ...recipe.options, ...asked.options },
        asked: asked.options,
        recipe,
      });
  }
}

async function readRecipe(picture: string): Promise<{ recipe: Recipe; bits: 8 | 16 }> {
  const what = 'Picture';
  const bytes = await readFileChecked(picture, what);
  const { recipe, bits } = await decodeImage(bytes, { what, fileName: picture });
  if (recipe === undefined) {
    throw new FauveError(
      'input',
      `${picture} carries no recipe: Fauve did not make it, or another program took its metadata away. Use fauve stylize.`,
    );
  }
  return { recipe: decodeRecipe(recipe, picture), bits };
}

/** The pictures of a recipe, or those that the user names instead. */
function picturePaths(
  picture: string,
  recipe: StylizeRecipe,
  { content, style: named = [] }: Values,
  asked: ReturnType<typeof optionsOf>,
): PicturePaths {
  const styles =
    named.length > 0
      ? // As many as before keep their shares, unless others are given.
        named.map(({ path, weight }, i) => ({
          path,
          weight: weight ?? (named.length === recipe.styles.length ? recipe.styles[i]!.weight : 1),
        }))
      : recipe.styles.map(({ path, weight, shipped }) =>
          shipped ? { path, weight, shipped } : { path: found(picture, path, 'style', styleRemedy(recipe)), weight },
        );
  const init =
    asked.init ??
    (recipe.init && asked.options.init === undefined
      ? found(picture, recipe.init.path, 'start image', '--init FILE')
      : undefined);
  return {
    content: content ?? found(picture, recipe.content.path, 'content image', '--content FILE'),
    styles,
    ...(init === undefined ? {} : { init }),
  };
}

function styleRemedy({ styles }: StylizeRecipe): string {
  return styles.length === 1 ? '--style FILE' : `--style FILE for each of the ${styles.length} styles, in their order`;
}
