import { expose, transfer } from 'comlink';
import type { OnRunEvent, Reply, RunEvent, StudioWorker } from './api.js';
import { problemOf } from './problem-error.js';
import { Studio } from './studio.js';

let studio: Studio;

async function reply<T>(job: () => Promise<T>): Promise<Reply<T>> {
  try {
    return { value: await job() };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** As {@link reply}, for what holds bitmaps: they move to the page. */
async function moving<T>(job: () => Promise<T>, bitmapsOf: (value: T) => ImageBitmap[]): Promise<Reply<T>> {
  const answer = await reply(job);
  return 'value' in answer ? transfer(answer, bitmapsOf(answer.value)) : answer;
}

/** Pictures of the work move to the page, too. */
const telling =
  (onEvent: OnRunEvent) =>
  (event: RunEvent): void =>
    onEvent(event.type === 'picture' ? transfer(event, [event.bitmap]) : event);

const worker: StudioWorker = {
  start: async (page, server) => {
    studio = new Studio(page, server);
  },
  openPhoto: (file, name) =>
    moving(
      () => studio.openPhoto(file, name),
      ({ bitmap }) => [bitmap],
    ),
  openStyle: (file, name) =>
    moving(
      () => studio.openStyle(file, name),
      ({ bitmap }) => [bitmap],
    ),
  prepare: (device, onEvent) => studio.prepare(device, telling(onEvent)),
  instant: (request, onEvent) =>
    moving(
      () => studio.instant(request, telling(onEvent)),
      ({ bitmap, thumbnail }) => [bitmap, thumbnail],
    ),
  paint: (request, onEvent) =>
    moving(
      () => studio.paint(request, telling(onEvent)),
      ({ bitmap, thumbnail }) => [bitmap, thumbnail],
    ),
  pause: async () => studio.job.pause(),
  resume: async () => studio.job.resume(),
  stop: async () => studio.job.stop(),
  show: (result, mix) =>
    moving(
      () => studio.show(result, mix),
      (bitmap) => [bitmap],
    ),
  export: (request, onEvent) => reply(() => studio.export(request, telling(onEvent))),
  forget: async (result) => studio.forget(result),
  gram: (request, result, onEvent) => reply(() => studio.gram(request, result, telling(onEvent))),
  rebuild: (request, onEvent) =>
    moving(
      () => studio.rebuild(request, telling(onEvent)),
      (bitmap) => [bitmap],
    ),
  strip: (request, onPicture, onEvent) =>
    reply(() =>
      studio.strip(request, (index, bitmap) => onPicture(index, transfer(bitmap, [bitmap])), telling(onEvent)),
    ),
};

expose(worker);
