import { makeInstant, makePaint, obstacle, pause, resume, stop } from '../state/make.js';
import { ahead, results, run } from '../state/session.js';
import { texts } from '../texts.js';
import { Icon } from './icon.js';

/** Instant and Paint; while one of them works, what it does and how to end it. */
export function MakeSection() {
  const current = run.value;
  if (current)
    return <Working kind={current.kind} phase={current.phase} status={current.status} share={current.share} />;
  const instantObstacle = obstacle('instant');
  const paintObstacle = obstacle('paint');
  const why = paintObstacle ?? instantObstacle;
  // Who has made a picture knows what the two do.
  const meaning =
    results.value.length === 0
      ? `${texts.make.instant}: ${texts.make.instantHint} ${texts.make.paint}: ${texts.make.paintHint}`
      : undefined;
  const hint = why ?? meaning;
  return (
    <section class="make" aria-label={texts.make.heading}>
      <div class="make-buttons">
        <button
          type="button"
          class="button primary big"
          aria-disabled={instantObstacle !== undefined}
          {...(hint ? { 'aria-describedby': 'make-hint' } : {})}
          title={`${texts.make.instantHint} (I)`}
          onClick={() => void makeInstant()}
        >
          <Icon name="instant" />
          {texts.make.instant}
        </button>
        <button
          type="button"
          class="button primary big second"
          aria-disabled={paintObstacle !== undefined}
          {...(hint ? { 'aria-describedby': 'make-hint' } : {})}
          title={`${texts.make.paintHint} (P)`}
          onClick={() => void makePaint()}
        >
          <Icon name="paint" />
          {texts.make.paint}
        </button>
      </div>
      {hint && (
        <p class="hint" id="make-hint">
          {hint}
        </p>
      )}
      {ahead.value && <p class="hint">{ahead.value}</p>}
    </section>
  );
}

function Working({
  kind,
  phase,
  status,
  share,
}: {
  readonly kind: string;
  readonly phase: string;
  readonly status: string;
  readonly share: number | undefined;
}) {
  return (
    <section class="make" aria-label={texts.make.heading}>
      <progress aria-label={texts.progress.label} max={1} {...(share === undefined ? {} : { value: share })} />
      <p class="status">{status}</p>
      <div class="make-buttons">
        {kind === 'paint' && (
          <button
            type="button"
            class="button"
            disabled={phase !== 'running' && phase !== 'paused'}
            onClick={phase === 'paused' ? resume : pause}
          >
            <Icon name={phase === 'paused' ? 'play' : 'pause'} />
            {phase === 'paused' ? texts.make.resume : texts.make.pause}
          </button>
        )}
        <button type="button" class="button" disabled={phase === 'stopping'} onClick={stop}>
          <Icon name="stop" />
          {texts.make.stop}
        </button>
      </div>
    </section>
  );
}
