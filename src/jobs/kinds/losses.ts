import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { defaultNetworkName } from '../../networks/registry.js';
import { type LossReport, type LossRequest, measureLosses } from '../../stylize/measure-losses.js';
import { resolveStylizeOptions, type StylizeOptionsInput } from '../../stylize/options.js';
import type { JobKind } from '../kind.js';
import { fileReference, weightedStyleReference } from '../reference.js';
import { someOptions } from '../some-options.js';
import { named } from './stylize.js';

const schema = z.strictObject({
  kind: z.literal('losses'),
  /** The picture that is measured. */
  picture: fileReference,
  /** The picture that its content is compared with. */
  content: fileReference,
  styles: z.array(weightedStyleReference).min(1, 'expected at least one style').max(100),
  /** The loss network. */
  network: z.string().default(defaultNetworkName),
  /** Of `stylize`: those that the losses are made of. */
  options: someOptions<StylizeOptionsInput>(resolveStylizeOptions),
});

export type LossesSpec = z.input<typeof schema>;

export interface LossesJobPlan {
  readonly request: LossRequest;
  readonly notices: readonly string[];
  readonly network: { readonly name: string; readonly sha256: string };
}

/** The losses of a picture, layer by layer. */
export interface MeasuredLosses extends LossReport {
  readonly width: number;
  readonly height: number;
  readonly network: { readonly name: string; readonly sha256: string };
}

/** Measures a picture as `stylize` does. */
export const lossesKind: JobKind<typeof schema, LossesJobPlan, MeasuredLosses, never> = {
  schema,
  async check({ styles }, host) {
    for (const style of styles) if ('shipped' in style) await host.requireShippedStyle(style.shipped);
  },
  async plan({ picture, content: reference, styles: inputs, network, options }, host, { signal }) {
    const content = await host.picture(reference, 'Content image');
    const styles = [];
    for (const { weight, ...style } of inputs) styles.push({ ...(await host.style(style)), weight });
    const generated = await host.picture(picture, 'Picture');
    const weights = await host.lossNetwork(network);
    stopIfAborted(signal);
    const request: LossRequest = {
      content: content.image,
      styles,
      generated: generated.image,
      weights,
      runtime: await host.runtime(),
      options,
      memoryLimit: host.freeMemory(),
    };
    const notices = [content, ...styles, generated].flatMap((each) => ('image' in each && each.notices) || []);
    return { request, notices, network: named(weights) };
  },
  async run({ request, notices, network }, { signal, onEvent }) {
    for (const message of notices) await onEvent?.({ type: 'notice', message });
    const { width, height } = request.generated;
    return { width, height, network, ...(await measureLosses({ ...request, signal })) };
  },
};
