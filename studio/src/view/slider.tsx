import { useId } from 'preact/hooks';

/** A slider with its label, what it is called elsewhere, and its value in words. */
export function Slider({
  label,
  technical,
  value,
  min,
  max,
  step,
  shown,
  disabled = false,
  onInput,
}: {
  readonly label: string;
  readonly technical?: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value as it is read. */
  readonly shown: string;
  readonly disabled?: boolean;
  readonly onInput: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label}
        {technical && <code> {technical}</code>}
      </label>
      <output for={id}>{shown}</output>
      <input
        id={id}
        type="range"
        {...{ min, max, step, value, disabled }}
        aria-valuetext={shown}
        style={{ '--filled': `${(100 * (value - min)) / (max - min)}%` }}
        onInput={({ currentTarget }) => onInput(Number(currentTarget.value))}
      />
    </div>
  );
}
