import { aText, listOf, objectWith } from '../checks/checks.js';
import { perhaps } from '../checks/names.js';
import { received, shortName } from '../checks/received.js';
import { FauveError } from '../errors.js';
import type { ModelStyle } from './file.js';

/** One of a network's styles, with its share where several are mixed. */
export interface NamedStyle {
  readonly name: string;
  /** A positive number; 1 by default. The weights of a mixture are brought to the sum 1. */
  readonly weight?: number;
}

/** The numbers by which styles drive one pass of a network. What they mean, the network's {@link StyleEncoder} knows. */
export type StyleCode = Float32Array;

/** What turns styles into the code that a network takes. */
export interface StyleEncoder {
  /** @throws FauveError `usage` for styles that the network does not have */
  encode(styles: readonly NamedStyle[]): StyleCode | Promise<StyleCode>;
  /** Whether all of these styles are without colour. */
  areGrey(styles: readonly NamedStyle[]): boolean;
}

/** Styles by their names. */
export const someNames = listOf(
  objectWith({ name: aText }, 'an object with name, weight'),
  'styles',
  'Write [{ name }].',
);

/** Names that an error lists. */
const MOST_NAMES = 40;

/**
 * The code of a network that has learned its styles: a row of shares. Of one style it is a unit row, of a mixture the weighted sum of those.
 * @param styles the network's; of another program's network, which has none, nothing is known of its colours
 */
export function sharesEncoder(styles: readonly ModelStyle[], fileName: string): StyleEncoder {
  const encode = (wanted: readonly NamedStyle[]) => styleShares(styles, wanted, fileName);
  const areGrey = (wanted: readonly NamedStyle[]) => {
    const shares = encode(wanted);
    return styles.length > 0 && styles.every(({ grey }, i) => grey || shares[i] === 0);
  };
  return { encode, areGrey };
}

/**
 * Shares of a network's styles.
 * @param known the network's; empty for a network of one style without a name
 * @param wanted may be empty where there is only one
 * @returns one share for each known style; they add up to 1
 * @throws FauveError `usage` for an unknown style, a weight that is not positive, or where a choice is missing
 */
export function styleShares(
  known: readonly Pick<ModelStyle, 'name'>[],
  wanted: readonly NamedStyle[],
  fileName: string,
): Float32Array {
  someNames(known, 'styleShares, known');
  someNames(wanted, 'styleShares, wanted');
  if (known.length === 0 && wanted.length > 0) {
    throw new FauveError(
      'request',
      `${fileName} was not trained by Fauve: it has one style, without a name; received '${shortName(wanted[0]!.name)}'. Leave the style out.`,
    );
  }
  if (known.length > 1 && wanted.length === 0) {
    throw new FauveError('request', `${fileName} has ${known.length} styles. Say which: ${namesOf(known)}.`);
  }
  const shares = new Float64Array(Math.max(1, known.length));
  if (wanted.length === 0) shares[0] = 1;
  for (const { name, weight = 1 } of wanted) {
    const index = known.findIndex((style) => style.name === name);
    if (index < 0) {
      const names = known.map((style) => style.name);
      throw new FauveError(
        { kind: 'unknown-name', what: 'style of a network', name, known: names },
        `${fileName} has no style '${shortName(name)}'. It has ${namesOf(known)}.${perhaps(name, names)}`,
      );
    }
    if (!(weight > 0 && Number.isFinite(weight))) {
      throw new FauveError(
        'request',
        `The weight of the style ${name} is a positive number, received ${received(weight)}.`,
      );
    }
    shares[index]! += weight;
  }
  const sum = shares.reduce((total, share) => total + share, 0);
  return Float32Array.from(shares, (share) => share / sum);
}

function namesOf(styles: readonly Pick<ModelStyle, 'name'>[]): string {
  const names = styles.slice(0, MOST_NAMES).map(({ name }) => name);
  return styles.length > MOST_NAMES ? `${names.join(', ')} and ${styles.length - MOST_NAMES} more` : names.join(', ');
}
