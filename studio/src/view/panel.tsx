import { results } from '../state/session.js';
import { texts } from '../texts.js';
import { MakeSection } from './make-section.js';
import { ResultSection } from './result-section.js';
import { SettingsSection } from './settings-section.js';
import { StyleSection } from './style-section.js';

/** Everything that can be set, in the order in which it is done. */
export function Panel() {
  return (
    <aside class="panel" id="panel" tabIndex={-1} aria-label={texts.controls}>
      <MakeSection />
      {results.value.length > 0 && <ResultSection />}
      <StyleSection />
      <SettingsSection />
    </aside>
  );
}
