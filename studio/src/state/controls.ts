import shipped from 'virtual:shipped';
import type { StylizeOptionSpec, StylizeOptions, StylizeOptionsInput } from 'fauve';
import { number, texts } from '../texts.js';
import { device, paintOptions } from './session.js';

/** How an option is set by a slider. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The slider's place is the logarithm of the value. */
  readonly logarithmic?: true;
  /** The slider's first place stands for 'auto'. */
  readonly auto?: true;
}

/** Options that are seen first; the others are below "All settings". */
export const mainOptions: readonly (keyof StylizeOptions)[] = [
  'styleWeight',
  'contentWeight',
  'styleScale',
  'tvWeight',
  'colours',
  'size',
];

/** What makes sense in a page; the library takes more. */
export const ranges: Readonly<Partial<Record<keyof StylizeOptions, Range>>> = {
  styleWeight: { min: 0.05, max: 20, step: 0.01, logarithmic: true },
  contentWeight: { min: 0.005, max: 5, step: 0.01, logarithmic: true },
  styleScale: { min: 0.25, max: 4, step: 0.01, logarithmic: true },
  styleSizes: { min: 1, max: 3, step: 1 },
  tvWeight: { min: 0, max: 4, step: 0.05 },
  size: { min: 128, max: 1024, step: 32 },
  steps: { min: 5, max: 500, step: 5 },
  coarseSteps: { min: 5, max: 200, step: 5 },
  scales: { min: 0, max: 4, step: 1, auto: true },
  history: { min: 2, max: 40, step: 1 },
  learningRate: { min: 0.001, max: 0.3, step: 0.01, logarithmic: true },
  beta1: { min: 0, max: 0.99, step: 0.01 },
  beta2: { min: 0, max: 0.999, step: 0.001 },
  averageDecay: { min: 0, max: 0.99, step: 0.01 },
};

/** Options that a page has no use for: VGG-19 does not come with it, and average pooling needs it. */
const withoutUse: readonly (keyof StylizeOptions)[] = ['polish', 'pooling'];

/** Without a graphics card or the native engine a smaller picture is made, so that it is done in minutes. */
const WASM_SIZE = 320;

export function shownSpecs(): readonly StylizeOptionSpec[] {
  return shipped.options.filter(({ name }) => !withoutUse.includes(name));
}

/** What an option is without having been set. */
export function defaultOf({ name, default: value }: StylizeOptionSpec): StylizeOptionSpec['default'] {
  return name === 'size' && device.value === 'wasm' ? WASM_SIZE : value;
}

export function valueOfOption(spec: StylizeOptionSpec): StylizeOptionSpec['default'] {
  return (paintOptions.value[spec.name] as StylizeOptionSpec['default'] | undefined) ?? defaultOf(spec);
}

export function setOption(name: keyof StylizeOptions, value: StylizeOptionSpec['default']): void {
  paintOptions.value = { ...paintOptions.value, [name]: value };
}

/** All that Paint is asked for: what was set, and the size that suits the device. */
export function requestedOptions(): StylizeOptionsInput {
  const size = shownSpecs().find(({ name }) => name === 'size');
  return { ...(size ? { size: defaultOf(size) as number } : {}), ...paintOptions.value };
}

export function shownValue(name: keyof StylizeOptions, value: number | 'auto'): string {
  if (value === 'auto') return value;
  return name === 'size'
    ? texts.settings.size(String(value))
    : number(value)
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '');
}

/** Place of a slider for a value, and back. */
export const toPlace = (range: Range, value: number | 'auto') =>
  value === 'auto' ? range.min : range.logarithmic ? Math.log10(value) : value;
export function fromPlace(range: Range, place: number): number | 'auto' {
  if (range.auto && place === range.min) return 'auto';
  return range.logarithmic ? Number((10 ** place).toPrecision(3)) : Number(place.toFixed(6));
}
