import { type Command, Option } from 'commander';
import type { EncodeOptions } from 'fauve';
import { stylizeOptionSpecs } from 'fauve/jobs';
import { outputFormat } from 'fauve/pictures';
import { applyAgain, stylizeAgain, textureAgain } from '../again.js';
import { applyToOne } from '../apply-batch.js';
import type { StyleArgument } from '../inputs.js';
import { makePicture } from '../make-picture.js';
import { addOptionFlags, stylizeOptionsOf } from '../option-flags.js';
import { redoPath } from '../outputs.js';
import { readRecipe } from '../recipes.js';
import { addRunFlags, filesHeading, type RunValues, runSettingsOf, styleOption } from '../run-flags.js';
import { tellingErrors } from '../telling-errors.js';

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
  addOptionFlags(command, stylizeOptionSpecs, { defaults: '', files: ['init'] });
  addRunFlags(command, "the picture's");
}

async function redo(picture: string, values: Values): Promise<void> {
  const named = stylizeOptionsOf(values);
  const output = values.output ?? redoPath(picture);
  const format = outputFormat(output);
  const { recipe, bits } = await readRecipe(picture);
  const keepsBits = format === 'png' || format === 'tiff';
  const encoding: EncodeOptions = keepsBits ? { bits } : { quality: recipe.quality };
  const settings = runSettingsOf(values);
  const { quality = encoding.quality, bits: wantedBits = encoding.bits } = settings;
  const job = { ...settings, output, quality, bits: wantedBits, before: recipe };
  const { saveEvery, plot, resume } = settings;
  const run = { saveEvery, plot, resume: resume || undefined };
  const { content, style, network, model } = values;
  const changes = { ...named, content, style, network, model, run };
  switch (recipe.kind) {
    case 'stylize':
      return makePicture({ ...job, spec: stylizeAgain({ picture, recipe }, changes) });
    case 'texture':
      return makePicture({ ...job, spec: textureAgain({ picture, recipe }, changes) });
    case 'apply':
      return applyToOne(applyAgain({ picture, recipe }, changes), job);
  }
}
