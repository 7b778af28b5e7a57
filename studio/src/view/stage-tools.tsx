import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { toggleFullScreen } from '../state/full-screen.js';
import { showResult } from '../state/result.js';
import { busy, comparing, picture, results, shownAt } from '../state/session.js';
import { resetView, view, zoomBy } from '../state/view.js';
import { texts } from '../texts.js';
import { Icon, type IconName } from './icon.js';

function Tool({
  icon,
  label,
  keys,
  onClick,
  disabled = false,
  pressed,
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly keys?: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
}) {
  return (
    <button
      type="button"
      class="tool"
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
      disabled={disabled}
      onClick={onClick}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
    >
      <Icon name={icon} />
    </button>
  );
}

/** What can be done with the view, in one row at its foot. */
export function StageTools({ surface }: { readonly surface: RefObject<HTMLElement | null> }) {
  const full = useSignal(false);
  useEffect(() => {
    const changed = () => {
      full.value = document.fullscreenElement !== null;
    };
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, [full]);
  return (
    <div class="tools" role="toolbar" aria-label={texts.stage.tools}>
      <Tool icon="minus" label={texts.stage.zoomOut} keys="−" onClick={() => zoomBy(1 / 1.4)} />
      <button
        type="button"
        class="tool tool-text"
        title={`${texts.stage.fitLong} (0)`}
        aria-label={texts.stage.fitLong}
        onClick={resetView}
      >
        {view.value.zoom === 1 ? texts.stage.fit : `${Math.round(view.value.zoom * 100)} %`}
      </button>
      <Tool icon="plus" label={texts.stage.zoomIn} keys="+" onClick={() => zoomBy(1.4)} />
      {picture.value && (
        <Tool
          icon="compare"
          label={texts.stage.compare}
          keys="C"
          pressed={comparing.value}
          onClick={() => {
            comparing.value = !comparing.value;
          }}
        />
      )}
      {results.value.length > 1 && (
        <>
          <Tool
            icon="undo"
            label={texts.stage.undo}
            keys="["
            disabled={busy.value || shownAt.value <= 0}
            onClick={() => showResult(shownAt.value - 1)}
          />
          <Tool
            icon="redo"
            label={texts.stage.redo}
            keys="]"
            disabled={busy.value || shownAt.value >= results.value.length - 1}
            onClick={() => showResult(shownAt.value + 1)}
          />
        </>
      )}
      {document.fullscreenEnabled && (
        <Tool
          icon="fullScreen"
          label={full.value ? texts.stage.leaveFullScreen : texts.stage.fullScreen}
          keys="F"
          pressed={full.value}
          onClick={() => void toggleFullScreen(surface.current)}
        />
      )}
    </div>
  );
}
