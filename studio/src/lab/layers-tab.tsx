import { signal } from '@preact/signals';
import { proxy } from 'comlink';
import { follow, withRun } from '../state/make.js';
import { choices, device, run } from '../state/session.js';
import { answered, worker } from '../state/worker.js';
import { texts } from '../texts.js';
import { Bitmap } from '../view/bitmap.js';
import type { RunEvent } from '../worker/api.js';
import { layerNames, styleLayerNames } from '../worker/layers.js';
import { Gap } from './gap.js';
import { LayerForm } from './layer-form.js';
import { ReadAbout } from './read-about.js';

type From = 'photo' | 'style';

/** What was rebuilt: source and layer → picture. */
const rebuilt = signal<ReadonlyMap<string, ImageBitmap>>(new Map());
const all = texts.lab.layers.all;
const layers = { photo: signal<string>(all), style: signal<string>(all) };

const keyOf = (from: From, layer: string) => `${from} ${layer}`;

/** What each layer keeps of a photo and of a style, made visible. */
export function LayersTab() {
  return (
    <>
      <p class="lab-lead">{texts.lab.layers.lead}</p>
      <ReadAbout pages={['content-loss', 'style-loss', 'networks']} />
      <Rebuilding
        from="photo"
        names={layerNames}
        title={texts.lab.layers.content}
        hint={texts.lab.layers.contentHint}
      />
      <Rebuilding
        from="style"
        names={styleLayerNames}
        title={texts.lab.layers.style}
        hint={texts.lab.layers.styleHint}
      />
    </>
  );
}

function Rebuilding({
  from,
  names,
  title,
  hint,
}: {
  readonly from: From;
  readonly names: readonly string[];
  readonly title: string;
  readonly hint: string;
}) {
  return (
    <section class="rebuild" aria-label={title}>
      <h3>{title}</h3>
      <p class="hint">{hint}</p>
      <LayerForm
        layers={[all, ...names]}
        layer={layers[from]}
        action={texts.lab.layers.run}
        onRun={() => rebuild(from, names)}
      />
      <ul class="strip">
        {names.map((name) => {
          const bitmap = rebuilt.value.get(keyOf(from, name));
          return (
            <li key={name}>
              <figure>
                {bitmap ? <Bitmap bitmap={bitmap} label={`${title}: ${name}`} /> : <Gap />}
                <figcaption>
                  <code>{name}</code>
                  {bitmap ? '' : ` ${texts.lab.layers.empty}`}
                </figcaption>
              </figure>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

async function rebuild(from: From, names: readonly string[]): Promise<void> {
  const wanted = layers[from].value === all ? names : [layers[from].value];
  await withRun('lab', async () => {
    for (const layer of wanted) {
      if (!(await rebuildLayer(from, layer)) || run.value?.phase === 'stopping') return;
    }
  });
}

/** @returns whether there is a picture */
async function rebuildLayer(from: From, layer: string): Promise<boolean> {
  const keep = (bitmap: ImageBitmap) => {
    rebuilt.value = new Map(rebuilt.value).set(keyOf(from, layer), bitmap);
  };
  const onEvent = (event: RunEvent) => {
    if (event.type === 'picture') keep(event.bitmap);
    else follow(event);
  };
  const request = { device: device.value, styles: choices.value, layer, from };
  const found = await answered(worker().rebuild(request, proxy(onEvent)));
  if (found) keep(found);
  return found !== undefined;
}
