import { openExample } from '../state/photo.js';
import { cameraOpen } from '../state/session.js';
import { texts } from '../texts.js';
import { Icon } from './icon.js';
import { OpenButton } from './open-button.js';

/** What is seen before there is a photo. */
export function EmptyStage() {
  return (
    <section class="stage stage-empty" aria-labelledby="empty-heading">
      <div class="welcome">
        <h2 id="empty-heading">{texts.empty.heading}</h2>
        <p class="lead">{texts.empty.lead}</p>
        <p class="welcome-buttons">
          <OpenButton class="button primary">
            <Icon name="open" />
            {texts.empty.open}
          </OpenButton>
          <button
            type="button"
            class="button"
            onClick={() => {
              cameraOpen.value = true;
            }}
          >
            <Icon name="camera" />
            {texts.empty.camera}
          </button>
        </p>
        <p class="hint wide-only">{texts.empty.paste}</p>
        <p class="hint examples-title" id="examples">
          {texts.empty.examples}
        </p>
        <ul class="examples" aria-labelledby="examples">
          {texts.examples.map(({ file, name }) => (
            <li key={file}>
              <button type="button" class="example" onClick={() => void openExample(`${file}.jpg`)}>
                <img src={`small/${file}.webp`} width="104" height="104" alt="" />
                {name}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
