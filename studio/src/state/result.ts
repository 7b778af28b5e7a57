import { batch } from '@preact/signals';
import { proxy } from 'comlink';
import { texts } from '../texts.js';
import type { ExportFact, Mix, PictureFormat } from '../worker/api.js';
import { follow, withRun } from './make.js';
import { announcement, busy, fullMix, mix, notice, photo, picture, results, shownAt, shownResult } from './session.js';
import { answered, worker } from './worker.js';

/** Shows another result of this session. */
export function showResult(index: number): void {
  const found = results.value[index];
  if (!found || busy.value) return;
  batch(() => {
    shownAt.value = index;
    picture.value = found.bitmap;
    mix.value = fullMix;
    announcement.value = texts.result.item(found.number, texts.result[found.kind], found.styles);
  });
}

let mixingNow = false;

/** Mixes the shown result anew. While one mix is on its way, only the newest wish waits. */
export async function setMix(wanted: Mix): Promise<void> {
  mix.value = wanted;
  if (mixingNow) return;
  mixingNow = true;
  try {
    for (let done: Mix | undefined; done !== mix.value; ) {
      done = mix.value;
      const result = shownResult.value;
      if (!result || busy.value) return;
      const bitmap = await answered(worker().show(result.id, done));
      if (bitmap && shownResult.value === result) picture.value = bitmap;
      if (!bitmap) return;
    }
  } finally {
    mixingNow = false;
  }
}

/** The shown result as a file, at full size. */
async function exported(format: PictureFormat, quality: number): Promise<ExportFact | undefined> {
  const result = shownResult.value;
  if (!result) return undefined;
  return withRun('export', async () => {
    return answered(worker().export({ result: result.id, mix: mix.value, format, quality }, proxy(follow)));
  });
}

export async function download(format: PictureFormat, quality: number): Promise<void> {
  const file = await exported(format, quality);
  const result = shownResult.value;
  if (!file || !result) return;
  const stem = (photo.value?.name ?? 'photo').replace(/\.[^.]*$/, '');
  const style = result.styles
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const name = `${stem}-${style || 'style'}.${format === 'jpeg' ? 'jpg' : format}`;
  const url = URL.createObjectURL(file.blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  const { width, height } = photo.value ?? file;
  if (result.kind === 'instant' && file.width < width) {
    notice.value = texts.notices.exported(file.width, file.height, width, height, file.wholeMemory);
  }
  announcement.value = texts.result.saved(name);
}

export async function copy(): Promise<void> {
  const file = await exported('png', 100);
  if (!file) return;
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': file.blob })]);
    batch(() => {
      notice.value = texts.result.copied;
    });
  } catch {
    notice.value = texts.result.copyFailed;
  }
}

/** Opens the picture in a tab of its own, to compare. The tab is opened at once: later, the browser would not let the page. */
export async function openInTab(): Promise<void> {
  const tab = window.open('', '_blank');
  const file = await exported('png', 100);
  if (!tab) notice.value = texts.result.tabFailed;
  else if (file) tab.location.href = URL.createObjectURL(file.blob);
  else tab.close();
}
