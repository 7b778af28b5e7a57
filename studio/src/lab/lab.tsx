import { signal } from '@preact/signals';
import { labOpen } from '../state/session.js';
import { texts } from '../texts.js';
import { Icon } from '../view/icon.js';
import { ChartTab } from './chart-tab.js';
import { GramTab } from './gram-tab.js';
import { LayersTab } from './layers-tab.js';
import { StripTab } from './strip-tab.js';

const tabs = { chart: ChartTab, gram: GramTab, layers: LayersTab, strip: StripTab } as const;
type TabName = keyof typeof tabs;
const names = Object.keys(tabs) as TabName[];

const current = signal<TabName>('chart');

/** The loss lab: how the losses fall, what they compare, and what their weights do. */
export function Lab() {
  const Tab = tabs[current.value];
  return (
    <section class="lab" aria-label={texts.lab.heading}>
      <div class="lab-bar">
        <h2>{texts.lab.heading}</h2>
        <div class="tabs" role="tablist" aria-label={texts.lab.heading} onKeyDown={onKeyDown}>
          {names.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={current.value === name}
              aria-controls="lab-page"
              tabIndex={current.value === name ? 0 : -1}
              onClick={() => {
                current.value = name;
              }}
            >
              {texts.lab.tabs[name]}
            </button>
          ))}
        </div>
        <button
          type="button"
          class="tool"
          aria-label={texts.bar.closeLab}
          title={`${texts.bar.closeLab} (L)`}
          onClick={() => {
            labOpen.value = false;
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and is scrolled with the keyboard */}
      <div class="lab-page" role="tabpanel" id="lab-page" aria-labelledby={`tab-${current.value}`} tabIndex={0}>
        <Tab />
      </div>
    </section>
  );
}

/** The arrow keys go from tab to tab, as in every list of tabs. */
function onKeyDown(event: KeyboardEvent): void {
  const steps: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const name = names[(names.indexOf(current.value) + step + names.length) % names.length]!;
  current.value = name;
  document.getElementById(`tab-${name}`)?.focus();
}
