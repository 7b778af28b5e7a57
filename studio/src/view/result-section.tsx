import { useSignal } from '@preact/signals';
import { copy, download, openInTab, setMix, showResult } from '../state/result.js';
import { busy, fullMix, mix, results, shownAt, shownResult } from '../state/session.js';
import { texts } from '../texts.js';
import type { Mix, PictureFormat } from '../worker/api.js';
import { Bitmap } from './bitmap.js';
import { Icon } from './icon.js';
import { Slider } from './slider.js';

const percent = (value: number) => `${Math.round(100 * value)} %`;

/** What was made: mixed after the fact, saved, and compared with what was made before. */
export function ResultSection() {
  const result = shownResult.value;
  const changed = mix.value !== fullMix;
  return (
    <section aria-labelledby="result-heading">
      <div class="heading-row">
        <h2 id="result-heading">{texts.result.heading}</h2>
        {changed && (
          <button type="button" class="link" disabled={busy.value} onClick={() => void setMix(fullMix)}>
            {texts.result.reset}
          </button>
        )}
      </div>
      <fieldset class="fields" disabled={busy.value}>
        <legend class="unseen">{texts.result.mix}</legend>
        {(['strength', 'luminance', 'colour'] as const).map((name: keyof Mix) => (
          <Slider
            key={name}
            label={texts.result[name]}
            value={mix.value[name]}
            min={0}
            max={1}
            step={0.01}
            shown={percent(mix.value[name])}
            onInput={(value) => void setMix({ ...mix.value, [name]: value })}
          />
        ))}
      </fieldset>
      <SaveButtons />
      {result && (
        <p class="hint">
          {texts.result.size(result.width, result.height)} · {result.engine}. {texts.result.recipe}
        </p>
      )}
      {results.value.length > 1 && (
        <ol class="history" aria-label={texts.result.history}>
          {results.value.map(({ id, number, kind, styles, thumbnail }, i) => {
            const name = texts.result.item(number, texts.result[kind], styles);
            return (
              <li key={id}>
                <button
                  type="button"
                  aria-label={name}
                  title={name}
                  aria-pressed={i === shownAt.value}
                  disabled={busy.value}
                  onClick={() => showResult(i)}
                >
                  <Bitmap bitmap={thumbnail} />
                </button>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

function SaveButtons() {
  const format = useSignal<PictureFormat>('png');
  return (
    <div class="save">
      <div class="joined">
        <select
          aria-label={texts.result.format}
          value={format.value}
          onChange={({ currentTarget }) => {
            format.value = currentTarget.value as PictureFormat;
          }}
        >
          <option value="png">PNG</option>
          <option value="jpeg">JPEG</option>
          <option value="webp">WebP</option>
        </select>
        <button
          type="button"
          class="button"
          disabled={busy.value}
          title={`${texts.result.download} (S)`}
          onClick={() => void download(format.value, 92)}
        >
          <Icon name="download" />
          {texts.result.download}
        </button>
      </div>
      <button
        type="button"
        class="button icon-only"
        disabled={busy.value}
        aria-label={texts.result.copy}
        title={texts.result.copy}
        onClick={() => void copy()}
      >
        <Icon name="copy" />
      </button>
      <button
        type="button"
        class="button icon-only"
        disabled={busy.value}
        aria-label={texts.result.tab}
        title={texts.result.tab}
        onClick={() => void openInTab()}
      >
        <Icon name="tab" />
      </button>
    </div>
  );
}
