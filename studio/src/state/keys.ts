import { toggleFullScreen } from './full-screen.js';
import { makeInstant, makePaint, pause, resume, stop } from './make.js';
import { download, showResult } from './result.js';
import { busy, cameraOpen, comparing, keysOpen, labOpen, picture, run, shownAt, singleKeys } from './session.js';
import { resetView, zoomBy } from './view.js';

/** Keys of the page: single ones, where nothing is being written. @returns ends it */
export function watchKeys(): () => void {
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (keysOpen.value || cameraOpen.value || !singleKeys.value) return;
  // Elsewhere it closes what is open.
  if (key === 'Escape' && !busy.value) return;
  if (
    target instanceof Element &&
    target.closest('input:not([type=range], [type=checkbox], [type=radio]), select, textarea')
  )
    return;
  if (key === ' ' && target instanceof Element && target.closest('button, a, summary, input, [role=tab]')) return;
  const action = actions[key.length === 1 ? key.toLowerCase() : key];
  if (!action) return;
  event.preventDefault();
  action();
}

const actions: Readonly<Record<string, () => void>> = {
  o: () => {
    if (!busy.value) document.querySelector<HTMLElement>('[data-open-photo]')?.click();
  },
  i: () => void makeInstant(),
  p: () => void makePaint(),
  ' ': () => (run.value?.phase === 'paused' ? resume() : pause()),
  Escape: stop,
  '+': () => zoomBy(1.4),
  '=': () => zoomBy(1.4),
  '-': () => zoomBy(1 / 1.4),
  '0': resetView,
  c: () => {
    if (picture.value) comparing.value = !comparing.value;
  },
  '[': () => showResult(shownAt.value - 1),
  ']': () => showResult(shownAt.value + 1),
  f: () => void toggleFullScreen(document.querySelector('.stage')),
  l: () => {
    labOpen.value = !labOpen.value;
  },
  s: () => void download('png', 100),
  '?': () => {
    keysOpen.value = true;
  },
};
