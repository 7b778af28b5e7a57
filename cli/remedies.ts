import type { FauveError, Reason } from 'fauve';
import { defaultNetworkName } from 'fauve/jobs';
import { flagOf } from './flag-name.js';

/** What people are told of an error: what it says, and what they can do about it on the command line. */
export function messageFor({ message, reason }: FauveError): string {
  const remedy = remedyFor(reason);
  return remedy === undefined ? message : `${message} ${remedy}`;
}

/** The library states facts: the flags and commands that help are the command line's. */
function remedyFor(reason: Reason): string | undefined {
  switch (reason.kind) {
    case 'memory':
      return reason.largest === undefined ? undefined : `Use --size ${reason.largest}, or --size auto.`;
    case 'out-of-memory':
      return 'Use a smaller --size.';
    case 'exists':
      return 'Use --overwrite to replace it, or give another name.';
    case 'other-option':
      return `Leave ${flagOf(reason.name)} out, or start again with --overwrite instead of --resume.`;
    case 'not-pulled':
      return `${getWeights(reason.network)}, or use --network ${defaultNetworkName}, which comes with Fauve.`;
    case 'weights':
      return `${getWeights(reason.network)}.`;
    case 'download':
      return `${getWeights(reason.what)}.`;
    case 'unknown-name':
      return remedyForName(reason);
    case 'not-captured':
      return `Capture it first: fauve capture ${reason.path} -o NAME.style.`;
    case 'no-device':
      return 'Use --device cpu.';
    case 'port':
      return 'Choose another from 1024 with --port, or leave --port out for a free one.';
    case 'divergence':
      return 'Start again with a lower --learning-rate.';
    default:
      return undefined;
  }
}

const getWeights = (network: string) =>
  `Get them with \`fauve models pull ${network}\`, or import a file with \`fauve models import FILE --name ${network}\``;

function remedyForName({ what }: Extract<Reason, { readonly kind: 'unknown-name' }>): string | undefined {
  switch (what) {
    case 'style':
      return '`fauve styles` lists them all.';
    case 'loss network':
      return '`fauve models` lists them all.';
    case 'style of a network':
      return '`fauve train --from NETWORK` teaches a network another style.';
    default:
      return undefined;
  }
}

/** An error about an option, said of its flag. */
export function flagMessage({ message, reason }: FauveError): string {
  if (reason.kind !== 'option') return message;
  return `${flagOf(reason.name)}: expected ${reason.expected}; received ${reason.received}.`;
}
