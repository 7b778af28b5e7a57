import type { Signal } from '@preact/signals';
import { busy, choices, photo } from '../state/session.js';
import { texts } from '../texts.js';

/** Which layer, and the button that begins. */
export function LayerForm({
  layers,
  layer,
  action,
  onRun,
}: {
  readonly layers: readonly string[];
  readonly layer: Signal<string>;
  readonly action: string;
  readonly onRun: () => Promise<void>;
}) {
  return (
    <form
      class="lab-form"
      onSubmit={(event) => {
        event.preventDefault();
        void onRun();
      }}
    >
      <label>
        {texts.lab.gram.layer}
        <select
          value={layer.value}
          onChange={({ currentTarget }) => {
            layer.value = currentTarget.value;
          }}
        >
          {layers.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button type="submit" class="button" disabled={busy.value || !photo.value || choices.value.length === 0}>
        {action}
      </button>
    </form>
  );
}
