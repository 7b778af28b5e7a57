import { z } from 'zod';
import { stopIfAborted } from '../../checks/checks.js';
import { encodeDistilled } from '../../networks/distilled.js';
import type { Runtime } from '../../runtime/runtime.js';
import { decodeDistilCheckpoint, encodeDistilCheckpoint } from '../../training/loss-network/checkpoint.js';
import type { DistilEvent } from '../../training/loss-network/events.js';
import { type DistilOptionsInput, resolveDistilOptions } from '../../training/loss-network/options.js';
import { type DistillationPlan, planDistillation } from '../../training/loss-network/plan.js';
import { DistilAborted, type DistilResult, runDistillation } from '../../training/loss-network/run.js';
import { JobAborted } from '../aborted.js';
import type { JobKind } from '../kind.js';
import { fileReference } from '../reference.js';
import { namedOptions, requireSameOptions } from '../same-options.js';
import { someOptions } from '../some-options.js';
import { type Filed, filed } from './filed.js';

const names = z.array(z.string()).default([]);

const schema = z.strictObject({
  kind: z.literal('distil'),
  /** Folders to train on. */
  photos: z.string().min(1),
  paintings: z.string().min(1),
  /** Names of pictures in them that are not trained on. */
  heldOut: z.strictObject({ photos: names, paintings: names }).prefault({}),
  /** Pairs that training never sees: the teacher judges what the student makes of them. */
  tests: z.array(z.strictObject({ name: z.string(), content: fileReference, style: fileReference })).default([]),
  /** The network that is reproduced. */
  teacher: z.string().default('vgg19'),
  options: someOptions<DistilOptionsInput>(resolveDistilOptions),
});

export type DistilSpec = z.input<typeof schema>;

export interface DistilJobPlan {
  readonly runtime: Runtime;
  readonly plan: DistillationPlan;
}

/** What happens while a loss network is distilled; checkpoints are files. */
export type DistilJobEvent = Filed<DistilEvent>;

/** A loss network that was distilled, also as a file. */
export interface DistilledNetwork extends DistilResult {
  readonly bytes: Uint8Array;
}

/** Makes a small loss network that reproduces a large one. */
export const distilKind: JobKind<typeof schema, DistilJobPlan, DistilledNetwork, DistilJobEvent> = {
  schema,
  async check() {},
  async plan({ photos, paintings, heldOut, tests: pairs, teacher, options }, host, { resume, signal }) {
    const before = resume && decodeDistilCheckpoint(resume.bytes, resume.name);
    if (before) requireSameOptions(namedOptions(options, resolveDistilOptions), before.options);
    const request = {
      photos: await host.pictures(photos, heldOut.photos),
      paintings: await host.pictures(paintings, heldOut.paintings),
      teacher: await host.lossNetwork(teacher),
      options,
      resume: before,
    };
    const tests = [];
    for (const { name, content, style } of pairs) {
      const photo = await host.picture(content, 'Test photo');
      tests.push({ name, content: photo.image, style: (await host.picture(style, 'Test painting')).image });
    }
    stopIfAborted(signal);
    const runtime = await host.runtime();
    return { runtime, plan: planDistillation({ ...request, tests, runtime }) };
  },
  async run({ runtime, plan }, { signal, onEvent = () => {} }) {
    const onProgress = (event: DistilEvent) => onEvent(filed(event, encodeDistilCheckpoint));
    try {
      const result = await runDistillation(plan, { runtime, signal, onProgress });
      const { options, tensors } = result;
      const made = `fauve distil, ${options.steps} steps, seed ${options.seed}`;
      const { name: teacher, sha256: teacherSha256 } = plan.teacher;
      const bytes = encodeDistilled(tensors, { name: options.name, teacher, teacherSha256, made }, options.levels);
      return { ...result, bytes };
    } catch (error) {
      if (!(error instanceof DistilAborted)) throw error;
      const { history, tests, step } = error.checkpoint;
      throw new JobAborted({ history, tests }, encodeDistilCheckpoint(error.checkpoint), step, { cause: error });
    }
  },
};
