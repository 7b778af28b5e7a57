import type { StylizeOptionSpec } from 'fauve';
import { useId } from 'preact/hooks';
import { fromPlace, ranges, setOption, shownValue, toPlace, valueOfOption } from '../state/controls.js';
import { texts } from '../texts.js';
import { layerNames } from '../worker/layers.js';
import { Slider } from './slider.js';

/** One option of the library as a control: a slider, a choice, a switch, a number, or a list of layers. */
export function OptionField({ spec }: { readonly spec: StylizeOptionSpec }) {
  const { name, kind } = spec;
  const label = texts.options[name] ?? name;
  const value = valueOfOption(spec);
  const range = ranges[name];
  if (range && (typeof value === 'number' || (range.auto && value === 'auto'))) {
    const { step } = range;
    return (
      <Slider
        label={label}
        technical={name}
        value={toPlace(range, value)}
        min={toPlace(range, range.min)}
        max={toPlace(range, range.max)}
        step={step}
        shown={shownValue(name, value)}
        onInput={(place) => setOption(name, fromPlace(range, place))}
      />
    );
  }
  if (kind === 'layers') return <LayersField spec={spec} label={label} />;
  return <PlainField spec={spec} label={label} />;
}

function PlainField({ spec, label }: { readonly spec: StylizeOptionSpec; readonly label: string }) {
  const id = useId();
  const { name, kind, choices = [] } = spec;
  const value = valueOfOption(spec);
  return (
    <div class={`field field-${kind}`} title={spec.description}>
      <label for={id}>
        {label}
        <code> {name}</code>
      </label>
      {kind === 'choice' && (
        <select id={id} value={String(value)} onChange={({ currentTarget }) => setOption(name, currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {texts.choices[`${name} ${choice}`] ?? choice}
            </option>
          ))}
        </select>
      )}
      {kind === 'switch' && (
        <input
          id={id}
          type="checkbox"
          class="toggle"
          checked={value === true}
          onChange={({ currentTarget }) => setOption(name, currentTarget.checked)}
        />
      )}
      {kind === 'number' && (
        <input
          id={id}
          type="number"
          step="any"
          min="0"
          value={Number(value)}
          onChange={({ currentTarget }) => {
            if (currentTarget.value !== '') setOption(name, currentTarget.valueAsNumber);
          }}
        />
      )}
    </div>
  );
}

/** Which layers count: each with the weight 1, or not at all. */
function LayersField({ spec, label }: { readonly spec: StylizeOptionSpec; readonly label: string }) {
  const { name } = spec;
  const value = valueOfOption(spec) as Readonly<Record<string, number>>;
  return (
    <fieldset class="field layers" title={spec.description}>
      <legend>
        {label}
        <code> {name}</code>
      </legend>
      {layerNames.map((layer) => (
        <label key={layer}>
          <input
            type="checkbox"
            checked={layer in value}
            onChange={({ currentTarget }) => {
              const { [layer]: _, ...others } = value;
              const wanted = currentTarget.checked ? { ...others, [layer]: 1 } : others;
              if (Object.keys(wanted).length > 0) setOption(name, wanted);
              else currentTarget.checked = true;
            }}
          />
          {layer}
        </label>
      ))}
    </fieldset>
  );
}
