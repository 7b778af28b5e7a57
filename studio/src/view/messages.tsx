import type { Signal } from '@preact/signals';
import { notice, problem } from '../state/session.js';
import { texts } from '../texts.js';
import { Icon } from './icon.js';

/** What went wrong and what to know, over the stage. */
export function Messages() {
  return (
    <div class="messages">
      <div role="alert">{problem.value && <Message text={problem} kind="problem" />}</div>
      <div role="status">{notice.value && <Message text={notice} kind="notice" />}</div>
    </div>
  );
}

function Message({ text, kind }: { readonly text: Signal<string | undefined>; readonly kind: string }) {
  return (
    <div class={`message ${kind}`}>
      <p>{text.value}</p>
      <button
        type="button"
        class="tool"
        aria-label={texts.notices.dismiss}
        onClick={() => {
          text.value = undefined;
        }}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
