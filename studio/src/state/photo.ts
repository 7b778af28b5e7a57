import { batch } from '@preact/signals';
import { pixels, texts } from '../texts.js';
import { prepare } from './make.js';
import {
  announcement,
  busy,
  choices,
  fullMix,
  liveHistory,
  mix,
  mixing,
  notice,
  ownStyles,
  photo,
  picture,
  problem,
  results,
  sameStyle,
  shownAt,
} from './session.js';
import { resetView } from './view.js';
import { answered, worker } from './worker.js';

/** Megapixels above which the memory of a tab does not suffice for the trained network. */
const LARGE = 24;

/** Opens a picture as the photo. What was made of the one before is gone. */
export async function openPhoto(file: Blob, name = nameOf(file)): Promise<void> {
  if (busy.value) return;
  problem.value = undefined;
  const opened = await answered(worker().openPhoto(file, name));
  if (!opened) return;
  void prepare();
  const { width, height, shown, notices } = opened;
  batch(() => {
    for (const { id } of results.value) void worker().forget(id);
    photo.value = opened;
    results.value = [];
    shownAt.value = -1;
    picture.value = undefined;
    liveHistory.value = undefined;
    mix.value = fullMix;
    notice.value = undefined;
    resetView();
    const megapixels = Math.round((width * height) / 1e6);
    if (megapixels > LARGE) notice.value = texts.notices.tooLarge(megapixels, shown.width, shown.height);
    else if (notices[0] !== undefined) notice.value = notices[0];
    else if (shown.width < width) notice.value = texts.notices.scaled(width, height, shown.width, shown.height);
    announcement.value = `${name}, ${pixels(width, height)}`;
  });
}

/** Opens one of the photos that come with the page. */
export async function openExample(file: string): Promise<void> {
  try {
    const response = await fetch(new URL(`examples/${file}`, document.baseURI));
    if (!response.ok) throw new Error(`${response.status}`);
    await openPhoto(await response.blob(), file);
  } catch {
    problem.value = texts.problems.download(`${file} could not be loaded.`);
  }
}

/** Adds a picture of the user's to the gallery and chooses it. */
export async function openStyle(file: File): Promise<void> {
  problem.value = undefined;
  const opened = await answered(worker().openStyle(file, file.name));
  if (!opened) return;
  batch(() => {
    ownStyles.value = [...ownStyles.value, opened];
    const choice = { kind: 'own', id: opened.id, weight: 1 } as const;
    choices.value = mixing.value ? [...choices.value.filter((each) => !sameStyle(each, choice)), choice] : [choice];
  });
}

/** The first picture of what was dropped or pasted. */
export function openFirst(files: Iterable<File>): void {
  const list = [...files];
  const [first] = list;
  if (!first) return;
  void openPhoto(first).then(() => {
    if (list.length > 1) notice.value = texts.notices.multiple;
  });
}

function nameOf(file: Blob): string {
  return file instanceof File && file.name ? file.name : 'photo.png';
}
