import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { styleShares } from '../../style-network/code.js';
import { type ApplyOptionsInput, resolveApplyOptions } from '../../style-network/options.js';
import { type ApplyPlan, planApply } from '../../style-network/plan.js';
import { type ApplyResult, runApply } from '../../style-network/run.js';
import type { JobKind } from '../kind.js';
import { type ApplyRecipe, fileOf } from '../recipe.js';
import { fileReference, namedStyle, styleNetworkReference } from '../reference.js';
import { someOptions } from '../some-options.js';

const schema = z.strictObject({
  kind: z.literal('apply'),
  /** The photo. */
  content: fileReference,
  /** The trained style network. */
  network: styleNetworkReference,
  /** Which of its styles; may be empty where there is only one. */
  styles: z.array(namedStyle).max(1000).default([]),
  /** What white is in the pictures of another program's network; found out where it is left out. */
  range: z.enum(['0-1', '0-255']).optional(),
  precision: z.enum(['int8', 'float32']).optional(),
  options: someOptions<ApplyOptionsInput>(resolveApplyOptions),
});

export type ApplySpec = z.input<typeof schema>;

/** All that is decided about a picture before the network runs. */
export interface ApplyJobPlan {
  readonly plan: ApplyPlan;
  readonly recipe: ApplyRecipe;
  readonly notices: readonly string[];
}

/** What happens while a network is applied. */
export interface ApplyEvent {
  readonly type: 'start';
  readonly width: number;
  readonly height: number;
  readonly engine: string;
}

/** A picture in one pass, with its recipe. */
export interface AppliedPicture extends ApplyResult {
  readonly recipe: ApplyRecipe;
}

/** Restyles a photo in one pass of a trained style network. */
export const applyKind: JobKind<typeof schema, ApplyJobPlan, AppliedPicture, ApplyEvent> = {
  schema,
  async check({ network, range, styles }, host) {
    const file = await host.styleNetwork(network, range);
    styleShares(file.styles, styles, file.fileName);
  },
  async plan({ content, network: source, styles, range, precision, options }, host, { signal }) {
    const photo = await host.picture(content, 'Photo');
    stopIfAborted(signal);
    const opened = await host.openStyleNetwork(source, { range, precision });
    stopIfAborted(signal);
    const { network, file, memoryLimit } = opened;
    const plan = await planApply({ image: photo.image, network, styles, options, memoryLimit });
    const { width, height } = plan.size;
    // Another program's network has a range and no precision, one of fauve train the other way round.
    const own = network.styles.length > 0;
    const recipe: ApplyRecipe = {
      kind: 'apply',
      fauve: host.version,
      engine: network.engine,
      transformer: fileOf(file),
      content: fileOf(photo),
      styles: styles.map(({ name, weight }) => ({ name, weight })),
      precision: own ? (precision ?? 'int8') : undefined,
      range: own ? undefined : network.range,
      options: plan.options.size === 'auto' ? { ...plan.options, size: `${width}x${height}` } : plan.options,
    };
    return { plan, recipe, notices: photo.notices ?? [] };
  },
  async run({ plan, recipe, notices }, { signal, onEvent }) {
    const { photo, network } = plan;
    for (const message of notices) await onEvent?.({ type: 'notice', message });
    await onEvent?.({ type: 'start', width: photo.width, height: photo.height, engine: network.engine });
    return { ...(await runApply(plan, { signal })), recipe };
  },
};
