import { keysOpen, singleKeys } from '../state/session.js';
import { texts } from '../texts.js';
import { Dialog } from './dialog.js';

/** Which key does what. */
export function KeysDialog() {
  if (!keysOpen.value) return null;
  return (
    <Dialog open={keysOpen} heading={texts.keys.heading}>
      <dl class="keys">
        {texts.keys.list.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input
          type="checkbox"
          class="toggle"
          checked={singleKeys.value}
          onChange={({ currentTarget }) => {
            singleKeys.value = currentTarget.checked;
          }}
        />
        {texts.keys.single}
      </label>
      <form method="dialog">
        <button type="submit" class="button">
          {texts.keys.close}
        </button>
      </form>
    </Dialog>
  );
}
