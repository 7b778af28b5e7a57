import type { StylizeOptionSpec } from 'fauve';
import { mainOptions, shownSpecs } from '../state/controls.js';
import { busy, paintOptions } from '../state/session.js';
import { texts } from '../texts.js';
import { OptionField } from './option-field.js';

/** The options of `stylize`, as the library describes them. */
export function SettingsSection() {
  const specs = shownSpecs();
  const main = specs.filter(({ name }) => mainOptions.includes(name));
  const rest = specs.filter(({ name }) => !mainOptions.includes(name));
  const order = ({ name }: StylizeOptionSpec) => mainOptions.indexOf(name);
  return (
    <section aria-labelledby="settings-heading">
      <div class="heading-row">
        <h2 id="settings-heading">{texts.settings.heading}</h2>
        {Object.keys(paintOptions.value).length > 0 && (
          <button
            type="button"
            class="link"
            onClick={() => {
              paintOptions.value = {};
            }}
          >
            {texts.settings.reset}
          </button>
        )}
      </div>
      <fieldset class="fields" disabled={busy.value}>
        <legend class="unseen">{texts.settings.heading}</legend>
        {[...main]
          .sort((a, b) => order(a) - order(b))
          .map((spec) => (
            <OptionField key={spec.name} spec={spec} />
          ))}
        {rest.length > 0 && (
          <details class="more">
            <summary>{texts.settings.more}</summary>
            <div class="fields">
              {rest.map((spec) => (
                <OptionField key={spec.name} spec={spec} />
              ))}
            </div>
          </details>
        )}
      </fieldset>
    </section>
  );
}
