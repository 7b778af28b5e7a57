import shipped from 'virtual:shipped';
import { useRef } from 'preact/hooks';
import { openStyle } from '../state/photo.js';
import { choices, chosenStyles, mixing, ownStyles, sameStyle } from '../state/session.js';
import { texts } from '../texts.js';
import type { StyleChoice } from '../worker/api.js';
import { Icon } from './icon.js';
import { pictureTypes } from './open-button.js';
import { Slider } from './slider.js';
import { StyleTile } from './style-tile.js';

/** Those that the instant network knows come first. */
const gallery = [...shipped.styles].sort((a, b) => Number(isInstant(b.name)) - Number(isInstant(a.name)));

/** The gallery, pictures of the user's, and the shares of those that are mixed. */
export function StyleSection() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <section aria-labelledby="style-heading">
      <div class="heading-row">
        <h2 id="style-heading">{texts.styles.heading}</h2>
        <label class="switch">
          <input
            type="checkbox"
            class="toggle"
            checked={mixing.value}
            onChange={({ currentTarget }) => setMixing(currentTarget.checked)}
          />
          {texts.styles.mixing}
        </label>
      </div>
      {mixing.value && (choices.value.length > 1 ? <Shares /> : <p class="hint">{texts.styles.mixingHint}</p>)}
      <fieldset class="gallery">
        <legend class="unseen">{texts.styles.gallery}</legend>
        <button
          type="button"
          class="tile tile-add"
          aria-label={texts.styles.ownAdd}
          onClick={() => input.current!.click()}
        >
          <span class="tile-picture">
            <Icon name="plus" />
          </span>
          <span class="tile-title">{texts.styles.own}</span>
        </button>
        {ownStyles.value.map((own) => (
          <StyleTile
            key={`own ${own.id}`}
            title={own.name}
            detail=""
            bitmap={own.bitmap}
            {...tileState({ kind: 'own', id: own.id, weight: 1 })}
          />
        ))}
        {gallery.map(({ name, title, artist, year, palette }) => (
          <StyleTile
            key={name}
            title={title}
            detail={texts.styles.by(artist, year)}
            swatch={`small/${name}.webp`}
            palette={palette}
            instant={isInstant(name)}
            {...tileState({ kind: 'shipped', name, weight: 1 })}
          />
        ))}
      </fieldset>
      <input
        ref={input}
        type="file"
        accept={pictureTypes}
        multiple
        hidden
        data-style-input
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = '';
          void files.reduce((before, file) => before.then(() => openStyle(file)), Promise.resolve());
        }}
      />
    </section>
  );
}

function isInstant(name: string): boolean {
  return shipped.instantStyles.includes(name);
}

function tileState(choice: StyleChoice) {
  const chosen = choices.value.some((each) => sameStyle(each, choice));
  return { chosen, several: mixing.value, onChoose: () => choose(choice, chosen) };
}

function choose(choice: StyleChoice, chosen: boolean): void {
  if (!mixing.value) choices.value = [choice];
  else if (!chosen) choices.value = [...choices.value, choice];
  else if (choices.value.length > 1) choices.value = choices.value.filter((each) => !sameStyle(each, choice));
}

function setMixing(on: boolean): void {
  mixing.value = on;
  if (!on) choices.value = choices.value.slice(0, 1).map((choice) => ({ ...choice, weight: 1 }));
}

function Shares() {
  const sum = choices.value.reduce((total, { weight }) => total + weight, 0);
  const set = (at: number, weight: number) => {
    choices.value = choices.value.map((choice, i) => (i === at ? { ...choice, weight } : choice));
  };
  return (
    <ul class="shares">
      {chosenStyles.value.map(({ choice, title }, i) => (
        <li key={title}>
          <Slider
            label={title}
            value={choice.weight}
            min={0.05}
            max={1}
            step={0.05}
            shown={`${Math.round((100 * choice.weight) / sum)} %`}
            onInput={(weight) => set(i, weight)}
          />
          <button
            type="button"
            class="tool"
            aria-label={texts.styles.remove(title)}
            onClick={() => {
              choices.value = choices.value.filter((each) => each !== choice);
            }}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
