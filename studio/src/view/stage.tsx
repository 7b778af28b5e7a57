import { useEffect, useRef } from 'preact/hooks';
import { busy, comparing, picture, run, split } from '../state/session.js';
import { moveBy, resetView, view } from '../state/view.js';
import { texts } from '../texts.js';
import type { PhotoFact } from '../worker/api.js';
import { Bitmap } from './bitmap.js';
import { followPointers } from './pointers.js';
import { StageTools } from './stage-tools.js';

const STEP = 48;

/** The picture: the photo and what was made of it, one above the other, zoomed and moved in step. */
export function Stage({ photo }: { readonly photo: PhotoFact }) {
  const surface = useRef<HTMLElement>(null);
  useEffect(() => followPointers(surface.current!), []);
  const { zoom, x, y } = view.value;
  const place = {
    transform: `translate(${x}px, ${y}px) scale(${zoom})`,
    aspectRatio: `${photo.shown.width} / ${photo.shown.height}`,
    '--ratio': photo.shown.width / photo.shown.height,
    '--most': `${2 * photo.shown.width}px`,
  };
  const result = picture.value;
  const both = result !== undefined && comparing.value;
  const clip = both ? { clipPath: `inset(0 ${100 - split.value * 100}% 0 0)` } : {};
  const shown = result && !both ? 'result' : 'photo';
  return (
    <section
      ref={surface}
      class="stage"
      aria-label={texts.stage.label}
      aria-busy={busy.value}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture is moved and zoomed with the keyboard
      tabIndex={0}
      onKeyDown={onKeyDown}
      onDblClick={(event) => {
        if (event.target instanceof HTMLElement && !event.target.closest('.tools')) resetView();
      }}
    >
      {result && (
        <div class="layer">
          <div class="placed" style={place}>
            <Bitmap bitmap={result} label={texts.stage.result} class={zoom > 3 ? 'crisp' : ''} />
          </div>
        </div>
      )}
      {(both || shown === 'photo') && (
        <div class="layer" style={clip}>
          <div class="placed" style={place}>
            <Bitmap bitmap={photo.bitmap} label={texts.stage.photo} class={zoom > 3 ? 'crisp' : ''} />
          </div>
        </div>
      )}
      {both && (
        <>
          <div class="split-line" style={{ left: `${split.value * 100}%` }} />
          <span class="tag tag-left" aria-hidden="true">
            {texts.stage.photo}
          </span>
          <span class="tag tag-right" aria-hidden="true">
            {texts.stage.result}
          </span>
          <input
            class="split"
            type="range"
            min="0"
            max="1"
            step="0.01"
            value={split.value}
            aria-label={texts.stage.split}
            aria-valuetext={texts.stage.percent(split.value)}
            onInput={({ currentTarget }) => {
              split.value = Number(currentTarget.value);
            }}
          />
        </>
      )}
      {run.value && (
        <p class="working" aria-hidden="true">
          {run.value.status}
        </p>
      )}
      <StageTools surface={surface} />
    </section>
  );
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [STEP, 0],
    ArrowRight: [-STEP, 0],
    ArrowUp: [0, STEP],
    ArrowDown: [0, -STEP],
  };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  moveBy(...move);
}
