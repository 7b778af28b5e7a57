import {
  aFunction,
  anObject,
  aSignal,
  aText,
  aWeight,
  type Check,
  isBytes,
  isRecord,
  listOf,
  objectWith,
  optional,
  refuse,
  refuseSlips,
} from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { checkImage, type Image } from '../image/image.js';
import { checkStyle, type StyleInput, styleOf } from '../styles/style-file.js';
import type { WeightedStyle } from './targets.js';

/**
 * A painting, or a captured style, and its share of the blend: 1 unless it is given. What `loadStyle` and `readStyle` give is a
 * style, too.
 */
export type WeightedStyleInput =
  | { readonly image: Image; readonly weight?: number | undefined }
  | { readonly style: StyleInput; readonly weight?: number | undefined };

/** A painting or a captured style, in an object. */
export const aPicture: Check = (value, name) => aWeightedStyle(value, name);

const aWeightedStyle: Check = (value, name) => {
  const what = 'an object with image or style, and weight';
  if (!isRecord(value)) refuse(name, what, value, 'Read it first: { image: await readImage(path) }.');
  const isStyle = value.style !== undefined;
  if (isStyle === (value.image !== undefined)) {
    const wrap = 'data' in value ? 'image' : 'networks' in value ? 'style' : undefined;
    refuse(name, what, value, wrap && `Write { ${wrap}: …, weight: 1 }.`);
  }
  refuseSlips(value, name, ['image', 'style', 'weight']);
  if (isStyle) checkStyle(value.style, `${name}.style`);
  else checkImage(value.image, `${name}.image`);
  optional(aWeight)(value.weight, `${name}.weight`);
};

/** One painting or captured style, or several. @throws FauveError `usage` for none, too */
export const someStyles: Check = (value, name) => {
  listOf(aWeightedStyle, 'styles', 'Write [{ image or style, weight }].')(value, name);
  if ((value as readonly unknown[]).length > 0) return;
  throw new FauveError('request', 'There is no style. Give at least one: a painting, or a captured style.');
};

/** Checked styles, complete. */
export function weightedStyles(styles: readonly WeightedStyleInput[]): WeightedStyle[] {
  return styles.map((each) => {
    const { weight = 1 } = each;
    return 'style' in each && each.style !== undefined
      ? { style: styleOf(each.style), weight }
      : { image: (each as { readonly image: Image }).image, weight };
  });
}

/** What all long runs take beside their pictures. */
export const runFields = {
  options: optional(anObject),
  signal: optional(aSignal),
  onProgress: optional(aFunction),
} as const;

/** @param decode the function that makes it from bytes */
export const aCheckpoint = (decode: string): Check =>
  optional((value, name) => {
    const help = isBytes(value) ? `Decode them: ${decode}(bytes).` : '';
    if (!isRecord(value)) refuse(name, 'a checkpoint', value, help);
    objectWith({ options: anObject, state: anObject }, 'a checkpoint')(value, name);
  });

/** Pictures that are read when they are needed. */
export const somePictures: Check = listOf(
  objectWith({ name: aText, size: aFunction, crop: aFunction }, 'a picture of pictureFolder'),
  'pictures',
  'List them: await pictureFolder(folder).',
);
