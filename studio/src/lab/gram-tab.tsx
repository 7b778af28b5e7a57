import { signal } from '@preact/signals';
import { proxy } from 'comlink';
import { follow, withRun } from '../state/make.js';
import { choices, device, photo, shownResult } from '../state/session.js';
import { answered, worker } from '../state/worker.js';
import { number, texts } from '../texts.js';
import type { GramFact, GramMatrix } from '../worker/api.js';
import { styleLayerNames } from '../worker/layers.js';
import { HeatMap } from './heat-map.js';
import { LayerForm } from './layer-form.js';
import { ReadAbout } from './read-about.js';

const layer = signal<string>('relu3_1');
const measured = signal<GramFact | undefined>(undefined);

/** The Gram matrices of style, photo and result at a layer. */
export function GramTab() {
  const fact = measured.value;
  return (
    <>
      <p class="lab-lead">{texts.lab.gram.lead}</p>
      <ReadAbout pages={['style-loss']} />
      <LayerForm layers={styleLayerNames} layer={layer} action={texts.lab.gram.show} onRun={measure} />
      {!photo.value && <p class="lab-empty">{texts.lab.gram.none}</p>}
      {fact && <Maps fact={fact} />}
    </>
  );
}

function Maps({ fact }: { readonly fact: GramFact }) {
  const { style, photo: ofPhoto, result } = fact;
  // One scale for all: what is brighter is stronger, wherever it is.
  const most = largest(style);
  const distance = (matrix: GramMatrix) => texts.lab.gram.distance(number(relativeDistance(matrix, style)));
  return (
    <>
      <div class="maps">
        <HeatMap title={texts.lab.gram.photo} note={distance(ofPhoto)} matrix={ofPhoto} most={most} />
        {result && <HeatMap title={texts.lab.gram.result} note={distance(result)} matrix={result} most={most} />}
        <HeatMap title={texts.lab.gram.style} note={texts.lab.gram.same} matrix={style} most={most} />
      </div>
      <p class="hint">
        {fact.layer}: {texts.lab.gram.channels(style.channels)}
      </p>
    </>
  );
}

async function measure(): Promise<void> {
  const wanted = { device: device.value, styles: choices.value, layer: layer.value };
  const found = await withRun('lab', () => answered(worker().gram(wanted, shownResult.value?.id, proxy(follow))));
  if (found) measured.value = found;
}

/** ‖A − B‖² / ‖B‖²: the style loss at this layer. */
function relativeDistance(a: GramMatrix, b: GramMatrix): number {
  let [difference, power] = [0, 0];
  for (const [i, value] of b.data.entries()) {
    difference += (a.data[i]! - value) ** 2;
    power += value ** 2;
  }
  return difference / power;
}

function largest({ data }: GramMatrix): number {
  return data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
