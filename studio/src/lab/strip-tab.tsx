import { signal } from '@preact/signals';
import { proxy } from 'comlink';
import { follow, withRun } from '../state/make.js';
import { announcement, busy, choices, device, paintOptions, photo } from '../state/session.js';
import { answered, worker } from '../state/worker.js';
import { texts } from '../texts.js';
import { Bitmap } from '../view/bitmap.js';
import { Gap } from './gap.js';
import { ReadAbout } from './read-about.js';

/** Content weight over style weight. */
const ratios = [1 / 100, 1 / 20, 1 / 5, 1, 5, 20, 100] as const;

const pictures = signal<readonly (ImageBitmap | undefined)[]>([]);

/** What the weights do: the same picture with content and style weighted against each other. */
export function StripTab() {
  return (
    <>
      <p class="lab-lead">{texts.lab.strip.lead}</p>
      <ReadAbout pages={['content-loss', 'total-loss']} />
      <p>
        <button
          type="button"
          class="button"
          disabled={busy.value || !photo.value || choices.value.length === 0}
          onClick={() => void paintStrip()}
        >
          {texts.lab.strip.run}
        </button>
      </p>
      <ul class="strip">
        {ratios.map((ratio, i) => {
          const bitmap = pictures.value[i];
          const words = texts.lab.strip.ratio(ratio);
          return (
            <li key={ratio}>
              <figure>
                {bitmap ? <Bitmap bitmap={bitmap} label={words} /> : <Gap />}
                <figcaption>
                  <button
                    type="button"
                    class="link"
                    aria-label={texts.lab.strip.use(words)}
                    title={texts.lab.strip.use(words)}
                    disabled={busy.value}
                    onClick={() => use(ratio)}
                  >
                    {words}
                  </button>
                </figcaption>
              </figure>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function use(ratio: number): void {
  paintOptions.value = {
    ...paintOptions.value,
    contentWeight: Number(Math.sqrt(ratio).toPrecision(3)),
    styleWeight: Number((1 / Math.sqrt(ratio)).toPrecision(3)),
  };
  announcement.value = texts.lab.strip.used(texts.lab.strip.ratio(ratio));
}

async function paintStrip(): Promise<void> {
  pictures.value = [];
  const show = (index: number, bitmap: ImageBitmap) => {
    pictures.value = ratios.map((_, i) => (i === index ? bitmap : pictures.value[i]));
  };
  const wanted = { device: device.value, styles: choices.value, ratios };
  await withRun('lab', () => answered(worker().strip(wanted, proxy(show), proxy(follow))));
}
