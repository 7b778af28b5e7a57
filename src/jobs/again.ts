import { anObject } from '../checks/checks.js';
import type { ReadFile } from './host.js';
import type { Recipe } from './recipe.js';
import type { JobSpecOf } from './spec.js';

/** A job that makes a picture. */
export type PictureSpec = JobSpecOf<Recipe['kind']>;

/**
 * The job that makes a picture again. Its files are where the recipe says; what comes with Fauve is known by name.
 * @example
 * ```ts
 * import { createFauve, jobOfRecipe, runJob } from 'fauve';
 * import { createNodeHost } from 'fauve/node';
 *
 * await using fauve = await createFauve();
 * const first = await fauve.stylize({ photo: 'photo.jpg', style: 'starry-night', size: 128, steps: 5 });
 * await using host = createNodeHost();
 * const again = await runJob(jobOfRecipe(first.recipe), host);
 * console.log(again.loss === first.loss); // true
 * ```
 */
export function jobOfRecipe(recipe: Recipe): PictureSpec {
  anObject(recipe, 'jobOfRecipe');
  const file = ({ path, shipped }: ReadFile) => (shipped ? { shipped: path } : { path });
  switch (recipe.kind) {
    case 'stylize': {
      const { content, styles, init, network, polish, options } = recipe;
      return {
        kind: 'stylize',
        content: { path: content.path },
        styles: styles.map((style) => ({ ...file(style), weight: style.weight })),
        init: init && { path: init.path },
        network: network.name,
        polishNetwork: polish?.name,
        options,
      };
    }
    case 'apply': {
      const { content, transformer, styles, range, precision, options } = recipe;
      return {
        kind: 'apply',
        content: { path: content.path },
        network: file(transformer),
        styles: [...styles],
        // Of another program's network; one of our own has no choice.
        range,
        precision,
        options,
      };
    }
    case 'texture': {
      const { style, network, options } = recipe;
      return { kind: 'texture', style: file(style), network: network.name, options };
    }
  }
}

/** What is not as it was when a picture was made, a sentence each. @param now the recipe of the same job today */
export function differences(before: Recipe, now: Recipe): string[] {
  for (const recipe of [before, now]) anObject(recipe, 'differences');
  return [...otherFiles(before, now), ...otherMaking(before, now)];
}

function otherFiles(before: Recipe, now: Recipe): string[] {
  if (before.kind === 'stylize' && now.kind === 'stylize') {
    return [
      ...otherFile('The content image', before.content, now.content),
      ...now.styles.flatMap((style, i) => otherFile('The style', before.styles[i], style)),
      ...(now.init ? otherFile('The start image', before.init, now.init) : []),
      ...otherNetwork(before.network, now.network),
      ...otherNetwork(before.polish, now.polish),
      ...otherNetwork(before.fast, now.fast),
    ];
  }
  if (before.kind === 'apply' && now.kind === 'apply') {
    return [
      ...otherFile('The photo', before.content, now.content),
      ...otherFile('The trained network', before.transformer, now.transformer),
    ];
  }
  if (before.kind === 'texture' && now.kind === 'texture') {
    return [...otherFile('The style', before.style, now.style), ...otherNetwork(before.network, now.network)];
  }
  return [];
}

function otherFile(what: string, before: ReadFile | undefined, now: ReadFile): string[] {
  if (before?.sha256 === now.sha256) return [];
  return [`${what} ${now.path} is not the file that the picture was made with: the result will differ.`];
}

type Network = { readonly name: string; readonly sha256: string };

function otherNetwork(before: Network | undefined, now: Network | undefined): string[] {
  if (!before || !now || (before.name === now.name && before.sha256 === now.sha256)) return [];
  const short = ({ name, sha256 }: Network) => `${name}, SHA-256 ${sha256.slice(0, 12)}…`;
  return [
    `The picture was made with other weights (${short(before)}) than these (${short(now)}): the result will differ.`,
  ];
}

function otherMaking({ fauve, step, mix }: Recipe, now: Recipe): string[] {
  return [
    ...(fauve === now.fauve
      ? []
      : [`The picture was made with Fauve ${fauve}, this is ${now.fauve}: the result may differ.`]),
    ...(step === undefined ? [] : [`The picture is how it was after step ${step}: this makes the finished one.`]),
    ...(mix === undefined ? [] : ['The studio mixed the picture with its photo: this makes it unmixed.']),
  ];
}
