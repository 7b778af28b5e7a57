import type { StylizeOptionSpec } from 'fauve';

/** A style that comes with Fauve, as the gallery shows it. */
export interface ShippedCard {
  readonly name: string;
  readonly title: string;
  readonly artist: string;
  readonly year: number | null;
  /** Colours as `#rrggbb`, from the largest share to the smallest. */
  readonly palette: readonly string[];
}

/** What lies beside the page. */
export interface ShippedList {
  readonly version: string;
  /** Path below the page → bytes, of networks and styles. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly styles: readonly ShippedCard[];
  /** Options of `stylize`. */
  readonly options: readonly StylizeOptionSpec[];
  /** Names of the styles that the trained network knows. */
  readonly instantStyles: readonly string[];
}
