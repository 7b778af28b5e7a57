import { busy, cameraOpen, keysOpen, labOpen, photo } from '../state/session.js';
import { texts } from '../texts.js';
import { DeviceMenu } from './device-menu.js';
import { Icon } from './icon.js';
import { OpenButton } from './open-button.js';

export function TopBar() {
  return (
    <header class="bar">
      <p class="brand">
        <img src="./icon.svg" width="24" height="24" alt="" />
        <span class={photo.value ? 'wide-only' : ''}>Fauve</span>
      </p>
      {photo.value && (
        <>
          <OpenButton class="button quiet" disabled={busy.value}>
            <Icon name="open" />
            <span class="wide-only">{texts.bar.open}</span>
          </OpenButton>
          <button
            type="button"
            class="button quiet"
            disabled={busy.value}
            aria-label={texts.bar.camera}
            title={texts.bar.camera}
            onClick={() => {
              cameraOpen.value = true;
            }}
          >
            <Icon name="camera" />
          </button>
        </>
      )}
      <span class="bar-space" />
      <DeviceMenu />
      <button
        type="button"
        class="button quiet"
        aria-pressed={labOpen.value}
        aria-label={texts.bar.lab}
        title={`${texts.bar.lab} (L)`}
        onClick={() => {
          labOpen.value = !labOpen.value;
        }}
      >
        <Icon name="chart" />
        <span class="wide-only">{texts.bar.lab}</span>
      </button>
      <button
        type="button"
        class="button quiet wide-only"
        title={texts.keys.heading}
        aria-label={texts.keys.heading}
        onClick={() => {
          keysOpen.value = true;
        }}
      >
        <Icon name="keys" />
      </button>
    </header>
  );
}
