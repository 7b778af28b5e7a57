import type { JobSpecOf } from 'fauve';
import { fastStyleNetworkName } from 'fauve/jobs';
import { texts } from '../texts.js';
import type { StyleChoice } from './api.js';
import type { Opened } from './photos.js';
import { ProblemError } from './problem-error.js';

/** A picture of this session as a job names it: by the checksum of its file. */
const referenceTo = ({ name, sha256 }: Opened) => ({ name, sha256 });

/** @param own the user's pictures among the styles */
export function stylizeSpec(
  photo: Opened,
  styles: readonly StyleChoice[],
  own: ReadonlyMap<number, Opened>,
  network: string,
  options: NonNullable<JobSpecOf<'stylize'>['options']>,
): JobSpecOf<'stylize'> {
  return {
    kind: 'stylize',
    content: referenceTo(photo),
    styles: styles.map((style) => {
      const { weight } = style;
      return style.kind === 'own' ? { ...referenceTo(own.get(style.id)!), weight } : { shipped: style.name, weight };
    }),
    network,
    options: { ...options },
  };
}

/** @throws ProblemError for a picture of the user's: the style network knows no others than its own */
export function applySpec(
  photo: Opened,
  styles: readonly StyleChoice[],
  options: NonNullable<JobSpecOf<'apply'>['options']>,
): JobSpecOf<'apply'> {
  return {
    kind: 'apply',
    content: referenceTo(photo),
    network: { shipped: fastStyleNetworkName },
    styles: styles.map((style) => {
      if (style.kind === 'shipped') return { name: style.name, weight: style.weight };
      throw new ProblemError('other', texts.make.notInstantOwn);
    }),
    options: { ...options },
  };
}
