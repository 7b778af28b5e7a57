import { decodeRecipe, type Recipe } from '#src/jobs/recipe.js';

/** A recipe of which the kind is known. */
export function recipeOf<Kind extends Recipe['kind']>(
  kind: Kind,
  text: string | undefined,
): Extract<Recipe, { kind: Kind }> {
  const recipe = decodeRecipe(text ?? '');
  if (recipe.kind !== kind) throw new Error(`Expected a recipe of ${kind}, received one of ${recipe.kind}.`);
  return recipe as Extract<Recipe, { kind: Kind }>;
}
