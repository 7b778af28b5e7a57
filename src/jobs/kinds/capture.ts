import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { FauveError } from '../../errors.js';
import { cropBottom } from '../../image/crop.js';
import { shippedNetworkNames } from '../../networks/registry.js';
import type { Style } from '../../styles/style-file.js';
import { type CaptureProgress, type CaptureRequest, captureStyle } from '../../stylize/capture.js';
import type { JobKind } from '../kind.js';
import { fileReference } from '../reference.js';

const text = z.string().max(1000);

const schema = z.strictObject({
  kind: z.literal('capture'),
  painting: fileReference,
  /** Share of the height that is left out at the bottom, such as a mark. */
  cropBottom: z.number().min(0).max(0.9).default(0),
  /** What the painting is. */
  about: z.strictObject({
    name: text.describe('short name, as great-wave'),
    title: text,
    artist: text.default(''),
    year: z.number().nullable().default(null),
    source: text.default(''),
  }),
  /** Loss networks that the style is for. */
  networks: z
    .array(z.string())
    .min(1)
    .default([...shippedNetworkNames]),
  /** A style file whose other networks are kept. */
  addTo: fileReference.optional(),
});

export type CaptureSpec = z.input<typeof schema>;

export interface CaptureJobPlan {
  readonly request: CaptureRequest;
  readonly before: Style | undefined;
  readonly notices: readonly string[];
}

export type CaptureEvent = { readonly type: 'measured' } & CaptureProgress;

/** Takes the style out of a painting. */
export const captureKind: JobKind<typeof schema, CaptureJobPlan, Style, CaptureEvent> = {
  schema,
  async check() {},
  async plan({ painting, cropBottom: share, about, networks: names, addTo }, host, { signal }) {
    const before = addTo && (await host.style(addTo));
    if (before && !('style' in before)) {
      throw new FauveError('input', `${before.path} is a picture, expected a style file.`);
    }
    const { image, notices = [] } = await host.picture(painting, 'Painting');
    const networks = [];
    for (const name of names) networks.push(await host.lossNetwork(name));
    stopIfAborted(signal);
    const runtime = await host.runtime();
    return { request: { image: cropBottom(image, share), about, networks, runtime }, before: before?.style, notices };
  },
  async run({ request, before, notices }, { signal, onEvent }) {
    for (const message of notices) await onEvent?.({ type: 'notice', message });
    const onProgress = (progress: CaptureProgress) => void onEvent?.({ type: 'measured', ...progress });
    const captured = await captureStyle({ ...request, signal, onProgress });
    return before ? merged(before, captured) : captured;
  },
};

/** What was there before, with what is new in its place or at the end. */
function merged(before: Style, captured: Style): Style {
  const isNew = (network: string) => captured.networks.some((each) => each.network === network);
  return { ...captured, networks: [...before.networks.filter(({ network }) => !isNew(network)), ...captured.networks] };
}
