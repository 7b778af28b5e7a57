import { aText, checkRequest, listOf, objectWith } from '../../checks/checks.js';
import { requireSameRun } from '../../checks/same-run.js';
import { FauveError } from '../../errors.js';
import { checkImage, type Image } from '../../image/image.js';
import { checkWeights, type NetworkWeights } from '../../networks/network.js';
import { checkRuntime, type Runtime } from '../../runtime/runtime.js';
import { aCheckpoint, runFields, somePictures } from '../../stylize/request.js';
import type { DistilCheckpoint } from './checkpoint.js';
import type { DistilEvent } from './events.js';
import { type DistilOptions, type DistilOptionsInput, defaultDistilOptions, resolveDistilOptions } from './options.js';
import type { TrainingPictures } from './pool.js';
import { layersOf } from './student.js';

/** A photo and a painting that training never sees. */
export interface TestPair {
  readonly name: string;
  readonly content: Image;
  readonly style: Image;
}

export interface DistilRequest extends TrainingPictures {
  readonly teacher: NetworkWeights;
  readonly runtime: Runtime;
  readonly tests: readonly TestPair[];
  readonly options?: DistilOptionsInput | undefined;
  /** Goes on from here; `options` are then the checkpoint's. */
  readonly resume?: DistilCheckpoint | undefined;
  /**
   * Ends the run after the step that is being computed, with `DistilAborted`. When it fires before the closed form is
   * done, nothing is there to keep: the error is a plain FauveError `aborted`. After the last step it changes nothing.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (event: DistilEvent) => void | Promise<void>;
}

/** All that is decided before any work. Decisions are frozen; pictures and weights are those of the request. */
export interface DistillationPlan extends TrainingPictures {
  readonly teacher: NetworkWeights;
  readonly tests: readonly TestPair[];
  readonly options: Readonly<DistilOptions>;
  /** The teacher's convolutions that the student has. */
  readonly layers: readonly string[];
  readonly resume: DistilCheckpoint | undefined;
}

/**
 * Decides everything about a run, and checks that it can be met.
 * @throws FauveError `usage` and `input` as `distil`
 */
export function planDistillation(request: DistilRequest): DistillationPlan {
  checkDistilRequest(request);
  const { teacher, photos, paintings, tests, resume } = request;
  const options = resume?.options ?? resolveDistilOptions(request.options ?? {});
  const layers = layersOf(options.shape, teacher);
  if (photos.length === 0 || paintings.length === 0) {
    throw new FauveError(
      'input',
      `Training needs photos and paintings, received ${photos.length} and ${paintings.length}.`,
    );
  }
  if (options.pool < options.triplets) {
    throw new FauveError(
      'request',
      `The pool holds at least the ${options.triplets} pictures of a batch, received ${options.pool}.`,
    );
  }
  requireSameRun(
    resume?.teacherSha256,
    teacher.sha256,
    'The checkpoint is of another teacher. Use that one, or delete it and start again.',
  );
  return Object.freeze({
    ...{ teacher, photos, paintings, tests, resume },
    options: Object.freeze({ ...options }),
    layers: Object.freeze([...layers]),
  });
}

function checkDistilRequest(request: unknown): void {
  const aTest = objectWith(
    { name: aText, content: checkImage, style: checkImage },
    'an object with name, content, style',
  );
  const fields = {
    teacher: checkWeights,
    photos: somePictures,
    paintings: somePictures,
    runtime: checkRuntime,
    tests: listOf(aTest, 'test pairs'),
    resume: aCheckpoint('decodeDistilCheckpoint'),
    ...runFields,
  };
  checkRequest(request, 'distil', fields, Object.keys(defaultDistilOptions));
}
