/** A picture as JSON, on its way between Node and the worker. */
export interface PlainImage {
  readonly width: number;
  readonly height: number;
  readonly data: readonly number[];
  readonly alpha?: readonly number[] | undefined;
}
